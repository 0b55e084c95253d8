//! What a request that is not in a recording comes nearest to, and how the two differ.

use serde_json::Value;

use crate::cassette::Entry;
use crate::provider::Request;

/// Describes the recorded request that is most like this one.
pub(super) fn nearest(entries: &[Entry], model: &str, request: &Request) -> String {
    let best = entries
        .iter()
        .map(|entry| (likeness(&entry.request, request) + f64::from(u8::from(entry.model == model)), entry))
        // The first of equals, so that the message is always the same.
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Some((_, entry)) = best else { return "the recording is empty".into() };
    let mut differences = fields_that_differ(&entry.request, request);
    if entry.model != model {
        differences.insert(0, format!("model {:?} recorded, {model:?} asked", entry.model));
    }
    if let Some(difference) = message_difference(&entry.request, request) {
        differences.push(difference);
    }
    format!("the nearest is line {}: {}", entry.line, differences.join("; "))
}

/// How alike two requests are: up to 100 for the messages, a little for each equal field.
fn likeness(recorded: &Request, asked: &Request) -> f64 {
    let pairs = recorded.messages.iter().zip(&asked.messages);
    let alike: f64 = pairs.map(|(a, b)| similarity(&a.content, &b.content)).sum();
    let longest = recorded.messages.len().max(asked.messages.len()).max(1);
    100.0 * alike / longest as f64 - fields_that_differ(recorded, asked).len() as f64
}

fn fields_that_differ(recorded: &Request, asked: &Request) -> Vec<String> {
    let (Ok(Value::Object(recorded)), Ok(Value::Object(asked))) =
        (serde_json::to_value(recorded), serde_json::to_value(asked))
    else {
        return Vec::new();
    };
    let differs = |(name, value): (&String, &Value)| {
        let other = asked.get(name)?;
        (name != "messages" && value != other).then(|| format!("{name} {value} recorded, {other} asked"))
    };
    recorded.iter().filter_map(differs).collect()
}

/// Names the first message that differs, and where in it.
fn message_difference(recorded: &Request, asked: &Request) -> Option<String> {
    let (a, b) = (&recorded.messages, &asked.messages);
    if let Some(i) = a.iter().zip(b).position(|(a, b)| a != b) {
        let (a, b) = (a.get(i)?, b.get(i)?);
        let percent = (100.0 * similarity(&a.content, &b.content)).floor();
        let at = common_prefix(a.content.chars(), b.content.chars()) + 1;
        return Some(format!("message {} is {percent} % alike and differs from character {at}", i + 1));
    }
    (a.len() != b.len()).then(|| format!("{} messages recorded, {} asked", a.len(), b.len()))
}

/// Share of the longer text that is common start or common end, in `[0, 1]`.
fn similarity(a: &str, b: &str) -> f64 {
    let (short, long) = (a.chars().count().min(b.chars().count()), a.chars().count().max(b.chars().count()));
    if long == 0 {
        return 1.0;
    }
    let start = common_prefix(a.chars(), b.chars());
    let end = common_prefix(a.chars().rev(), b.chars().rev()).min(short - start);
    (start + end) as f64 / long as f64
}

fn common_prefix(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}
