//! Numbers.

use super::{Cursor, LiteralError};
use crate::value::{BigInt, Value};

/// Digits of one integer: a bound on quadratic time. Python's own, for decimal ones, is 4,300.
const DIGITS_MAX: usize = 20_000;

/// A signed number, or a sum or difference of one and an imaginary number.
pub(super) fn parse_sum(cursor: &mut Cursor<'_>) -> Result<Value, LiteralError> {
    let mut negative = false;
    loop {
        match cursor.peek() {
            Some('-') => negative = !negative,
            Some('+') => {}
            _ => break,
        }
        cursor.at += 1;
    }
    let value = match cursor.peek() {
        Some('0'..='9' | '.') => unsigned(cursor)?,
        _ => return Err(cursor.error("a number is due")),
    };
    parse_rest_of_sum(cursor, if negative { negated(value) } else { value })
}

/// What may follow the real part `value`: nothing, or `+` or `-` and an imaginary number.
pub(super) fn parse_rest_of_sum(cursor: &mut Cursor<'_>, value: Value) -> Result<Value, LiteralError> {
    let real = match &value {
        Value::Int(value) => value.to_f64(),
        Value::Float(value) => *value,
        _ => return Ok(value),
    };
    let Some(sign @ ('+' | '-')) = cursor.peek() else { return Ok(value) };
    cursor.at += 1;
    cursor.peek();
    match unsigned(cursor)? {
        Value::Complex(_, imaginary) if sign == '-' => Ok(Value::Complex(real, -imaginary)),
        Value::Complex(_, imaginary) => Ok(Value::Complex(real, imaginary)),
        _ => Err(cursor.error("only an imaginary number may be added")),
    }
}

fn negated(value: Value) -> Value {
    match value {
        Value::Int(value) => Value::Int(value.negated()),
        Value::Float(value) => Value::Float(-value),
        Value::Complex(real, imaginary) => Value::Complex(-real, -imaginary),
        other => other,
    }
}

fn unsigned(cursor: &mut Cursor<'_>) -> Result<Value, LiteralError> {
    let start = cursor.clone();
    let token = token(cursor);
    let value = match token.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => based(token, 16),
        Some("0o") => based(token, 8),
        Some("0b") => based(token, 2),
        _ => decimal(token),
    };
    value.ok_or_else(|| start.error("not a number"))
}

/// Digits, letters, points, and signs right after a decimal exponent.
fn token<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let rest = cursor.rest();
    let decimal = !rest.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("0x"));
    let mut before = ' ';
    let mut end = rest.len();
    for (at, char) in rest.char_indices() {
        let exponent_sign = decimal && matches!(char, '+' | '-') && matches!(before, 'e' | 'E');
        if !(char.is_alphanumeric() || matches!(char, '_' | '.') || exponent_sign) {
            end = at;
            break;
        }
        before = char;
    }
    cursor.at += end;
    rest.get(..end).unwrap_or_default()
}

fn based(token: &str, radix: u32) -> Option<Value> {
    let digits = token.get(2..)?;
    let digits = digits.strip_prefix('_').unwrap_or(digits);
    integer(&without_underscores(digits)?, radix)
}

fn integer(digits: &str, radix: u32) -> Option<Value> {
    (digits.len() <= DIGITS_MAX).then(|| BigInt::from_digits(digits, radix))?.map(Value::Int)
}

fn decimal(token: &str) -> Option<Value> {
    let text = without_underscores(token)?;
    if let Some(imaginary) = text.strip_suffix(['j', 'J']) {
        return float(imaginary).map(|imaginary| Value::Complex(0.0, imaginary));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return float(&text).map(Value::Float);
    }
    // `007` is an error in Python, `000` is not.
    let zeros = text.starts_with('0') && text.bytes().any(|byte| byte != b'0');
    if zeros { None } else { integer(&text, 10) }
}

fn float(text: &str) -> Option<f64> {
    let spelled = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let starts = text.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    (spelled && starts).then(|| text.parse().ok())?
}

/// The text without underscores, each of which must stand between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_hexdigit);
    let placed = |(at, byte): (usize, &u8)| *byte != b'_' || digit(at.checked_sub(1)) && digit(Some(at + 1));
    bytes.iter().enumerate().all(placed).then(|| text.replace('_', ""))
}
