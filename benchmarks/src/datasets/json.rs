//! Strict JSON with positions: keys may not repeat, and every value of a text can be found again by its path.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Line and column, both from 1.
    pub(crate) position: (usize, usize),
    pub(crate) reason: String,
    pub(crate) remedy: &'static str,
}

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Of an object.
    Key(String),
    /// Of an array.
    Index(usize),
}

/// Parses one JSON document. Nesting is limited to 128 levels.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, SyntaxError> {
    check_encoding(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    parsed.map_err(|error| describe(&error))
}

fn check_encoding(bytes: &[u8]) -> Result<(), SyntaxError> {
    let fail =
        |reason: &str, remedy| Err(SyntaxError { position: (1, 1), reason: reason.to_owned(), remedy });
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => fail("starts with a byte order mark", "save the file as UTF-8 without one"),
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [_, 0, ..] | [0, ..] => {
            fail("is not UTF-8", "save the file as UTF-8")
        }
        _ if bytes.iter().all(u8::is_ascii_whitespace) => fail("is empty", "give a JSON object"),
        _ => Ok(()),
    }
}

fn describe(error: &serde_json::Error) -> SyntaxError {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let (reason, remedy) = match reason {
        "recursion limit exceeded" => ("is nested more than 128 levels deep", "flatten it"),
        "trailing characters" => {
            ("text follows the end of the JSON value", "remove it, or put one object on each line")
        }
        _ if error.is_eof() => (reason, "the file is cut short; write it again"),
        _ => (reason, "correct the JSON there"),
    };
    SyntaxError { position: (error.line().max(1), error.column().max(1)), reason: reason.to_owned(), remedy }
}

/// Builds a [`Value`], refusing repeated keys.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{}` is given twice", key.escape_debug())));
            }
            let value = entries.next_value_seed(Self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Line and column, from 1, at which the value at `path` begins in a text that [`parse`] accepted; the place of its
/// nearest ancestor if it is not there.
pub(crate) fn locate(text: &str, path: &[Step]) -> (usize, usize) {
    position(text, Scanner::at(text, path).at)
}

/// The text of the value at `path`, in a text that [`parse`] accepted; of its nearest ancestor if it is not there.
pub(crate) fn slice<'t>(text: &'t str, path: &[Step]) -> &'t str {
    let mut scanner = Scanner::at(text, path);
    let start = scanner.at;
    scanner.skip_value();
    let value = text.get(start..scanner.at).unwrap_or_default().trim_end();
    value.strip_suffix(',').unwrap_or(value).trim_end()
}

/// A text with `Infinity` and `NaN` outside of strings as zeros of the same length; `None` where there are none.
pub(crate) fn without_infinities(text: &str) -> Option<String> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0 };
    let mut found = None;
    let mut copied = 0;
    let mut clean = String::with_capacity(text.len());
    while scanner.peek() != 0 {
        if scanner.peek() == b'"' {
            scanner.skip_string();
            continue;
        }
        let rest = text.as_bytes().get(scanner.at..).unwrap_or_default();
        let zeros = [(&b"Infinity"[..], "0.000000"), (b"NaN", "0.0")];
        let Some((name, zero)) = zeros.iter().find(|(name, _)| rest.starts_with(name)) else {
            scanner.at += 1;
            continue;
        };
        found = Some(());
        clean.push_str(text.get(copied..scanner.at)?);
        clean.push_str(zero);
        scanner.at += name.len();
        copied = scanner.at;
    }
    found?;
    clean.push_str(text.get(copied..)?);
    Some(clean)
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// Walks over text that is known to be JSON.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of the value at `path`, or of its nearest ancestor that is there.
    fn at(text: &'a str, path: &[Step]) -> Self {
        let mut scanner = Self { text: text.as_bytes(), at: 0 };
        scanner.skip_space();
        let mut start = scanner.at;
        for step in path {
            match scanner.enter(step) {
                Some(at) => start = at,
                None => break,
            }
        }
        scanner.at = start;
        scanner
    }

    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    /// Moves from the start of a container to the start of the value that `step` names.
    fn enter(&mut self, step: &Step) -> Option<usize> {
        let opener = self.peek();
        self.at += 1;
        for index in 0.. {
            self.skip_space();
            if matches!(self.peek(), b'}' | b']' | 0) {
                return None;
            }
            let key = (opener == b'{').then(|| self.key());
            let found = match (step, &key) {
                (Step::Key(wanted), Some(key)) => wanted == key,
                (Step::Index(wanted), None) => *wanted == index,
                _ => return None,
            };
            if found {
                return Some(self.at);
            }
            self.skip_value();
        }
        None
    }

    /// Reads a key and moves to its value.
    fn key(&mut self) -> String {
        let start = self.at;
        self.skip_string();
        let raw = self.text.get(start..self.at).unwrap_or_default();
        self.skip_space();
        self.at += 1;
        self.skip_space();
        serde_json::from_slice(raw).unwrap_or_default()
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while !matches!(self.peek(), b'"' | 0) {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }

    /// Moves behind a value and the comma after it.
    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                b'"' => {
                    self.skip_string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b',' if depth == 0 => {
                    self.at += 1;
                    return;
                }
                b'}' | b']' | 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Step, locate, parse, slice, without_infinities};

    #[test]
    fn values_are_found_by_path() {
        let text = "{\"a\": 1,\n \"b\\\"\": [true, {\"c\": \"},\\\"]\"}, 3],\n \"é\": {\"d\": null}}";
        parse(text.as_bytes()).unwrap();
        let key = |name: &str| Step::Key(name.to_owned());
        assert_eq!(locate(text, &[]), (1, 1));
        assert_eq!(locate(text, &[key("a")]), (1, 7));
        assert_eq!(locate(text, &[key("b\""), Step::Index(2)]), (2, 32));
        assert_eq!(locate(text, &[key("é"), key("d")]), (3, 13));
        assert_eq!(locate(text, &[key("é"), key("absent")]), (3, 7));
    }

    #[test]
    fn values_are_cut_out_as_they_stand() {
        let text = "{\"a\": 1e22 , \"b\": [1, \"x,\"], \"c\": \"d,\"}";
        let key = |name: &str| Step::Key(name.to_owned());
        assert_eq!(slice(text, &[]), text);
        assert_eq!(slice(text, &[key("a")]), "1e22");
        assert_eq!(slice(text, &[key("b")]), "[1, \"x,\"]");
        assert_eq!(slice(text, &[key("b"), Step::Index(1)]), "\"x,\"");
        assert_eq!(slice(text, &[key("c")]), "\"d,\"");
    }

    #[test]
    fn infinities_become_numbers_of_the_same_length() {
        let text = "{\"NaN\": [-Infinity, NaN, \"Infinity\"]}";
        let clean = without_infinities(text).unwrap();
        assert_eq!(clean, "{\"NaN\": [-0.000000, 0.0, \"Infinity\"]}");
        assert_eq!(without_infinities("{\"NaN\": \"a\\\"NaN\"}"), None);
    }

    #[test]
    fn a_repeated_key_has_a_position() {
        let error = parse(b"{\"a\": 1,\n\"a\": 2}").unwrap_err();
        assert_eq!((error.position.0, error.reason.as_str()), (2, "the key `a` is given twice"));
    }

    proptest! {
        #[test]
        fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if parse(&bytes).is_ok() {
                let path = [Step::Index(0), Step::Key("a".into())];
                let text = std::str::from_utf8(&bytes).unwrap();
                locate(text, &path);
                slice(text, &path);
            }
            without_infinities(&String::from_utf8_lossy(&bytes));
        }
    }
}
