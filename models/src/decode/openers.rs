//! Which tokens of a vocabulary begin with which terminal.

use std::collections::BTreeMap;

use super::lexer::{Lexer, Terminal};
use super::{Language, Vocabulary};

/// The tokens of a vocabulary by the terminal that they begin with, behind blanks. Made once, as it lexes every token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Openers {
    first: Vec<Option<Terminal>>,
    /// By terminal, in order; names are left out, as they have only their kind in common.
    tokens: BTreeMap<Terminal, Vec<u32>>,
    /// Tokens that are line breaks and nothing else.
    line_breaks: Vec<u32>,
}

impl Openers {
    pub(crate) fn new(vocabulary: &Vocabulary, language: Language) -> Self {
        let mut openers = Self::default();
        for token in (0..).take(vocabulary.len()) {
            let bytes = vocabulary.bytes(token);
            let first = first_terminal(bytes, language);
            openers.first.push(first);
            if let Some(terminal) = first.filter(|terminal| *terminal != Terminal::Name) {
                openers.tokens.entry(terminal).or_default().push(token);
            }
            if !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
                openers.line_breaks.push(token);
            }
        }
        openers
    }

    /// The terminal that a token begins with; `None` for blanks.
    pub(crate) fn first(&self, token: u32) -> Option<Terminal> {
        usize::try_from(token).ok().and_then(|token| self.first.get(token).copied()).flatten()
    }

    /// All tokens that begin with a terminal; none for names.
    pub(crate) fn tokens(&self, terminal: Terminal) -> &[u32] {
        self.tokens.get(&terminal).map_or(&[], Vec::as_slice)
    }

    /// Tokens that are line breaks and nothing else.
    pub(crate) fn line_breaks(&self) -> &[u32] {
        &self.line_breaks
    }
}

fn first_terminal(bytes: &[u8], language: Language) -> Option<Terminal> {
    let (mut lexer, mut first) = (Lexer::new(language), None);
    let mut keep = |lexeme: super::lexer::Lexeme| {
        first.get_or_insert(lexeme.terminal);
    };
    lexer.push(bytes.trim_ascii_start(), &mut keep);
    lexer.finish(&mut keep);
    first.filter(|terminal| *terminal != Terminal::Newline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_found_behind_blanks_and_only_whole() {
        let texts = [
            " elif", "elif", "elif(", "elifx", "el", "\n", "\n\n", "  ", "#", "'a", "12", "(", "==", " =",
            "é",
        ];
        let vocabulary = Vocabulary::new(texts.map(|text| text.as_bytes().to_vec()), vec![]);
        let openers = Openers::new(&vocabulary, Language::Python);
        let elif = openers.first(0).unwrap();
        assert!(matches!(elif, Terminal::Keyword(_)));
        assert_eq!(openers.tokens(elif), [0, 1, 2]);
        assert_eq!(openers.line_breaks(), [5, 6]);
        assert_eq!(openers.tokens(Terminal::Name), [0_u32; 0]);
        let kinds: Vec<_> = (7..15).map(|token| openers.first(token)).collect();
        let equals = |bytes| Some(Terminal::Operator(bytes));
        assert_eq!(
            kinds,
            [
                None,
                Some(Terminal::Comment),
                Some(Terminal::String),
                Some(Terminal::Number),
                Some(Terminal::Open(b'(')),
                equals(*b"==\0\0"),
                equals(*b"=\0\0\0"),
                Some(Terminal::Name),
            ]
        );
        assert_eq!(openers.first(99), None);
    }
}
