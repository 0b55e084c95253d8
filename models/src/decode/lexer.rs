//! From bytes, cut anywhere, to the terminals of a programming language.
//!
//! The lexer never fails: what is no code gives operators and names, an open string ends with its line where its kind
//! must, and a Markdown fence at the start of a line closes whatever was open. Each byte is looked at a bounded number of
//! times, and what is kept does not grow with the text, but for nested blocks.
//!
//! Known approximations: regular expressions of JavaScript are read as operators; in languages with braces the indentation is the
//! depth of blocks.

mod quoted;
#[cfg(test)]
mod tests;

use super::language::{Blocks, Ends, Fields, Language, Quote, Raw, Syntax};
use quoted::{Quoted, Step};

/// Strings within fields of strings that are told apart.
const NESTED_MAX: usize = 16;

/// The class of a lexeme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Terminal {
    /// A name that is no keyword.
    Name,
    /// A number.
    Number,
    /// A string, with its prefix and the code inside of it.
    String,
    /// A comment.
    Comment,
    /// The end of a logical line, that is of a statement or of the head of a block.
    Newline,
    /// The end of a line inside of brackets.
    Break,
    /// The begin of a block.
    Indent,
    /// The end of a block.
    Dedent,
    /// A keyword, by its place in the language's list.
    Keyword(u8),
    /// A bracket that groups, opening.
    Open(u8),
    /// A bracket that groups, closing.
    Close(u8),
    /// Anything else: at most four bytes, filled up with zeros.
    Operator([u8; 4]),
}

/// A terminal and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lexeme {
    /// Its class.
    pub terminal: Terminal,
    /// Bytes before it.
    pub start: usize,
    /// Bytes up to its end. Equal to `start` for what is not written.
    pub end: usize,
}

/// Takes bytes, gives lexemes. A clone goes on where the original stands.
#[derive(Debug, Clone)]
pub struct Lexer {
    syntax: &'static Syntax,
    state: State,
    offset: usize,
    start: usize,
    held: Held,
    strings: Vec<Quoted>,
    brackets: u32,
    /// Columns of the open blocks where indentation makes them; else only their number counts.
    blocks: Vec<u32>,
    begun: Begun,
    begun_before: Begun,
    directive: bool,
    last: Option<Terminal>,
    previous: u8,
}

/// Whether a terminal, other than a comment, was begun since the line's start.
#[derive(Debug, Clone, Copy, Default)]
struct Begun {
    logical: bool,
    physical: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the indentation of a logical line, at a column.
    Indentation(u32),
    /// Between two terminals.
    Between,
    /// After a backslash outside of strings.
    Backslash,
    Name,
    Number {
        radix: bool,
        dot: bool,
    },
    Operator,
    /// After one or two marks that may become three.
    Opening(u8),
    String,
    LineComment,
    BlockComment {
        depth: u32,
    },
    /// After `r` and so many `#`.
    Hashes(u8),
    /// In the delimiter of a raw string.
    Delimiter,
    /// After `'`, which begins a character or a lifetime, and so many bytes.
    Tick {
        bytes: u8,
        name: bool,
    },
    /// After so many backticks at the start of a line.
    Backticks(u8),
    /// In a line that begins with three of them.
    Fence,
}

type Sink<'a> = &'a mut dyn FnMut(Lexeme);

impl Lexer {
    /// A lexer at the start of a text.
    #[must_use]
    pub fn new(language: Language) -> Self {
        let syntax = language.syntax();
        Self {
            syntax,
            state: first_state(syntax),
            offset: 0,
            start: 0,
            held: Held::default(),
            strings: Vec::new(),
            brackets: 0,
            blocks: Vec::new(),
            begun: Begun::default(),
            begun_before: Begun::default(),
            directive: false,
            last: None,
            previous: b'\n',
        }
    }

    /// Takes the next bytes, and gives the lexemes that they complete.
    pub fn push(&mut self, bytes: &[u8], sink: Sink<'_>) {
        for &byte in bytes {
            // A byte that ends a terminal is looked at again as the next one's first.
            while !self.take(byte, sink) {}
            self.previous = byte;
            self.offset += 1;
        }
    }

    /// Ends the text: gives what is open, the end of the last line, and the ends of blocks.
    pub fn finish(mut self, sink: Sink<'_>) {
        self.close_terminal(sink);
        if self.begun.logical {
            self.end_line(self.offset, self.offset, sink);
        }
        self.close_blocks(sink);
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Brackets that are open.
    #[must_use]
    pub const fn brackets(&self) -> u32 {
        self.brackets
    }

    /// Blocks that are open.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX)
    }

    /// Whether a string is open.
    #[must_use]
    pub const fn is_in_string(&self) -> bool {
        !self.strings.is_empty()
    }

