//! Cassettes: recorded requests and replies as JSON lines, each with a hash over itself.
//!
//! A line is `{"v":1,"model":…,"key":…,"request":{…},"reply":{…},"hash":…}`; `key` identifies model and request,
//! `hash` is BLAKE3 over the canonical JSON of the other fields. Credentials and addresses are in none of them.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, ModelError};
use crate::key::{CacheKey, hash_of};
use crate::provider::{Reply, Request};

const VERSION: u32 = 1;

/// A recording in memory, in the order of recording.
#[derive(Debug, Clone, Default)]
pub struct Cassette {
    /// What was asked and answered.
    pub entries: Vec<Entry>,
    /// Whether the last line was cut off in writing, and left out.
    pub cut: bool,
}

/// One recorded request with its reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Line in the file, from 1.
    pub line: usize,
    /// The model that was asked.
    pub model: String,
    /// What it was asked.
    pub request: Request,
    /// What it answered.
    pub reply: Reply,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    content: Content,
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    v: u32,
    model: String,
    key: String,
    request: Request,
    reply: Reply,
}

impl Cassette {
    /// Reads a recording. `name` is what errors call it, a path for example.
    ///
    /// # Errors
    /// Kind `Storage`, with the line, where a line is no entry, is of another version, or differs from its hash.
    /// A last line without its end is no error: see [`Cassette::cut`].
    pub fn parse(name: &str, text: &str) -> Result<Self, ModelError> {
        let mut cassette = Self::default();
        for (i, raw) in text.split_inclusive('\n').enumerate() {
            if raw.trim().is_empty() {
                continue;
            }
            match parse_line(raw) {
                Ok(content) => cassette.entries.push(Entry {
                    line: i + 1,
                    model: content.model,
                    request: content.request,
                    reply: content.reply,
                }),
                Err(_) if !raw.ends_with('\n') => cassette.cut = true,
                Err(reason) => return Err(storage(format!("{name}:{}: {reason}", i + 1))),
            }
        }
        Ok(cassette)
    }
}

/// How a request is looked up in recordings; the dialect is the recording itself.
pub(crate) fn recording_key(model: &str, request: &Request) -> CacheKey {
    CacheKey::of("cassette", model, request)
}

/// An entry as a line, with its end.
pub(crate) fn line(model: &str, request: &Request, reply: &Reply) -> Result<String, ModelError> {
    let content = Content {
        v: VERSION,
        model: model.to_owned(),
        key: recording_key(model, request).to_hex(),
        request: request.clone(),
        reply: reply.clone(),
    };
    let hash = hash_of(&content).to_hex().to_string();
    let mut line = serde_json::to_string(&Line { content, hash })
        .map_err(|error| storage(format!("could not write a reply as JSON: {error}")))?;
    line.push('\n');
    Ok(line)
}

/// Bytes of a recording up to the end of its last whole line.
pub(crate) fn whole_lines(text: &str) -> usize {
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    // A last line may be whole but for its end; dropping it would lose an answer.
    let rest = text.get(end..).unwrap_or_default();
    if parse_line(rest).is_ok() { text.len() } else { end }
}

fn parse_line(raw: &str) -> Result<Content, String> {
    let Line { content, hash } =
        serde_json::from_str(raw).map_err(|error| format!("not a recorded reply: {error}"))?;
    if content.v != VERSION {
        return Err(format!(
            "version {} is not {VERSION}: read it with the release that wrote it",
            content.v
        ));
    }
    if hash_of(&content).to_hex().as_str() != hash {
        return Err("the entry differs from its hash: it was edited or damaged; record it again".into());
    }
    if recording_key(&content.model, &content.request).to_hex() != content.key {
        return Err("the key does not belong to the request: record it again".into());
    }
    Ok(content)
}

pub(crate) fn storage(message: String) -> ModelError {
    ModelError::new(ErrorKind::Storage, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scripted::{question, reply};

    proptest! {
        #[test]
        fn every_entry_survives_its_line(
            text in any::<String>(),
            seed in any::<u64>(),
            temperature in 0.0..2.0_f64,
            logprob in prop::option::of(-40.0..0.0_f64),
        ) {
            let request = Request { seed, temperature, ..question(&text) };
            let mut reply = reply(&request, &[&text]);
            reply.choices[0].mean_logprob = logprob;
            let line = line("m", &request, &reply).unwrap();
            prop_assert_eq!(line.matches('\n').count(), 1);
            let entry = Entry { line: 1, model: "m".into(), request, reply };
            prop_assert_eq!(&Cassette::parse("x", &line).unwrap().entries, &[entry]);
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let _ = Cassette::parse("x", &text);
        }
    }
}
