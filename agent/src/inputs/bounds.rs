//! What the visible inputs look like, so that mutations look alike: how large numbers are, whether they may be negative,
//! of which characters strings consist, how long things are.

use std::collections::BTreeSet;

use codeagent_sandbox::Value;

/// Numbers up to this are in bounds whatever was seen.
const INT_FLOOR: i64 = 16;
/// Lengths up to this are in bounds whatever was seen.
const LENGTH_FLOOR: usize = 8;
/// Nothing is longer than this, unless a visible input is.
const LENGTH_MAX: usize = 1_000;

/// Items and characters of a value, all in all.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.as_bytes().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
            items.iter().map(|item| 1 + size(item)).sum()
        }
        Value::Dict(pairs) => pairs.iter().map(|(key, value)| 1 + size(key) + size(value)).sum(),
        _ => 1,
    }
}

/// Bounds of what one argument may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Least integer.
    pub(super) low: i64,
    /// Largest integer; floats keep to both, too.
    pub(super) high: i64,
    /// Characters of strings, sorted.
    pub(super) alphabet: Vec<char>,
    /// Longest string or container.
    pub(super) length: usize,
}

#[derive(Default)]
struct Seen {
    magnitude: i64,
    negative: bool,
    alphabet: BTreeSet<char>,
    length: usize,
}

impl Bounds {
    /// Bounds around all these values: twice the size of what was seen, and below 0 only where something was.
    pub(super) fn around<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut seen = Seen::default();
        values.into_iter().for_each(|value| seen.look(value));
        seen.bounds()
    }

    /// As [`Self::around`], for the words and numbers of texts.
    pub(super) fn around_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let mut seen = Seen::default();
        for token in tokens {
            match (token.parse::<i64>(), token.parse::<f64>()) {
                (Ok(whole), _) => seen.number(whole),
                (_, Ok(real)) => seen.real(real),
                _ => seen.text(token),
            }
        }
        seen.bounds()
    }
}

impl Seen {
    fn bounds(self) -> Bounds {
        let high = self.magnitude.saturating_mul(2).max(INT_FLOOR);
        Bounds {
            low: if self.negative { -high } else { 0 },
            high,
            alphabet: self.alphabet.into_iter().collect(),
            length: (2 * self.length).clamp(LENGTH_FLOOR, LENGTH_MAX.max(self.length)),
        }
    }

    fn look(&mut self, value: &Value) {
        match value {
            Value::None | Value::Bool(_) | Value::Complex(..) => {}
            Value::Int(value) => {
                if let Some(small) = value.to_i64() {
                    self.number(small);
                }
            }
            Value::Float(value) => self.real(*value),
            Value::Str(text) => self.text(&text.to_string_lossy()),
            Value::Bytes(bytes) => self.length = self.length.max(bytes.len()),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
                self.length = self.length.max(items.len());
                items.iter().for_each(|item| self.look(item));
            }
            Value::Dict(pairs) => {
                self.length = self.length.max(pairs.len());
                for (key, value) in pairs {
                    self.look(key);
                    self.look(value);
                }
            }
        }
    }

    fn number(&mut self, value: i64) {
        self.magnitude = self.magnitude.max(value.saturating_abs());
        self.negative |= value < 0;
    }

    fn real(&mut self, value: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float beyond the integers is as large as can be"
        )]
        self.number(if value.is_nan() { 0 } else { value.abs().ceil().copysign(value) as i64 });
    }

    fn text(&mut self, text: &str) {
        self.length = self.length.max(text.chars().count());
        self.alphabet.extend(text.chars());
    }
}
