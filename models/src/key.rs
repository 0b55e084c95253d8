//! The identity of a request: what makes two requests the same question and the same draw.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::provider::Request;

/// BLAKE3 over the canonical JSON of dialect, model and every field of the request.
///
/// Two requests with one key may share one answer; a change of any sampling parameter, `n`, seed or draw makes
/// another key. Credentials and addresses are no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of a request to a model that is spoken to in a dialect.
    #[must_use]
    pub fn of(dialect: &str, model: &str, request: &Request) -> Self {
        #[derive(Serialize)]
        struct Identity<'a> {
            v: u32,
            dialect: &'a str,
            model: &'a str,
            request: &'a Request,
        }
        Self(*hash_of(&Identity { v: 1, dialect, model, request }).as_bytes())
    }

    /// The key as 64 lower-case hexadecimal digits, as stores keep it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The key's 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// BLAKE3 of a value's canonical JSON: object keys sorted, no white space.
pub(crate) fn hash_of(value: &impl Serialize) -> blake3::Hash {
    // The types hashed here have string keys only, so that they always have a JSON form.
    let json = serde_json::to_value(value).unwrap_or(Value::Null);
    let mut text = String::new();
    write_canonical(&json, &mut text);
    blake3::hash(text.as_bytes())
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            write_list(out, '{', '}', fields, |(name, value), out| {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            });
        }
        Value::Array(items) => write_list(out, '[', ']', items, write_canonical),
        leaf => out.push_str(&leaf.to_string()),
    }
}

fn write_list<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    out.push(open);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scripted::question;

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let mut text = String::new();
        write_canonical(&json!({"b": [1, {"z": null, "a": "\""}], "a": 0.8}), &mut text);
        assert_eq!(text, r#"{"a":0.8,"b":[1,{"a":"\"","z":null}]}"#);
    }

    #[test]
    fn every_parameter_is_part_of_the_key() {
        let base = question("q");
        let key = CacheKey::of("d", "m", &base);
        assert_eq!(key, CacheKey::of("d", "m", &base.clone()));
        let variants = [
            Request { messages: vec![], ..base.clone() },
            Request { temperature: 0.1, ..base.clone() },
            Request { top_p: Some(0.5), ..base.clone() },
            Request { max_output_tokens: 7, ..base.clone() },
            Request { n: 2, ..base.clone() },
            Request { stop: vec!["x".into()], ..base.clone() },
            Request { seed: 99, ..base.clone() },
            Request { logprobs: Some(1), ..base.clone() },
            Request { draw: 1, ..base.clone() },
            Request { distinct: true, ..base.clone() },
        ];
        for variant in &variants {
            assert_ne!(key, CacheKey::of("d", "m", variant), "{variant:?}");
        }
        assert_ne!(key, CacheKey::of("e", "m", &base));
        assert_ne!(key, CacheKey::of("d", "n", &base));
    }

    #[test]
    fn keys_stay_the_same_over_releases() {
        // Stored replies are found by this value: a change of it empties every cache, so it needs a reason.
        assert_eq!(
            CacheKey::of("openai-compatible", "m", &question("q")).to_hex(),
            "e8c0f6dcc97466403745bd3735be8ad15c7c4e6caba82caff0d8a120b758211e"
        );
    }
}
