//! Comments of lines and blocks, and the fences of Markdown.

use super::held::Held;
use super::{Lexer, Sink, State, Terminal, first_state};

impl Lexer {
    pub(super) fn take_line_comment(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        if byte != b'\n' {
            return true;
        }
        self.emit(Terminal::Comment, sink);
        false
    }

    pub(super) fn take_block_comment(&mut self, depth: u32, byte: u8, sink: Sink<'_>) -> bool {
        let Some(comment) = &self.syntax.block_comment else {
            self.state = State::Between;
            return false;
        };
        let pair = [self.held.bytes().first().copied().unwrap_or(0), byte];
        let depth = match () {
            () if pair == comment.close => depth - 1,
            () if comment.nests && pair == comment.open.as_bytes() => depth.saturating_add(1),
            () => {
                self.held = Held::of(byte);
                return true;
            }
        };
        self.held = Held::default();
        self.state = State::BlockComment { depth };
        if depth == 0 {
            self.emit_from(Terminal::Comment, self.start, self.offset + 1, sink);
            self.state = State::Between;
        }
        true
    }

    pub(super) fn take_backticks(&mut self, count: u8, byte: u8, sink: Sink<'_>) -> bool {
        match (count, byte) {
            (2, b'`') => {
                self.begun = self.begun_before;
                self.state = State::Fence;
                return true;
            }
            (_, b'`') => {
                self.state = State::Backticks(count + 1);
                return true;
            }
            _ => {}
        }
        match self.quote(b'`') {
            Some(quote) if count == 1 => self.open_string(quote, false),
            Some(_) => self.emit(Terminal::String, sink),
            None => {
                self.held = Held::default();
                (0..count).for_each(|_| self.held.push(b'`'));
                self.end_operator(sink);
            }
        }
        false
    }

    pub(super) fn take_fence(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        if byte == b'\n' {
            (0..self.brackets)
                .for_each(|_| self.emit_from(Terminal::Close(b')'), self.offset, self.offset, sink));
            self.brackets = 0;
            if self.begun.logical {
                self.end_line(self.offset, self.offset, sink);
            }
            self.close_blocks(sink);
            self.state = first_state(self.syntax);
        }
        true
    }

    pub(super) fn opens_comment(&self, bytes: &[u8]) -> bool {
        self.syntax.line_comment.as_bytes() == bytes
    }
}
