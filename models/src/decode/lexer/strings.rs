//! Strings from their first mark to their last, raw ones and characters among them.

use super::held::Held;
use super::quoted::{CLOSE_MAX, Quoted, Step};
use super::{Lexer, NESTED_MAX, Sink, State, Terminal, operator};
use crate::decode::language::Quote;

impl Lexer {
    pub(super) fn take_opening(&mut self, count: u8, byte: u8, sink: Sink<'_>) -> bool {
        let Some(open) = self.strings.last_mut() else {
            self.state = State::Between;
            return false;
        };
        match (count, open.is_mark(byte)) {
            (1, true) => self.state = State::Opening(2),
            (_, true) => {
                open.make_triple();
                self.state = State::String;
            }
            (1, false) => {
                self.state = State::String;
                return false;
            }
            (_, false) => {
                self.end_string(0, sink);
                return false;
            }
        }
        true
    }

    pub(super) fn take_string(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        let nested = self.strings.len();
        let Some(open) = self.strings.last_mut() else {
            self.state = State::Between;
            return false;
        };
        match open.take(byte) {
            Step::Inside => true,
            Step::Closed if nested > 1 => {
                self.strings.pop();
                true
            }
            Step::Closed => {
                self.end_string(1, sink);
                true
            }
            Step::Broken if nested > 1 => {
                self.strings.pop();
                false
            }
            Step::Broken => {
                self.end_string(0, sink);
                false
            }
            Step::Mark => {
                if let Some(quote) = self.quote(byte).filter(|_| nested < NESTED_MAX) {
                    let formatted = matches!(self.previous, b'f' | b'F' | b't' | b'T');
                    self.strings.push(Quoted::new(quote, formatted));
                }
                true
            }
        }
    }

    pub(super) fn take_hashes(&mut self, count: u8, byte: u8) -> bool {
        match byte {
            b'#' if usize::from(count) + 2 < CLOSE_MAX => self.state = State::Hashes(count + 1),
            b'"' => {
                let mut close = Held::of(b'"');
                (0..count).for_each(|_| close.push(b'#'));
                self.open_raw(close.bytes());
            }
            _ => {
                // A raw name, such as `r#type`, which is no keyword.
                self.state = State::Name;
                self.held = Held::spilled();
                return false;
            }
        }
        true
    }

    pub(super) fn take_delimiter(&mut self, byte: u8) -> bool {
        let is_full = self.held.bytes().len() + 1 >= CLOSE_MAX;
        match byte {
            b'(' => {
                self.held.push(b'"');
                let close = self.held;
                self.open_raw(close.bytes());
            }
            b')' | b'\\' | b'"' | b' ' | b'\n' | b'\t' => return self.no_delimiter(),
            _ if is_full => return self.no_delimiter(),
            _ => self.held.push(byte),
        }
        true
    }

    fn no_delimiter(&mut self) -> bool {
        self.open_raw(b"\"");
        false
    }

    pub(super) fn take_tick(&mut self, bytes: u8, name: bool, byte: u8, sink: Sink<'_>) -> bool {
        match (bytes, byte) {
            (0, b'\\') => {
                self.state = State::String;
                return false;
            }
            (0, _) => self.state = State::Tick { bytes: 1, name: self.is_name(byte) },
            (_, b'\'') => self.end_string(1, sink),
            (_, _) if name && self.is_name(byte) => {
                self.state = State::Tick { bytes: bytes.saturating_add(1), name };
            }
            _ => {
                self.end_lifetime(name, sink);
                return false;
            }
        }
        true
    }

    pub(super) fn open_string(&mut self, quote: &'static Quote, formatted: bool) {
        self.strings.push(Quoted::new(quote, formatted));
        self.state = match quote {
            Quote { triple: true, .. } => State::Opening(1),
            Quote { lifetimes: true, .. } => State::Tick { bytes: 0, name: false },
            _ => State::String,
        };
    }

    pub(super) fn open_raw(&mut self, close: &[u8]) {
        self.strings.push(Quoted::raw(close));
        self.state = State::String;
    }

    pub(super) fn end_string(&mut self, ahead: usize, sink: Sink<'_>) {
        self.strings.clear();
        self.emit_from(Terminal::String, self.start, self.offset + ahead, sink);
        self.state = State::Between;
    }

    pub(super) fn end_lifetime(&mut self, name: bool, sink: Sink<'_>) {
        self.strings.clear();
        let mark = self.start + 1;
        self.emit_from(operator(b"'"), self.start, mark, sink);
        if self.offset > mark {
            let rest = if name { Terminal::Name } else { operator(&[self.previous]) };
            self.emit_from(rest, mark, self.offset, sink);
        }
        self.state = State::Between;
    }

    pub(super) fn quote(&self, byte: u8) -> Option<&'static Quote> {
        self.syntax.quotes.iter().find(|quote| quote.mark == byte)
    }
}
