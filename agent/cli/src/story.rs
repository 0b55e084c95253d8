//! The story of a search in a few lines: one per program, per new insight, and at the end.

use codeagent::event::{Event, EventKind};
use codeagent::search::NodeKind;

/// What an event adds to the story; `None` for the many that add nothing.
#[must_use]
pub fn line(event: &Event) -> Option<String> {
    let node = event.node.map(|node| node.0).unwrap_or_default();
    match &event.kind {
        EventKind::TaskStarted { strategy, model, seed, visible_tests } => Some(format!(
            "{}: {strategy} with {model}, seed {seed}, {visible_tests} visible tests",
            event.task
        )),
        EventKind::NodeAdded { kind, attempt: Some(attempt), action, .. } => {
            let kind = if *kind == NodeKind::Revision { "revision" } else { "program" };
            let tests = match (attempt.parses, attempt.total) {
                (false, _) => "does not parse".to_owned(),
                (true, 0) => "there is no visible test".to_owned(),
                (true, total) => format!("{} of {total} tests pass", attempt.passed),
            };
            Some(format!("#{node} {kind} by {action}: {tests}"))
        }
        EventKind::NodeAdded { kind: NodeKind::Thought, prior, summary, .. } => {
            Some(format!("#{node} thought ({prior:.2}): {summary}"))
        }
        EventKind::NodeAdded { kind: NodeKind::Plan, summary, .. } => {
            Some(format!("#{node} plan: {summary}"))
        }
        EventKind::NodeAdded { kind: NodeKind::Reflection, summary, .. } => {
            Some(format!("#{node} reflection: {summary}"))
        }
        EventKind::NodeAdded { kind: NodeKind::Tests, summary, .. } => {
            Some(format!("#{node} tests by the model: {summary}"))
        }
        EventKind::NodeReviewed { author, text, .. } => {
            let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("(nothing)");
            Some(format!("#{node} reviewed by the {author}: {first}"))
        }
        EventKind::NodeRethought { summary } => Some(format!("#{node} rethought: {summary}")),
        EventKind::NodeReverted => Some(format!("#{node} taken back: the new thought did worse")),
        EventKind::Warning { message } => Some(format!("warning: {message}")),
        _ => None,
    }
}
