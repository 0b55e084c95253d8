//! The detector on texts that come from elsewhere, without logits: it can only say when enough is enough.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use super::Language;
use super::lexer::{Lexeme, Lexer, Terminal};
use super::penalty::{CONTENT_WINDOW, HARD_STOP_COPIES, is_content_run, is_hard_stop};
use super::runs::EndRuns;

/// Watches a text that grows for a unit that is repeated over and over.
///
/// Its symbols are words, numbers, marks and line ends with their text, whatever the language, as answers mix languages.
/// The rule is that of the guard's hard stop.
#[derive(Debug, Clone)]
pub struct RepetitionWatch {
    lexer: Lexer,
    words: EndRuns<u64, bool>,
    /// Where each word ends, in bytes.
    ends: Vec<usize>,
    line_begins: bool,
}

impl Default for RepetitionWatch {
    fn default() -> Self {
        Self {
            lexer: Lexer::new(Language::Text),
            words: EndRuns::new(CONTENT_WINDOW / 2),
            ends: Vec::new(),
            line_begins: true,
        }
    }
}

impl RepetitionWatch {
    /// Reads on in a text of which it has seen the beginning. `Some` is how many bytes of it to keep: up to the end of the
    /// first of too many copies.
    pub fn read(&mut self, text: &str) -> Option<usize> {
        let mut words = Vec::new();
        let rest = text.as_bytes().get(self.lexer.offset()..).unwrap_or_default();
        self.lexer.push(rest, &mut |lexeme| words.push(lexeme));
        words.into_iter().find_map(|word| self.take(word, text))
    }

    fn take(&mut self, word: Lexeme, text: &str) -> Option<usize> {
        let bytes = text.as_bytes().get(word.start..word.end).unwrap_or_default();
        let symbol = BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes);
        self.words.push(symbol, self.line_begins);
        self.line_begins = word.terminal == Terminal::Newline;
        self.ends.push(word.end);
        let run = self.words.smallest(|run| run.copies() >= HARD_STOP_COPIES && is_content_run(run))?;
        let start = self.ends.len() - run.len;
        let end_before =
            |word: usize| word.checked_sub(1).and_then(|word| self.ends.get(word)).copied().unwrap_or(0);
        if !is_hard_stop(run, word.end - end_before(start), HARD_STOP_COPIES) {
            return None;
        }
        let (unit, _) = self.words.unit(run);
        let first = unit.iter().position(|begins_line| *begins_line).unwrap_or(0);
        Some(end_before(start + first + run.period))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, chunk: usize) -> Option<String> {
        let mut watch = RepetitionWatch::default();
        let ends =
            (1..text.len()).filter(|end| end % chunk == 0 && text.is_char_boundary(*end)).chain([text.len()]);
        ends.into_iter().find_map(|end| watch.read(&text[..end])).map(|keep| text[..keep].to_owned())
    }

    #[test]
    fn a_loop_is_cut_behind_its_first_copy() {
        let text = "Here it is:\nx = 1\n".to_owned() + &"print('é', x)\n".repeat(40);
        for chunk in [1, 7, 4096] {
            assert_eq!(cut(&text, chunk).unwrap(), "Here it is:\nx = 1\nprint('é', x)\n", "{chunk}");
        }
        assert_eq!(cut(&"\n".repeat(300), 1).unwrap(), "\n");
        assert_eq!(cut(&("a ".to_owned() + &"and so on ".repeat(60)), 64).unwrap(), "a and so on");
    }

    #[test]
    fn what_people_write_is_no_loop() {
        for text in [
            "-".repeat(120),
            "print('no')\n".repeat(31),
            (0..200).map(|n| format!("x{n} = {n}\n")).collect(),
            "0, ".repeat(80),
        ] {
            assert_eq!(cut(&text, 5), None, "{text}");
        }
    }
}
