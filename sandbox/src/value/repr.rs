//! Values as Python prints them.

use std::fmt::Write;

use super::text::CodePoint;
use super::{BigInt, Text, Value};

/// About the 4,300 digits beyond which Python itself refuses to print an integer.
const INT_BITS_MAX: usize = 14_284;

/// The value as Python's `repr` gives it, members of sets in the order in which they came. An integer that Python
/// would refuse to print reads `<int of N bits>`.
#[must_use]
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Int(value) => out.push_str(&integer(value)),
        Value::Float(value) => out.push_str(&float(*value, ".0")),
        Value::Complex(real, imaginary) => complex(out, *real, *imaginary),
        Value::Str(text) => string(out, text),
        Value::Bytes(bytes) => byte_string(out, bytes),
        Value::List(items) => sequence(out, "[", items, "]"),
        Value::Tuple(items) if items.len() == 1 => sequence(out, "(", items, ",)"),
        Value::Tuple(items) => sequence(out, "(", items, ")"),
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => sequence(out, "{", items, "}"),
        Value::FrozenSet(items) if items.is_empty() => out.push_str("frozenset()"),
        Value::FrozenSet(items) => sequence(out, "frozenset({", items, "})"),
        Value::Dict(pairs) => dictionary(out, pairs),
    }
}

fn sequence(out: &mut String, open: &str, items: &[Value], close: &str) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write(out, item);
    }
    out.push_str(close);
}

fn dictionary(out: &mut String, pairs: &[(Value, Value)]) {
    out.push('{');
    for (index, (key, value)) in pairs.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write(out, key);
        out.push_str(": ");
        write(out, value);
    }
    out.push('}');
}

fn integer(value: &BigInt) -> String {
    match value.bits() {
        bits if bits > INT_BITS_MAX => format!("<int of {bits} bits>"),
        _ => value.to_string(),
    }
}

/// Shortest digits that read back the same; an exponent below 1e-4 and from 1e16 on.
fn float(value: f64, whole: &str) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let shortest = format!("{:e}", value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let digits = value.abs().to_string();
        let whole = if digits.contains('.') { "" } else { whole };
        return format!("{sign}{digits}{whole}");
    }
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{mantissa}e{direction}{:02}", exponent.abs())
}

fn complex(out: &mut String, real: f64, imaginary: f64) {
    let imaginary_text = float(imaginary, "");
    let _ = if real == 0.0 && real.is_sign_positive() {
        write!(out, "{imaginary_text}j")
    } else {
        let plus = if imaginary_text.starts_with('-') { "" } else { "+" };
        write!(out, "({}{plus}{imaginary_text}j)", float(real, ""))
    };
}

fn string(out: &mut String, text: &Text) {
    let quote = quote(text.as_bytes());
    out.push(quote);
    for point in text.code_points() {
        match point {
            CodePoint::Char(char) => character(out, char, quote),
            CodePoint::Surrogate(unit) => escape(out, u32::from(unit)),
        }
    }
    out.push(quote);
}

fn byte_string(out: &mut String, bytes: &[u8]) {
    let quote = quote(bytes);
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match byte {
            0x80.. => escape(out, u32::from(*byte)),
            _ => character(out, char::from(*byte), quote),
        }
    }
    out.push(quote);
}

fn quote(bytes: &[u8]) -> char {
    if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' }
}

fn character(out: &mut String, char: char, quote: char) {
    match char {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\\' => out.push_str("\\\\"),
        _ if char == quote => out.extend(['\\', quote]),
        _ if is_printable(char) => out.push(char),
        _ => escape(out, u32::from(char)),
    }
}

/// Python's `str.isprintable` for one character. The standard library escapes by the same general categories; the
/// letter before keeps it from escaping a combining mark, which it does at the start of a string only.
fn is_printable(char: char) -> bool {
    if char.is_ascii() {
        return (' '..='~').contains(&char);
    }
    let mut pair = [b'a', 0, 0, 0, 0];
    let length = char.len_utf8();
    if let Some(place) = pair.get_mut(1..) {
        char.encode_utf8(place);
    }
    let pair = pair.get(..=length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    pair.is_some_and(|pair| pair.escape_debug().nth(1) == Some(char))
}

fn escape(out: &mut String, code: u32) {
    let _ = match code {
        0..=0xFF => write!(out, "\\x{code:02x}"),
        0x100..=0xFFFF => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}
