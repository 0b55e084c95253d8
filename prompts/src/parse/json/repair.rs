//! One tolerant JSON reader: recursive, to a fixed depth, over bytes at character borders.

use serde_json::{Map, Number, Value};

use super::{DEPTH_MAX, Found};

/// How reading one value went.
pub(super) struct Attempt {
    pub(super) result: Result<Found, Failure>,
    /// Byte at which reading ended or failed.
    pub(super) end: usize,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Syntax,
    TooDeep,
}

/// Reads the list or object that starts at byte `start` of `text`.
pub(super) fn read(text: &str, start: usize) -> Attempt {
    let mut reader = Reader { text, at: start, complete: true };
    let result = reader.value(0).map(|value| Found { value, complete: reader.complete });
    Attempt { result, end: reader.at }
}

struct Reader<'a> {
    text: &'a str,
    /// Always at a character border.
    at: usize,
    complete: bool,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, Failure> {
        if depth > DEPTH_MAX {
            return Err(Failure::TooDeep);
        }
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.list(depth),
            Some(quote) if closing_quote(quote).is_some() => Ok(Value::String(self.string())),
            Some(_) => self.word(),
            None => Err(Failure::Syntax),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Failure> {
        self.skip_character();
        let mut items = Vec::new();
        loop {
            self.skip_filler();
            match self.peek() {
                None => {
                    self.complete = false;
                    break;
                }
                Some(']') => {
                    self.skip_character();
                    break;
                }
                // The bracket of an enclosing object: this list was not closed.
                Some('}') if depth > 0 => break,
                Some(_) if self.skip_ellipsis() => {}
                Some(_) => items.push(self.value(depth + 1)?),
            }
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Failure> {
        self.skip_character();
        let mut members = Map::new();
        loop {
            self.skip_filler();
            match self.peek() {
                None => {
                    self.complete = false;
                    break;
                }
                Some('}') => {
                    self.skip_character();
                    break;
                }
                Some(']') if depth > 0 => break,
                Some(_) if self.skip_ellipsis() => {}
                Some(_) => {
                    let key = self.key()?;
                    self.skip_space();
                    match self.peek() {
                        // Cut off after a key: the key goes.
                        None => continue,
                        Some(':') => self.skip_character(),
                        Some(_) => return Err(Failure::Syntax),
                    }
                    self.skip_space();
                    if self.peek().is_some() {
                        let value = self.value(depth + 1)?;
                        members.insert(key, value);
                    }
                }
            }
        }
        Ok(Value::Object(members))
    }

    fn key(&mut self) -> Result<String, Failure> {
        if self.peek().and_then(closing_quote).is_some() {
            return Ok(self.string());
        }
        let key =
            self.take_while(|character| character.is_alphanumeric() || matches!(character, '_' | '$' | '-'));
        if key.is_empty() { Err(Failure::Syntax) } else { Ok(key.to_owned()) }
    }

    /// A literal or a number.
    fn word(&mut self) -> Result<Value, Failure> {
        let start = self.at;
        let word = self.take_while(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.' | '_')
        });
        let value = match word.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" | "none" | "undefined" | "nan" | "infinity" | "-infinity" => Some(Value::Null),
            _ => number(word),
        };
        match value {
            Some(value) => Ok(value),
            // Half a literal at the very end: `tru`.
            None if self.at == self.text.len() && !word.is_empty() => {
                self.complete = false;
                Ok(Value::Null)
            }
            None => {
                self.at = start;
                Err(Failure::Syntax)
            }
        }
    }

    /// A string. A quote ends it only where what follows can follow a string, so that quotes inside may stay bare.
    fn string(&mut self) -> String {
        let Some(close) = self.next_character().and_then(closing_quote) else {
            return String::new();
        };
        let mut text = String::new();
        while let Some(character) = self.next_character() {
            if character == '\\' {
                self.escape(&mut text);
            } else if character == close && self.may_end_string() {
                return text;
            } else {
                text.push(character);
            }
        }
        self.complete = false;
        text
    }

    fn may_end_string(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.is_empty() || rest.starts_with([',', ':', '}', ']', '#']) || rest.starts_with("//") || rest.starts_with("/*")
            // A missing comma: the next member starts on a line of its own.
            || (rest.starts_with(['"', '\'']) && self.rest().trim_start_matches([' ', '\t', '\r']).starts_with('\n'))
    }

    fn escape(&mut self, text: &mut String) {
        let Some(character) = self.next_character() else {
            return;
        };
        match character {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'u' => text.push(self.unicode_escape()),
            '\n' => {}
            '"' | '\'' | '\\' | '/' => text.push(character),
            // No escape of JSON: the model meant a backslash, as in a regular expression.
            other => text.extend(['\\', other]),
        }
    }

    fn unicode_escape(&mut self) -> char {
        let Some(high) = self.hexadecimal() else {
            return char::REPLACEMENT_CHARACTER;
        };
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        let before = self.at;
        let low = if self.rest().starts_with("\\u") {
            self.at += 2;
            self.hexadecimal()
        } else {
            None
        };
        match low {
            Some(low) if (0xDC00..0xE000).contains(&low) => {
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => {
                self.at = before;
                char::REPLACEMENT_CHARACTER
            }
        }
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits =
            self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(value)
    }

    /// Space, comments and commas: between members a comma too many or too few does not matter.
    fn skip_filler(&mut self) {
        loop {
            self.skip_space();
            if self.peek() != Some(',') {
                return;
            }
            self.skip_character();
        }
    }

    fn skip_space(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            let rest = self.rest();
            let comment = if rest.starts_with("//") || rest.starts_with('#') {
                rest.find('\n').unwrap_or(rest.len())
            } else if let Some(inner) = rest.strip_prefix("/*") {
                inner.find("*/").map_or(rest.len(), |end| end + 4)
            } else {
                return;
            };
            self.at += comment;
        }
    }

    fn skip_ellipsis(&mut self) -> bool {
        let length = if self.rest().starts_with("...") {
            3
        } else if self.rest().starts_with('…') {
            '…'.len_utf8()
        } else {
            0
        };
        self.at += length;
        length > 0
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !keep(character)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_character(&mut self) {
        self.next_character();
    }

    fn next_character(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }
}

const fn closing_quote(quote: char) -> Option<char> {
    match quote {
        '"' | '\'' => Some(quote),
        '“' => Some('”'),
        '‘' => Some('’'),
        _ => None,
    }
}

fn number(word: &str) -> Option<Value> {
    if !word.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    let plain = word.strip_prefix('+').unwrap_or(word).replace('_', "");
    if let Ok(integer) = plain.parse::<i64>() {
        return Some(Value::Number(integer.into()));
    }
    Number::from_f64(plain.parse().ok()?).map(Value::Number)
}