    /// Whether a comment is open.
    #[must_use]
    pub const fn is_in_comment(&self) -> bool {
        matches!(self.state, State::LineComment | State::BlockComment { .. })
    }

    /// Whether only blanks stand before the place in its logical line, or inside of brackets in its line.
    #[must_use]
    pub fn is_at_start(&self) -> bool {
        matches!(self.state, State::Between | State::Indentation(_))
            && !self.begun.physical
            && (self.brackets > 0 || !self.begun.logical)
    }

    /// Looks at a byte. `false` where it ended a terminal and is still to be taken.
    fn take(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        match self.state {
            State::Indentation(column) => self.take_indentation(column, byte, sink),
            State::Between => self.take_first(byte, sink),
            State::Backslash => self.take_after_backslash(byte, sink),
            State::Name => self.take_name(byte, sink),
            State::Number { radix, dot } => self.take_number(radix, dot, byte, sink),
            State::Operator => self.take_operator(byte, sink),
            State::Opening(count) => self.take_opening(count, byte, sink),
            State::String => self.take_string(byte, sink),
            State::LineComment => self.take_line_comment(byte, sink),
            State::BlockComment { depth } => self.take_block_comment(depth, byte, sink),
            State::Hashes(count) => self.take_hashes(count, byte),
            State::Delimiter => self.take_delimiter(byte),
            State::Tick { bytes, name } => self.take_tick(bytes, name, byte, sink),
            State::Backticks(count) => self.take_backticks(count, byte, sink),
            State::Fence => self.take_fence(byte, sink),
        }
    }

