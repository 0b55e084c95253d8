//! From bytes, cut anywhere, to the terminals of a programming language.
//!
//! The lexer never fails: what is no code gives operators and names, an open string ends with its line where its kind
//! must, and a Markdown fence at the start of a line closes whatever was open. Each byte is looked at a bounded number of
//! times, and what is kept does not grow with the text, but for nested blocks.
//!
//! Known approximations: regular expressions of JavaScript are read as operators; in languages with braces the indentation is the
//! depth of blocks.

mod comments;
mod held;
mod layout;
mod operators;
mod quoted;
mod strings;
#[cfg(test)]
mod tests;
mod words;

use super::language::{Blocks, Language, Syntax};
use held::Held;
use quoted::Quoted;

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

    fn is_code(&self) -> bool {
        self.syntax.blocks != Blocks::None
    }

    fn is_name(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || byte == b'_'
            || !byte.is_ascii()
            || self.syntax.name_bytes.contains(&byte)
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
