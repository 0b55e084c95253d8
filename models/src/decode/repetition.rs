//! How much a text repeats itself: the measures TR-N and TR-S.
//!
//! Source: Dong et al. 2025, *Rethinking Repetition Problems of LLMs in Code Generation*, section 5.1, "Metrics". Their
//! program measures the texts of terminals, the paper's formula their classes; both are here under their names. Unlike
//! their program, a ratio is of one text, the last line counts, and lines are logical lines and no characters.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use super::Language;
use super::lexer::{Lexeme, Lexer, Terminal};
use super::lines::{Detail, Event, Lines, code};

/// What counts as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// Terminals of one class, whatever their text: `x = 1` and `y = 2` are the same.
    Terminals,
    /// Terminals of one text.
    Texts,
}

impl Sameness {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminals => "terminals",
            Self::Texts => "texts",
        }
    }
}

/// Grams in TR-N as it is reported.
pub const GRAM: usize = 4;

/// TR-N: the share of `n`-grams of terminals that were there before, in `[0, 1]`. Lower is better; 0 for a text that is
/// too short to have any.
#[must_use]
pub fn repeated_grams(text: &str, language: Language, n: usize, sameness: Sameness) -> f64 {
    let symbols: Vec<u64> = lexemes(text, language)
        .into_iter()
        .filter(|lexeme| !matches!(lexeme.terminal, Terminal::Comment | Terminal::Break))
        .map(|lexeme| symbol(lexeme, text, sameness))
        .collect();
    repeated(symbols.windows(n.max(1)))
}

/// TR-S: the share of statements that were there before, in `[0, 1]`. Lower is better; 0 for a text without any.
#[must_use]
pub fn repeated_statements(text: &str, language: Language, sameness: Sameness) -> f64 {
    let (mut lines, mut statements, mut texts) = (Lines::new(Detail::Fine), Vec::new(), Vec::new());
    for lexeme in lexemes(text, language) {
        match (lines.push(lexeme.terminal), sameness) {
            (Some(Event::Statement(line)), Sameness::Terminals) => statements.push(vec![line.symbol]),
            (Some(Event::Statement(_)), Sameness::Texts) => statements.push(std::mem::take(&mut texts)),
            _ if matches!(lexeme.terminal, Terminal::Comment | Terminal::Break | Terminal::Newline) => {}
            _ => texts.push(symbol(lexeme, text, sameness)),
        }
    }
    repeated(statements.iter())
}

fn lexemes(text: &str, language: Language) -> Vec<Lexeme> {
    let (mut lexer, mut lexemes) = (Lexer::new(language), Vec::new());
    lexer.push(text.as_bytes(), &mut |lexeme| lexemes.push(lexeme));
    lexer.finish(&mut |lexeme| lexemes.push(lexeme));
    lexemes
}

fn symbol(lexeme: Lexeme, text: &str, sameness: Sameness) -> u64 {
    match (sameness, text.as_bytes().get(lexeme.start..lexeme.end)) {
        (Sameness::Texts, Some(bytes)) if !bytes.is_empty() => {
            BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes)
        }
        _ => code(lexeme.terminal),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of grams in a text")]
fn repeated<T: Ord>(items: impl ExactSizeIterator<Item = T>) -> f64 {
    let all = items.len();
    let distinct = items.collect::<BTreeSet<_>>().len();
    if all == 0 { 0.0 } else { 1.0 - distinct as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn the_examples_of_the_specification() {
        check(repeated(b"abcabcabc".windows(4)), 0.5);
        check(repeated(b"abcdefgh".windows(4)), 0.0);
        check(repeated(b"abc".windows(4)), 0.0);
    }

    #[test]
    fn names_differ_as_texts_only() {
        let text = "x = 1\ny = 2\nz = 3\n";
        // NAME = NUMBER NEWLINE, three times: 9 grams of 4 different kinds.
        check(repeated_grams(text, Language::Python, GRAM, Sameness::Terminals), 1.0 - 4.0 / 9.0);
        check(repeated_grams(text, Language::Python, GRAM, Sameness::Texts), 0.0);
        check(repeated_statements(text, Language::Python, Sameness::Terminals), 1.0 - 1.0 / 3.0);
        check(repeated_statements(text, Language::Python, Sameness::Texts), 0.0);
        check(repeated_statements("f(1)\nf(2)\nf(1)\n", Language::Python, Sameness::Texts), 1.0 / 3.0);
    }
}
