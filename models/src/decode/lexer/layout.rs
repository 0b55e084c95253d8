//! Lines, statements and blocks: what the blanks between terminals mean.

use super::{Begun, Lexer, Sink, State, Terminal, first_state};
use crate::decode::language::Ends;

impl Lexer {
    pub(super) fn take_indentation(&mut self, column: u32, byte: u8, sink: Sink<'_>) -> bool {
        self.state = match byte {
            b' ' => State::Indentation(column.saturating_add(1)),
            // As CPython: a tab goes to the next multiple of eight, a form feed to the margin.
            b'\t' => State::Indentation((column / 8 + 1).saturating_mul(8)),
            b'\x0c' | b'\n' => State::Indentation(0),
            b'\r' => return true,
            _ => {
                if byte != b'`' && !self.opens_comment(&[byte]) {
                    self.indent(column, sink);
                }
                self.state = State::Between;
                return false;
            }
        };
        true
    }

    /// Takes the end of a line.
    pub(super) fn newline(&mut self, sink: Sink<'_>) {
        if self.brackets > 0 {
            self.emit_from(Terminal::Break, self.offset, self.offset + 1, sink);
            self.begun.physical = false;
            return;
        }
        let ends = match self.syntax.ends {
            Ends::EveryLine => true,
            Ends::Newline => self.begun.logical,
            Ends::Semicolon => self.begun.logical && self.directive,
            Ends::Automatic => self.begun.logical && self.may_end(),
        };
        if ends {
            self.end_line(self.offset, self.offset + 1, sink);
        }
        self.begun.physical = false;
        self.state = first_state(self.syntax);
    }

    /// Whether a statement may end behind the last terminal.
    ///
    /// Source: *The Go Programming Language Specification*, "Semicolons"; close enough for JavaScript.
    fn may_end(&self) -> bool {
        match self.last {
            Some(Terminal::Name | Terminal::Number | Terminal::String | Terminal::Close(_)) => true,
            Some(Terminal::Operator(bytes)) => bytes == *b"++\0\0" || bytes == *b"--\0\0",
            Some(Terminal::Keyword(place)) => matches!(
                self.syntax.keywords.get(usize::from(place)),
                Some(
                    &("break"
                        | "continue"
                        | "fallthrough"
                        | "return"
                        | "this"
                        | "null"
                        | "true"
                        | "false"
                        | "super")
                )
            ),
            _ => false,
        }
    }

    pub(super) fn end_line(&mut self, start: usize, end: usize, sink: Sink<'_>) {
        self.emit_from(Terminal::Newline, start, end, sink);
        self.begun = Begun::default();
        self.directive = false;
        self.state = State::Between;
    }

    /// Opens and closes blocks at the first terminal of a logical line, which stands in a column.
    fn indent(&mut self, column: u32, sink: Sink<'_>) {
        let innermost = |blocks: &[u32]| blocks.last().copied().unwrap_or(0);
        if column > innermost(&self.blocks) {
            self.blocks.push(column);
            self.emit_from(Terminal::Indent, self.offset, self.offset, sink);
            return;
        }
        while column < innermost(&self.blocks) {
            self.blocks.pop();
            self.emit_from(Terminal::Dedent, self.offset, self.offset, sink);
        }
        // Python refuses a column between two blocks; here it is the outer one's.
        if let Some(block) = self.blocks.last_mut() {
            *block = column;
        }
    }

    pub(super) fn close_blocks(&mut self, sink: Sink<'_>) {
        while self.blocks.pop().is_some() {
            self.emit_from(Terminal::Dedent, self.offset, self.offset, sink);
        }
    }
}
