//! Names, keywords and numbers.

use super::held::Held;
use super::{Lexer, Sink, State, Terminal};
use crate::decode::language::Raw;

impl Lexer {
    pub(super) fn take_name(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        if self.is_name(byte) {
            self.held.push(byte);
            return true;
        }
        if self.opens_raw(byte) {
            return true;
        }
        if let Some(quote) = self.quote(byte)
            && let Some(prefix) = self.prefix()
        {
            self.open_string(quote, prefix.contains(['f', 't']));
            return true;
        }
        self.end_name(sink);
        false
    }

    /// Goes on to a raw string where a name is the begin of one.
    fn opens_raw(&mut self, byte: u8) -> bool {
        let held = self.held.bytes();
        match (self.syntax.raw, byte) {
            (Raw::Hashes, b'#') if matches!(held, b"r" | b"br" | b"cr") => self.state = State::Hashes(1),
            (Raw::Hashes, b'"') if matches!(held, b"r" | b"br" | b"cr") => self.open_raw(b"\""),
            (Raw::Delimiter, b'"') if matches!(held, b"R" | b"LR" | b"uR" | b"UR" | b"u8R") => {
                self.held = Held::of(b')');
                self.state = State::Delimiter;
            }
            _ => return false,
        }
        true
    }

    fn prefix(&self) -> Option<&'static str> {
        let same = |prefix: &&&str| prefix.as_bytes().eq_ignore_ascii_case(self.held.bytes());
        self.syntax.prefixes.iter().find(same).copied()
    }

    pub(super) fn take_number(&mut self, radix: bool, dot: bool, byte: u8, sink: Sink<'_>) -> bool {
        let after_dot = self.previous == b'.';
        // `0..9` and `1.max(2)`: the dot is not the number's.
        let foreign_dot = byte == b'.' || (byte.is_ascii_alphabetic() && !b"eEjJfFdDlL".contains(&byte));
        if dot && after_dot && foreign_dot && self.offset > self.start + 1 {
            self.emit_from(Terminal::Number, self.start, self.offset - 1, sink);
            self.start = self.offset - 1;
            self.held = Held::of(b'.');
            self.state = State::Operator;
            return false;
        }
        let radix_mark = self.offset == self.start + 1 && self.previous == b'0' && b"xXbBoO".contains(&byte);
        let goes_on = match byte {
            b'.' => !dot && !radix,
            b'+' | b'-' => !radix && matches!(self.previous, b'e' | b'E'),
            _ => byte.is_ascii_alphanumeric() || byte == b'_',
        };
        if goes_on {
            self.state = State::Number { radix: radix || radix_mark, dot: dot || byte == b'.' };
        } else {
            self.emit(Terminal::Number, sink);
        }
        goes_on
    }

    pub(super) fn end_name(&mut self, sink: Sink<'_>) {
        let held = self.held.bytes();
        let keyword = self.syntax.keywords.iter().position(|keyword| keyword.as_bytes() == held);
        let keyword = keyword.and_then(|place| u8::try_from(place).ok());
        self.emit(keyword.map_or(Terminal::Name, Terminal::Keyword), sink);
    }
}
