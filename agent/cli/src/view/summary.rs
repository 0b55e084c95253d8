//! What the list of runs says of one of them: from its spec, and from its result or, until there is one, its events.

use codeagent::store::{Event, Run};
use serde::Serialize;
use serde_json::Value;

/// Longest name that the list shows, in characters.
const NAME_CHARS: usize = 200;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Summary {
    /// The problem's id.
    pub(crate) problem: String,
    /// Which sample of the problem.
    pub(crate) sample: u64,
    /// Name of the strategy.
    pub(crate) strategy: String,
    /// Name of the model.
    pub(crate) model: String,
    /// Visible tests that the best program passes; `None` while there is no program.
    pub(crate) passed: Option<u64>,
    /// Visible tests.
    pub(crate) total: u64,
    /// Model calls.
    pub(crate) calls: u64,
    /// Prompt and answer tokens.
    pub(crate) tokens: u64,
    /// Micro-USD.
    pub(crate) micro_usd: u64,
    /// Whether all replies had a known price.
    pub(crate) priced: bool,
}

impl Summary {
    /// What the spec of a run says, before anything happened.
    pub(crate) fn of_spec(spec: &Value) -> Self {
        let tests = spec.pointer("/problem/visible").and_then(Value::as_array).map_or(0, Vec::len);
        Self {
            problem: name(spec.pointer("/problem/id")),
            sample: number(spec.get("sample")),
            strategy: name(spec.get("strategy")),
            model: name(spec.get("model")),
            total: u64::try_from(tests).unwrap_or(u64::MAX),
            priced: true,
            ..Self::default()
        }
    }

    /// Adds what a finished run came to.
    pub(crate) fn finish(&mut self, run: &Run) {
        let result: Option<Value> = run.result.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(result) = result else { return };
        let cost = |name: &str| number(result.pointer(&format!("/cost/{name}")));
        self.passed =
            result.get("solution").filter(|it| it.is_object()).map(|_| number(result.get("passed")));
        self.calls = cost("calls");
        self.tokens = cost("input_tokens").saturating_add(cost("output_tokens"));
        self.micro_usd = cost("micro_usd");
        self.priced = result.get("priced").and_then(Value::as_bool).unwrap_or(false);
    }

    /// Adds what an event of an unfinished run tells. Unknown events tell nothing.
    pub(crate) fn absorb(&mut self, event: &Event) {
        let Ok(event) = serde_json::from_str::<Value>(&event.body) else { return };
        match event.get("type").and_then(Value::as_str) {
            Some("budget") => {
                self.calls = number(event.get("calls"));
                self.tokens = number(event.get("tokens"));
                self.micro_usd = number(event.get("micro_usd"));
            }
            Some("candidate_best") => self.passed = Some(number(event.get("passed"))),
            Some("llm_reply") => self.priced &= event.get("cost_micro_usd").is_some_and(Value::is_number),
            _ => {}
        }
    }
}

fn number(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or(0)
}

fn name(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().chars().take(NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(body: &Value) -> Event {
        Event { seq: 0, body: body.to_string() }
    }

    #[test]
    fn a_run_under_way_is_summed_up_from_its_events() {
        let spec = json!({"problem": {"id": "p/1", "visible": [1, 2]}, "strategy": "resample", "model": "m"});
        let mut summary = Summary::of_spec(&spec);
        assert_eq!((summary.sample, summary.total, summary.passed), (0, 2, None));
        for body in [
            json!({"type": "llm_reply", "cost_micro_usd": 3}),
            json!({"type": "budget", "calls": 1, "tokens": 10, "micro_usd": 3}),
            json!({"type": "candidate_best", "passed": 1, "total": 2}),
            json!({"type": "of a later version", "passed": 9}),
            json!("no event at all"),
        ] {
            summary.absorb(&event(&body));
        }
        let seen = (summary.passed, summary.calls, summary.tokens, summary.micro_usd, summary.priced);
        assert_eq!(seen, (Some(1), 1, 10, 3, true));
        summary.absorb(&event(&json!({"type": "llm_reply", "cost_micro_usd": null})));
        assert!(!summary.priced);
    }

    #[test]
    fn a_finished_run_is_summed_up_from_its_result() {
        let mut summary = Summary::of_spec(&json!({"problem": {"id": "p"}, "sample": 3}));
        let result = json!({"solution": {"node": 1, "program": ""}, "passed": 2, "total": 2, "priced": true,
            "cost": {"calls": 4, "input_tokens": 5, "output_tokens": 6, "micro_usd": 7}});
        summary.finish(&Run {
            id: String::new(),
            fingerprint: String::new(),
            spec: String::new(),
            status: "solved".to_owned(),
            result: Some(result.to_string()),
            created_us: 0,
            finished_us: Some(1),
        });
        let seen = (summary.sample, summary.passed, summary.calls, summary.tokens, summary.micro_usd);
        assert_eq!(seen, (3, Some(2), 4, 11, 7));
    }
}
