//! A model that answers every question in its form, at a usual length, and never twice the same.

use codeagent::models::scripted::reply;
use codeagent::models::{Request, Scripted};
use serde_json::json;

/// A program of a few functions; `LIMIT` makes it one of many.
const PROGRAM: &str = "\
def by_start(intervals):
    \"\"\"The intervals in the order of their starts.\"\"\"
    return sorted(intervals, key=lambda interval: interval[0])


def touches(left, right):
    \"\"\"Whether the right interval starts before the left one ends.\"\"\"
    return right[0] < left[1]


def union(left, right):
    return [min(left[0], right[0]), max(left[1], right[1])]


def merge_intervals(intervals):
    merged = []
    for interval in by_start(intervals)[:LIMIT]:
        if merged and touches(merged[-1], interval):
            merged[-1] = union(merged[-1], interval)
        else:
            merged.append(list(interval))
    return merged
";

/// The model.
pub(crate) fn scripted() -> Scripted {
    Scripted::new(|request, _| {
        let texts: Vec<String> = (0..u64::from(request.n)).map(|choice| text(request, choice)).collect();
        Ok(reply(request, &texts.iter().map(String::as_str).collect::<Vec<_>>()))
    })
}

/// The question is told by the role that its system message gives.
fn text(request: &Request, choice: u64) -> String {
    let system = request.messages.first().map(|message| message.content.as_str()).unwrap_or_default();
    let number = request.seed.wrapping_add(choice);
    if system.contains("think about how to solve") {
        let thought = |how: &str| json!({"thought": thought(how, number), "reasonableness": 0.4});
        json!([thought("Sort"), thought("Sweep"), thought("Recurse")]).to_string()
    } else if system.contains("learn from experience") || system.contains("reviewer of programs") {
        thought("Compare", number)
    } else if system.contains("expert at debugging") {
        let block = |index: u32| {
            let why = "The interval is kept although it touches the one before.";
            json!({"block": format!("BLOCK-{index}"), "correct": index != 3, "explanation": why}).to_string()
        };
        (0..6).map(block).collect::<Vec<_>>().join("\n")
    } else if system.contains("strict evaluator") {
        json!({"score": 0.4, "reason": "It is short, but it does not treat intervals that touch."})
            .to_string()
    } else {
        format!("Here it is.\n\n```python\n{}```\n", PROGRAM.replace("LIMIT", &number.to_string()))
    }
}

fn thought(how: &str, number: u64) -> String {
    format!(
        "{how} the intervals by their starts, go through them once and keep the last merged one at hand; two of them \
         belong together where the second starts before the first ends, which includes intervals that touch (see {number})."
    )
}
