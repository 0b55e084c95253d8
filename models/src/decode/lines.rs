//! From terminals to the symbols of structure: one per logical line, and one per line inside of brackets.
//!
//! The symbol of a logical line stands for the tuple of its terminals, with names, numbers and strings told apart from
//! each other only, what stands in an outermost pair of brackets left out, and the indentation's change (in, out, none). It
//! is a hash of 64 bits and no index into a table, so that the state neither grows nor is costly to fork. Comments and
//! empty lines have no symbol.

use serde::Serialize;

use super::lexer::Terminal;
use crate::split::mix;

/// How much of a line its symbol tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// The tuple of terminals.
    #[default]
    Fine,
    /// The kind of the statement alone: its leading keyword, an assignment, or an expression.
    Coarse,
}

/// A line that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// What it looks like.
    pub symbol: u64,
    /// Blocks (of a logical line) or brackets (of one inside of them) around it.
    pub depth: u32,
    /// Its first terminal.
    pub first: Terminal,
}

/// What a terminal completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A logical line.
    Statement(Line),
    /// A line inside of brackets.
    Row(Line),
    /// The outermost brackets: later rows have nothing to do with the ones before.
    Closed,
}

/// Takes terminals, gives lines.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    detail: Detail,
    blocks: u32,
    brackets: u32,
    /// By how much the indentation has changed since the last logical line.
    change: i32,
    statement: Option<Tuple>,
    is_assignment: bool,
    row: Option<Tuple>,
    /// The row's hash before each bracket that it opened.
    row_brackets: Vec<u64>,
    row_depth: u32,
}

/// The line under way.
#[derive(Debug, Clone, Copy)]
struct Tuple {
    hash: u64,
    first: Terminal,
}

impl Lines {
    /// No lines yet.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        Self { detail, ..Self::default() }
    }

    /// Takes the next terminal.
    pub fn push(&mut self, terminal: Terminal) -> Option<Event> {
        match terminal {
            Terminal::Comment => None,
            Terminal::Indent => {
                self.blocks = self.blocks.saturating_add(1);
                self.change = self.change.saturating_add(1);
                None
            }
            Terminal::Dedent => {
                self.blocks = self.blocks.saturating_sub(1);
                self.change = self.change.saturating_sub(1);
                None
            }
            Terminal::Newline => self.end_statement(),
            Terminal::Break => self.end_row(),
            // The brace at the end of a block says what the indentation's change says.
            Terminal::Operator([b'}', 0, 0, 0]) if self.brackets == 0 => None,
            _ if self.brackets == 0 => {
                self.is_assignment |= is_assignment(terminal);
                extend(&mut self.statement, terminal);
                self.brackets = u32::from(matches!(terminal, Terminal::Open(_)));
                None
            }
            _ => self.push_in_brackets(terminal),
        }
    }

    fn push_in_brackets(&mut self, terminal: Terminal) -> Option<Event> {
        if self.row.is_none() {
            self.row_depth = self.brackets;
        }
        match terminal {
            Terminal::Open(_) => {
                extend(&mut self.row, terminal);
                self.row_brackets.extend(self.row.map(|row| row.hash));
                self.brackets = self.brackets.saturating_add(1);
            }
            Terminal::Close(_) => {
                self.brackets -= 1;
                match (self.row_brackets.pop(), &mut self.row) {
                    (Some(before), Some(row)) => row.hash = before,
                    _ => extend(&mut self.row, terminal),
                }
                if self.brackets == 0 {
                    self.row = None;
                    self.row_brackets.clear();
                    return Some(Event::Closed);
                }
            }
            _ => extend(&mut self.row, terminal),
        }
        None
    }

    fn end_statement(&mut self) -> Option<Event> {
        let assigns = std::mem::take(&mut self.is_assignment);
        let Tuple { hash, first } = self.statement.take()?;
        let change = std::mem::take(&mut self.change).signum();
        let tuple = match (self.detail, first) {
            (Detail::Fine, _) => hash,
            (Detail::Coarse, Terminal::Keyword(_)) => code(first),
            (Detail::Coarse, _) => u64::from(assigns),
        };
        let symbol = mix(mix(tuple).wrapping_add(u64::from(change.cast_unsigned())));
        Some(Event::Statement(Line { symbol, depth: self.blocks, first }))
    }

    fn end_row(&mut self) -> Option<Event> {
        self.row_brackets.clear();
        let Tuple { hash, first } = self.row.take()?;
        Some(Event::Row(Line { symbol: hash, depth: self.row_depth, first }))
    }
}

