//! Strings and bytes.

use super::{Cursor, LiteralError};
use crate::value::{Text, Value};

/// Whether a string with a prefix comes next.
pub(super) fn is_next(rest: &str) -> bool {
    Prefix::parse(rest).is_some()
}

/// One or more adjacent strings, all text or all bytes.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Value, LiteralError> {
    let mut parts = Part { bytes: false, text: Text::from("") };
    let mut first = true;
    while let Some(prefix) = cursor.peek().and_then(|_| Prefix::parse(cursor.rest())) {
        if !first && prefix.bytes != parts.bytes {
            return Err(cursor.error("bytes and text can't be joined"));
        }
        parts.bytes = prefix.bytes;
        first = false;
        cursor.at += prefix.length;
        parts.read(cursor, &prefix)?;
    }
    Ok(match parts.bytes {
        true => {
            Value::Bytes(parts.text.to_string_lossy().chars().map(|char| u32::from(char) as u8).collect())
        }
        false => Value::Str(parts.text),
    })
}

/// What stands before the contents.
struct Prefix {
    bytes: bool,
    raw: bool,
    quote: &'static str,
    length: usize,
}

impl Prefix {
    fn parse(rest: &str) -> Option<Self> {
        let letters = rest.find(['\'', '"']).filter(|letters| *letters <= 2)?;
        let prefix = rest.get(..letters)?.to_ascii_lowercase();
        let (bytes, raw) = match prefix.as_str() {
            "" | "u" => (false, false),
            "r" => (false, true),
            "b" => (true, false),
            "br" | "rb" => (true, true),
            _ => return None,
        };
        let quotes = rest.get(letters..)?;
        let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| quotes.starts_with(quote))?;
        Some(Self { bytes, raw, quote, length: letters + quote.len() })
    }
}

/// The contents so far. Bytes are kept as the characters U+0000 to U+00FF.
struct Part {
    bytes: bool,
    text: Text,
}

impl Part {
    fn read(&mut self, cursor: &mut Cursor<'_>, prefix: &Prefix) -> Result<(), LiteralError> {
        loop {
            let rest = cursor.rest();
            if let Some(tail) = rest.strip_prefix(prefix.quote) {
                cursor.at += rest.len() - tail.len();
                return Ok(());
            }
            let char = rest.chars().next().ok_or_else(|| cursor.error("a string does not end"))?;
            match char {
                '\\' => self.backslash(cursor, prefix.raw)?,
                '\n' | '\r' if prefix.quote.len() == 1 => {
                    return Err(cursor.error("a string does not end on its line"));
                }
                _ if self.bytes && !char.is_ascii() => return Err(cursor.error("bytes must be ASCII")),
                _ => {
                    cursor.at += char.len_utf8();
                    self.text.push(u32::from(char));
                }
            }
        }
    }

    /// What a backslash and the character after it mean.
    fn backslash(&mut self, cursor: &mut Cursor<'_>, raw: bool) -> Result<(), LiteralError> {
        let start = cursor.clone();
        cursor.at += 1;
        let next = cursor.rest().chars().next().ok_or_else(|| start.error("a string does not end"))?;
        if self.bytes && !next.is_ascii() {
            return Err(cursor.error("bytes must be ASCII"));
        }
        cursor.at += next.len_utf8();
        let code = match next {
            _ if raw => None,
            '\n' => return Ok(()),
            '\r' => {
                cursor.at += usize::from(cursor.rest().starts_with('\n'));
                return Ok(());
            }
            '0'..='7' => Some(octal(cursor, next)),
            'x' => Some(hexadecimal(cursor, 2).ok_or_else(|| start.error("two hexadecimal digits are due"))?),
            'u' if !self.bytes => {
                Some(hexadecimal(cursor, 4).ok_or_else(|| start.error("four hexadecimal digits are due"))?)
            }
            'U' if !self.bytes => {
                Some(hexadecimal(cursor, 8).ok_or_else(|| start.error("eight hexadecimal digits are due"))?)
            }
            'N' if !self.bytes => return Err(start.error("names of characters are not read")),
            _ => simple(next),
        };
        let Some(code) = code else {
            self.text.push(u32::from('\\'));
            self.text.push(u32::from(next));
            return Ok(());
        };
        let code = if self.bytes { code & 0xFF } else { code };
        if self.text.push(code) { Ok(()) } else { Err(start.error("not a code point")) }
    }
}

fn simple(escaped: char) -> Option<u32> {
    Some(match escaped {
        '\\' | '\'' | '"' => u32::from(escaped),
        'a' => 7,
        'b' => 8,
        't' => 9,
        'n' => 10,
        'v' => 11,
        'f' => 12,
        'r' => 13,
        _ => return None,
    })
}

fn octal(cursor: &mut Cursor<'_>, first: char) -> u32 {
    let mut code = first.to_digit(8).unwrap_or_default();
    for _ in 0..2 {
        let Some(digit) = cursor.rest().chars().next().and_then(|char| char.to_digit(8)) else { break };
        code = code * 8 + digit;
        cursor.at += 1;
    }
    code
}

fn hexadecimal(cursor: &mut Cursor<'_>, count: usize) -> Option<u32> {
    let digits = cursor.rest().get(..count)?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = hexadecimal.then(|| u32::from_str_radix(digits, 16).ok())??;
    cursor.at += count;
    Some(code)
}
