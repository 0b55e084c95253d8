//! Operators, and the brackets, braces and semicolons among them.

use super::held::Held;
use super::{Begun, Lexer, Sink, State, Terminal, operator};
use crate::decode::language::{Blocks, Ends};

impl Lexer {
    pub(super) fn take_after_backslash(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        match byte {
            b'\r' => true,
            b'\n' => {
                self.begun = self.begun_before;
                self.state = State::Between;
                true
            }
            _ => {
                self.end_operator(sink);
                false
            }
        }
    }

    pub(super) fn take_operator(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        if self.held.bytes() == b"." && byte.is_ascii_digit() {
            self.state = State::Number { radix: false, dot: true };
            return true;
        }
        let mut longer = self.held;
        longer.push(byte);
        if self.opens_comment(longer.bytes()) {
            self.state = State::LineComment;
        } else if self.syntax.block_comment.as_ref().is_some_and(|c| c.open.as_bytes() == longer.bytes()) {
            self.state = State::BlockComment { depth: 1 };
            // `/*/` does not end what it begins.
            self.held = Held::default();
        } else if self.may_extend(self.held.bytes()) && self.is_operator_start(longer.bytes()) {
            self.held = longer;
            return true;
        } else {
            self.end_operator(sink);
            return false;
        }
        self.begun = self.begun_before;
        true
    }

    /// Ends an operator before the byte under way; one that is none falls into its bytes.
    pub(super) fn end_operator(&mut self, sink: Sink<'_>) {
        self.state = State::Between;
        let held = self.held;
        match held.bytes() {
            &[byte] => self.end_single(byte, 0, sink),
            bytes if self.syntax.operators.iter().any(|known| known.as_bytes() == bytes) => {
                self.emit(operator(bytes), sink);
            }
            bytes => {
                for (start, byte) in (self.start..).zip(bytes) {
                    self.emit_from(operator(&[*byte]), start, start + 1, sink);
                }
            }
        }
    }

    /// Ends an operator of one byte, which counts brackets, blocks and statements.
    pub(super) fn end_single(&mut self, byte: u8, ahead: usize, sink: Sink<'_>) {
        self.state = State::Between;
        let (start, end) = (self.start, self.offset + ahead);
        let makes_block = self.syntax.blocks == Blocks::Braces && self.brackets == 0;
        let terminal = match byte {
            b'{' if makes_block => {
                self.emit_from(operator(&[byte]), start, end, sink);
                self.end_line(end, end, sink);
                self.blocks.push(0);
                Terminal::Indent
            }
            b'}' if makes_block => return self.end_block(end, sink),
            b'(' | b'[' | b'{' if self.is_code() => {
                self.brackets = self.brackets.saturating_add(1);
                self.begun.physical = true;
                Terminal::Open(byte)
            }
            b')' | b']' | b'}' if self.is_code() => {
                self.brackets = self.brackets.saturating_sub(1);
                Terminal::Close(byte)
            }
            b';' if self.brackets == 0 && matches!(self.syntax.ends, Ends::Semicolon | Ends::Automatic) => {
                self.emit_from(operator(&[byte]), start, end, sink);
                return self.end_line(end, end, sink);
            }
            _ => operator(&[byte]),
        };
        self.emit_from(terminal, if terminal == Terminal::Indent { end } else { start }, end, sink);
    }

    /// Ends a block at its brace, and the statement before that has no end of its own.
    fn end_block(&mut self, end: usize, sink: Sink<'_>) {
        let start = self.start;
        if self.begun_before.logical {
            self.emit_from(Terminal::Newline, start, start, sink);
        }
        if self.blocks.pop().is_some() {
            self.emit_from(Terminal::Dedent, start, start, sink);
        }
        self.emit_from(operator(b"}"), start, end, sink);
        self.begun = Begun::default();
    }

    fn is_operator_start(&self, bytes: &[u8]) -> bool {
        self.syntax.operators.iter().any(|known| known.as_bytes().starts_with(bytes))
    }

    /// Whether more bytes could make a longer operator, or a comment.
    pub(super) fn may_extend(&self, bytes: &[u8]) -> bool {
        self.is_operator_start(bytes) || self.syntax.line_comment.as_bytes().starts_with(bytes)
    }
}