fn extend(tuple: &mut Option<Tuple>, terminal: Terminal) {
    let tuple = tuple.get_or_insert(Tuple { hash: 0, first: terminal });
    tuple.hash = mix(tuple.hash ^ code(terminal));
}

/// A number of its own for each terminal.
pub(crate) fn code(terminal: Terminal) -> u64 {
    let (class, value) = match terminal {
        Terminal::Name => (1, 0),
        Terminal::Number => (2, 0),
        Terminal::String => (3, 0),
        Terminal::Comment => (4, 0),
        Terminal::Newline => (5, 0),
        Terminal::Break => (6, 0),
        Terminal::Indent => (7, 0),
        Terminal::Dedent => (8, 0),
        Terminal::Keyword(place) => (9, u32::from(place)),
        Terminal::Open(byte) => (10, u32::from(byte)),
        Terminal::Close(byte) => (11, u32::from(byte)),
        Terminal::Operator(bytes) => (12, u32::from_le_bytes(bytes)),
    };
    (class << 32) | u64::from(value)
}

fn is_assignment(terminal: Terminal) -> bool {
    let Terminal::Operator(bytes) = terminal else { return false };
    let written = bytes.iter().position(|byte| *byte == 0).and_then(|end| bytes.get(..end)).unwrap_or(&bytes);
    written.ends_with(b"=") && !matches!(written, b"==" | b"!=" | b"<=" | b">=" | b"===" | b"!==")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Language, Lexer};

    fn events(text: &str, detail: Detail) -> Vec<Event> {
        let (mut lexer, mut lines, mut events) =
            (Lexer::new(Language::Python), Lines::new(detail), Vec::new());
        lexer.push(text.as_bytes(), &mut |lexeme| events.extend(lines.push(lexeme.terminal)));
        lexer.finish(&mut |lexeme| events.extend(lines.push(lexeme.terminal)));
        events
    }

    fn statements(text: &str, detail: Detail) -> Vec<u64> {
        let symbol = |event| match event {
            Event::Statement(line) => Some(line.symbol),
            _ => None,
        };
        events(text, detail).into_iter().filter_map(symbol).collect()
    }

    fn alike(one: &str, other: &str) {
        assert_eq!(statements(one, Detail::Fine), statements(other, Detail::Fine), "{one:?} {other:?}");
    }

    fn unlike(one: &str, other: &str) {
        assert_ne!(statements(one, Detail::Fine), statements(other, Detail::Fine), "{one:?} {other:?}");
    }

    #[test]
    fn contents_do_not_matter_and_structure_does() {
        alike("x = 1\n", "other = 22.5  # why\n\n");
        alike("f(1)\n", "g(a, b, [c], \"d\")\n");
        alike("f(\n    1,\n)\n", "f()\n");
        unlike("f(1)\n", "f[1]\n");
        unlike("x = 1\n", "x = 'a'\n");
        unlike("x = 1\n", "x += 1\n");
        unlike("if x:\n    y\n", "if x:\n    y\n    y\n");
        unlike("return x\n", "yield x\n");
    }

    #[test]
    fn the_indentations_change_is_part_of_a_line() {
        let lines = statements("if a:\n    b\n    b\nb\n", Detail::Fine);
        let [_, deeper, same, back] = lines[..] else { panic!("{lines:?}") };
        assert!(deeper != same && same != back && deeper != back);
    }

    #[test]
    fn coarse_symbols_are_kinds_of_statements() {
        let lines = statements("x = 1\ny[0] += f(2)\nf(1)\ng\nreturn 1\nreturn\n", Detail::Coarse);
        let [a, b, c, d, e, f] = lines[..] else { panic!("{lines:?}") };
        assert!(a == b && c == d && e == f && a != c && c != e);
    }

    #[test]
    fn rows_stand_in_brackets() {
        let rows: Vec<Event> = events("t = [\n  (1, 2),\n  (3, f(4)),\n  5,\n]\nt = [1, 2]\n", Detail::Fine)
            .into_iter()
            .filter(|event| !matches!(event, Event::Statement(_)))
            .collect();
        let [Event::Row(a), Event::Row(b), Event::Row(c), Event::Closed, Event::Closed] = rows[..] else {
            panic!("{rows:?}")
        };
        assert!(a == b && a.symbol != c.symbol && a.depth == 1);
    }
}
