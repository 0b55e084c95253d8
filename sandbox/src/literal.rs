//! Reads Python literals, assertions about one call with literal arguments, and test functions that are lists of these.
//!
//! The grammar is that of `ast.literal_eval`: numbers (signed, with underscores, of every base, sums with an imaginary
//! part), strings and bytes with prefixes, escapes and adjacent concatenation, tuples, lists, sets, `set()`,
//! dictionaries, `None`, `True`, `False`. Left out: `\N{...}` (it takes the table of Unicode names) and f-strings.

mod assertion;
mod assertions;
mod check;
mod number;
mod statement;
mod string;

#[cfg(test)]
mod tests;

use crate::value::Value;

pub use assertion::{Call, CallAssertion, Expectation};
pub use assertions::assertions;
pub use check::{CheckedCall, checked_calls};
pub use statement::first_statement;

/// Containers inside each other.
const DEPTH_MAX: usize = 100;

/// The text is not a literal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {position} of the literal")]
pub struct LiteralError {
    /// Byte offset of what is wrong.
    pub position: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// The value of a Python literal; white space and comments around it are skipped.
///
/// # Errors
/// [`LiteralError`] with the position of what is not a literal, is nested deeper than 100, or follows the literal.
pub fn parse(text: &str) -> Result<Value, LiteralError> {
    let mut cursor = Cursor::new(text);
    let value = cursor.value(DEPTH_MAX)?;
    match cursor.peek() {
        None => Ok(value),
        Some(_) => Err(cursor.error("unexpected text")),
    }
}

/// A place in the text.
#[derive(Clone)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    const fn error(&self, reason: &'static str) -> LiteralError {
        LiteralError { position: self.at, reason }
    }

    /// Skips white space, continued lines and comments; the next character.
    fn peek(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']).len();
            self.at += blank;
            let rest = self.rest();
            if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(tail) = rest.strip_prefix('\\').filter(|tail| tail.starts_with(['\n', '\r'])) {
                self.at += rest.len() - tail.len();
            } else {
                return rest.chars().next();
            }
        }
    }

    /// Skips `token` where it comes next.
    fn take(&mut self, token: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// Skips and returns the identifier that comes next; empty where there is none.
    fn word(&mut self) -> &'a str {
        self.peek();
        let rest = self.rest();
        let inside = |c: char| c == '_' || c.is_alphanumeric();
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let word =
            rest.get(..end).filter(|word| !word.starts_with(|c: char| c.is_numeric())).unwrap_or_default();
        self.at += word.len();
        word
    }

    fn expect(&mut self, token: &str, reason: &'static str) -> Result<(), LiteralError> {
        if self.take(token) { Ok(()) } else { Err(self.error(reason)) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, LiteralError> {
        let next = self.peek().ok_or_else(|| self.error("the text ends where a value is due"))?;
        match next {
            '(' | '[' | '{' => {
                let depth = depth.checked_sub(1).ok_or_else(|| self.error("too deep a nesting"))?;
                self.at += 1;
                self.container(next, depth)
            }
            '0'..='9' | '.' | '+' | '-' => number::parse_sum(self),
            '\'' | '"' => string::parse(self),
            _ if string::is_next(self.rest()) => string::parse(self),
            _ => self.name(),
        }
    }

    fn container(&mut self, open: char, depth: usize) -> Result<Value, LiteralError> {
        match open {
            '[' => Ok(Value::List(self.items("]", depth)?.0)),
            '{' => self.braces(depth),
            _ => {
                let (mut items, comma) = self.items(")", depth)?;
                match items.pop() {
                    Some(only) if items.is_empty() && !comma => self.parenthesised(only),
                    last => {
                        items.extend(last);
                        Ok(Value::Tuple(items))
                    }
                }
            }
        }
    }

    /// `(-1) + 2j` is as good as `-1 + 2j`.
    fn parenthesised(&mut self, value: Value) -> Result<Value, LiteralError> {
        number::parse_rest_of_sum(self, value)
    }

    /// Values up to `close`, and whether a comma follows the last one.
    fn items(&mut self, close: &str, depth: usize) -> Result<(Vec<Value>, bool), LiteralError> {
        let (mut items, mut comma) = (Vec::new(), true);
        while !self.take(close) {
            if !comma {
                return Err(self.error("a comma or closing bracket is missing"));
            }
            items.push(self.value(depth)?);
            comma = self.take(",");
        }
        Ok((items, comma))
    }

    fn braces(&mut self, depth: usize) -> Result<Value, LiteralError> {
        if self.take("}") {
            return Ok(Value::Dict(Vec::new()));
        }
        let first = self.key(depth)?;
        if !self.take(":") {
            return self.set(first, depth);
        }
        let mut pairs = vec![(first, self.value(depth)?)];
        while !self.take("}") {
            self.expect(",", "a comma or `}` is missing")?;
            if self.take("}") {
                break;
            }
            let key = self.key(depth)?;
            self.expect(":", "a colon is missing")?;
            pairs.push((key, self.value(depth)?));
        }
        Ok(Value::dict(pairs))
    }

    fn set(&mut self, first: Value, depth: usize) -> Result<Value, LiteralError> {
        let mut items = vec![first];
        while !self.take("}") {
            self.expect(",", "a comma or `}` is missing")?;
            if self.take("}") {
                break;
            }
            items.push(self.key(depth)?);
        }
        Ok(Value::set(items))
    }

    fn key(&mut self, depth: usize) -> Result<Value, LiteralError> {
        let start = self.clone();
        let value = self.value(depth)?;
        if value.is_hashable() { Ok(value) } else { Err(start.error("an unhashable value")) }
    }

    fn name(&mut self) -> Result<Value, LiteralError> {
        let start = self.clone();
        match self.word() {
            "None" => Ok(Value::None),
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            "set" if self.take("(") && self.take(")") => Ok(Value::Set(Vec::new())),
            _ => Err(start.error("not a literal")),
        }
    }
}
