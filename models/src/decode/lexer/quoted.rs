//! A string under way, with the code in its fields.

use crate::decode::language::{Fields, Quote};

/// Longest mark that ends a string, in bytes. Delimiters of C++ have at most 16.
pub(super) const CLOSE_MAX: usize = 20;

/// A string under way.
#[derive(Debug, Clone)]
pub(super) struct Quoted {
    close: [u8; CLOSE_MAX],
    close_len: usize,
    matched: usize,
    lines: bool,
    escapes: bool,
    escaped: bool,
    fields: Fields,
    /// The last byte may open a field.
    may_open: bool,
    /// Brackets open in the field under way, its own included; 0 outside of fields.
    depth: u32,
    /// In the format behind the colon of a field.
    in_format: bool,
}

/// What a byte does to a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It belongs to it.
    Inside,
    /// It ends it.
    Closed,
    /// It can't belong to it.
    Broken,
    /// It may begin a string in a field.
    Mark,
}

impl Quoted {
    pub(super) fn new(quote: &Quote, formatted: bool) -> Self {
        let fields = match quote.fields {
            Fields::Braces if !formatted => Fields::None,
            fields => fields,
        };
        let (lines, escapes) = (quote.lines, quote.escapes);
        Self { lines, escapes, fields, ..Self::raw(&[quote.mark]) }
    }

    /// A string of any bytes up to a mark.
    pub(super) fn raw(mark: &[u8]) -> Self {
        let mut close = [0; CLOSE_MAX];
        close.iter_mut().zip(mark).for_each(|(place, byte)| *place = *byte);
        Self {
            close,
            close_len: mark.len().min(CLOSE_MAX),
            matched: 0,
            lines: true,
            escapes: false,
            escaped: false,
            fields: Fields::None,
            may_open: false,
            depth: 0,
            in_format: false,
        }
    }

    pub(super) fn is_mark(&self, byte: u8) -> bool {
        self.close.first() == Some(&byte)
    }

    pub(super) fn make_triple(&mut self) {
        let mark = self.close.first().copied().unwrap_or(0);
        self.close.iter_mut().take(3).for_each(|place| *place = mark);
        self.close_len = 3;
        self.lines = true;
    }

    pub(super) fn take(&mut self, byte: u8) -> Step {
        if std::mem::take(&mut self.escaped) {
            return Step::Inside;
        }
        if byte == b'\n' && !self.lines {
            return Step::Broken;
        }
        if std::mem::take(&mut self.may_open) {
            let opens = (self.fields == Fields::Dollar) == (byte == b'{');
            self.depth = u32::from(opens);
            if opens && self.fields == Fields::Braces {
                return self.take_in_field(byte);
            }
            if byte == b'{' {
                return Step::Inside;
            }
        }
        if self.depth > 0 { self.take_in_field(byte) } else { self.take_text(byte) }
    }

    fn take_text(&mut self, byte: u8) -> Step {
        if byte == b'\\' && self.escapes {
            self.escaped = true;
            self.matched = 0;
            return Step::Inside;
        }
        self.may_open = match self.fields {
            Fields::None => false,
            Fields::Braces => byte == b'{',
            Fields::Dollar => byte == b'$',
        };
        let goes_on = self.close.get(self.matched) == Some(&byte);
        self.matched = if goes_on { self.matched + 1 } else { usize::from(self.is_mark(byte)) };
        if self.matched == self.close_len { Step::Closed } else { Step::Inside }
    }

    fn take_in_field(&mut self, byte: u8) -> Step {
        self.matched = 0;
        match byte {
            b'{' | b'(' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b')' | b']' => {
                self.depth -= 1;
                self.in_format &= self.depth > 0;
            }
            b':' if self.depth == 1 && self.fields == Fields::Braces => self.in_format = true,
            b'"' | b'\'' | b'`' if self.in_format => {
                // A mark that fills a format, or the end of a field that was never closed.
                return if self.close_len == 1 && self.is_mark(byte) { Step::Closed } else { Step::Inside };
            }
            b'"' | b'\'' | b'`' => return Step::Mark,
            _ => {}
        }
        Step::Inside
    }
}