    fn take_indentation(&mut self, column: u32, byte: u8, sink: Sink<'_>) -> bool {
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

    /// Takes a byte between terminals: a blank, or the first one of the next terminal.
    fn take_first(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        match byte {
            b'\n' => self.newline(sink),
            b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c' => {}
            b'\\' if self.is_code() => self.begin(State::Backslash, byte),
            b'`' if self.is_code() && !self.begun.physical => self.begin(State::Backticks(1), byte),
            _ if self.opens_comment(&[byte]) => {
                self.begin(State::LineComment, byte);
                self.begun = self.begun_before;
            }
            _ if byte.is_ascii_digit() => self.begin(State::Number { radix: false, dot: false }, byte),
            _ if self.is_name(byte) => self.begin(State::Name, byte),
            _ if let Some(quote) = self.quote(byte) => {
                self.begin(State::String, byte);
                self.open_string(quote, false);
            }
            _ => {
                self.directive |= self.syntax.directives && byte == b'#' && !self.begun.logical;
                self.begin(State::Operator, byte);
                if !self.may_extend(&[byte]) && byte != b'.' {
                    self.end_single(byte, 1, sink);
                }
            }
        }
        true
    }

    fn take_after_backslash(&mut self, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_name(&mut self, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_number(&mut self, radix: bool, dot: bool, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_operator(&mut self, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_opening(&mut self, count: u8, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_string(&mut self, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_line_comment(&mut self, byte: u8, sink: Sink<'_>) -> bool {
        if byte != b'\n' {
            return true;
        }
        self.emit(Terminal::Comment, sink);
        false
    }

    fn take_block_comment(&mut self, depth: u32, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_hashes(&mut self, count: u8, byte: u8) -> bool {
        match byte {
            b'#' if usize::from(count) + 2 < quoted::CLOSE_MAX => self.state = State::Hashes(count + 1),
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

    fn take_delimiter(&mut self, byte: u8) -> bool {
        let is_full = self.held.bytes().len() + 1 >= quoted::CLOSE_MAX;
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

    fn take_tick(&mut self, bytes: u8, name: bool, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_backticks(&mut self, count: u8, byte: u8, sink: Sink<'_>) -> bool {
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

    fn take_fence(&mut self, byte: u8, sink: Sink<'_>) -> bool {
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

    /// Begins a terminal at the byte under way.
    fn begin(&mut self, state: State, byte: u8) {
        self.state = state;
        self.start = self.offset;
        self.held = Held::of(byte);
        self.begun_before = self.begun;
        self.begun = Begun { logical: true, physical: true };
    }

    /// Gives a terminal that ended before the byte under way.
    fn emit(&mut self, terminal: Terminal, sink: Sink<'_>) {
        self.emit_from(terminal, self.start, self.offset, sink);
        self.state = State::Between;
    }

    fn emit_from(&mut self, terminal: Terminal, start: usize, end: usize, sink: Sink<'_>) {
        if terminal != Terminal::Comment {
            self.last = Some(terminal);
        }
        sink(Lexeme { terminal, start, end });
    }

    fn end_name(&mut self, sink: Sink<'_>) {
        let held = self.held.bytes();
        let keyword = self.syntax.keywords.iter().position(|keyword| keyword.as_bytes() == held);
        let keyword = keyword.and_then(|place| u8::try_from(place).ok());
        self.emit(keyword.map_or(Terminal::Name, Terminal::Keyword), sink);
    }

    /// Ends an operator before the byte under way; one that is none falls into its bytes.
    fn end_operator(&mut self, sink: Sink<'_>) {
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
    fn end_single(&mut self, byte: u8, ahead: usize, sink: Sink<'_>) {
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

    fn open_string(&mut self, quote: &'static Quote, formatted: bool) {
        self.strings.push(Quoted::new(quote, formatted));
        self.state = match quote {
            Quote { triple: true, .. } => State::Opening(1),
            Quote { lifetimes: true, .. } => State::Tick { bytes: 0, name: false },
            _ => State::String,
        };
    }

    fn open_raw(&mut self, close: &[u8]) {
        self.strings.push(Quoted::raw(close));
        self.state = State::String;
    }

    fn end_string(&mut self, ahead: usize, sink: Sink<'_>) {
        self.strings.clear();
        self.emit_from(Terminal::String, self.start, self.offset + ahead, sink);
        self.state = State::Between;
    }

    fn end_lifetime(&mut self, name: bool, sink: Sink<'_>) {
        self.strings.clear();
        let mark = self.start + 1;
        self.emit_from(operator(b"'"), self.start, mark, sink);
        if self.offset > mark {
            let rest = if name { Terminal::Name } else { operator(&[self.previous]) };
            self.emit_from(rest, mark, self.offset, sink);
        }
        self.state = State::Between;
    }

    /// Takes the end of a line.
    fn newline(&mut self, sink: Sink<'_>) {
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

    fn end_line(&mut self, start: usize, end: usize, sink: Sink<'_>) {
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

    fn close_terminal(&mut self, sink: Sink<'_>) {
        match self.state {
            State::Indentation(_) | State::Between | State::Fence => {}
            State::Name | State::Hashes(_) => self.end_name(sink),
            State::Number { .. } => self.emit(Terminal::Number, sink),
            State::Operator | State::Backslash => self.end_operator(sink),
            State::Opening(_) | State::String | State::Delimiter => self.end_string(0, sink),
            State::LineComment | State::BlockComment { .. } => self.emit(Terminal::Comment, sink),
            State::Tick { name, .. } => self.end_lifetime(name, sink),
            State::Backticks(count) => {
                self.take_backticks(count, b'\n', sink);
                self.close_terminal_of_backticks(sink);
            }
        }
    }

    fn close_terminal_of_backticks(&mut self, sink: Sink<'_>) {
        if self.state == State::String {
            self.end_string(0, sink);
        }
    }

    fn close_blocks(&mut self, sink: Sink<'_>) {
        while self.blocks.pop().is_some() {
            self.emit_from(Terminal::Dedent, self.offset, self.offset, sink);
        }
    }

    fn is_code(&self) -> bool {
        self.syntax.blocks != Blocks::None
    }

    fn is_name(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || byte == b'_'
            || !byte.is_ascii()
            || self.syntax.name_bytes.contains(&byte)
    }

    fn quote(&self, byte: u8) -> Option<&'static Quote> {
        self.syntax.quotes.iter().find(|quote| quote.mark == byte)
    }

    fn opens_comment(&self, bytes: &[u8]) -> bool {
        self.syntax.line_comment.as_bytes() == bytes
    }

    fn is_operator_start(&self, bytes: &[u8]) -> bool {
        self.syntax.operators.iter().any(|known| known.as_bytes().starts_with(bytes))
    }

    /// Whether more bytes could make a longer operator, or a comment.
    fn may_extend(&self, bytes: &[u8]) -> bool {
        self.is_operator_start(bytes) || self.syntax.line_comment.as_bytes().starts_with(bytes)
    }
}

const fn first_state(syntax: &Syntax) -> State {
    match syntax.blocks {
        Blocks::Indentation => State::Indentation(0),
        Blocks::Braces | Blocks::None => State::Between,
    }
}

fn operator(bytes: &[u8]) -> Terminal {
    let mut filled = [0; 4];
    filled.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    Terminal::Operator(filled)
}

/// The bytes of the terminal under way, as long as they may matter.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    bytes: [u8; quoted::CLOSE_MAX],
    len: usize,
}

impl Held {
    fn of(byte: u8) -> Self {
        let mut held = Self::default();
        held.push(byte);
        held
    }

    /// More bytes than matter.
    const fn spilled() -> Self {
        Self { bytes: [0; quoted::CLOSE_MAX], len: quoted::CLOSE_MAX + 1 }
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
        }
        self.len = (self.len + 1).min(quoted::CLOSE_MAX + 1);
    }

    /// The bytes; none where there are too many.
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
