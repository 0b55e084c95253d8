//! What a batch is: the part that must not change when it is continued, and the part that may grow.

use std::collections::{BTreeMap, BTreeSet};

use codeagent::Agent;
use codeagent::search::BudgetLimits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::datasets::Dataset;

/// Version of `run.json`.
const VERSION: u8 = 1;

/// `run.json`: a batch and how it grew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchFile {
    /// Version of the form.
    pub v: u8,
    /// Identity of the batch.
    pub run_id: String,
    /// BLAKE3 of the canonical spec, in hexadecimal.
    pub fingerprint: String,
    /// Name of the data set's file; for people.
    pub dataset: String,
    /// What must not change.
    pub spec: Value,
    /// What may grow, as it is now.
    pub extent: Extent,
    /// What it was before it grew, oldest first.
    #[serde(default)]
    pub amendments: Vec<Extent>,
    /// How hard problems are said to be, by id; for results by difficulty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub difficulties: BTreeMap<String, String>,
}

/// The part of a batch that may grow.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Extent {
    /// Samples of each problem.
    pub samples: u32,
    /// Ids of the problems, in the order of the data set.
    pub problems: Vec<String>,
    /// What one sample may spend.
    pub per_sample: SampleBudget,
    /// What all samples together may spend.
    pub run: RunBudget,
}

/// What one sample may spend. What is absent is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SampleBudget {
    /// Calls, tokens and money.
    #[serde(flatten)]
    pub limits: BudgetLimits,
    /// Seconds of wall-clock time.
    pub seconds: Option<f64>,
}

/// What all samples together may spend. What is absent is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunBudget {
    /// Tokens in and out.
    pub tokens: Option<u64>,
    /// Money, in millionths of a US dollar.
    pub micro_usd: Option<u64>,
}

/// A batch can't go on as it is asked to: it would be another one, or a smaller one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it was begun with another value of {}", keys.join(", "))]
pub struct NotTheSame {
    /// What differs.
    pub keys: Vec<String>,
}

impl BatchFile {
    /// The batch of an agent's samples over a data set. The agent's seed is that of the batch.
    #[must_use]
    pub fn new(agent: &Agent, dataset: &Dataset, name: String, extent: Extent) -> Self {
        let mut spec = match agent.spec() {
            Value::Object(spec) => spec,
            _ => Map::new(),
        };
        spec.insert("dataset".to_owned(), json!({ "hash": dataset.hash, "protocol": dataset.protocol }));
        let spec = Value::Object(spec);
        let fingerprint = blake3::hash(spec.to_string().as_bytes()).to_hex().to_string();
        let run_id = fingerprint.chars().take(16).collect();
        let chosen = |id: &String| Some((id.clone(), dataset.difficulties.get(id)?.clone()));
        let difficulties = extent.problems.iter().filter_map(chosen).collect();
        let amendments = Vec::new();
        Self { v: VERSION, run_id, fingerprint, dataset: name, spec, extent, amendments, difficulties }
    }

    /// The same batch as a continuation of what was `begun`.
    ///
    /// # Errors
    /// [`NotTheSame`] if the spec differs, or something that may only grow became less.
    pub fn continuing(mut self, begun: Self) -> Result<Self, NotTheSame> {
        let mut keys = differing(&begun.spec, &self.spec);
        keys.extend(self.extent.shrunk(&begun.extent));
        if !keys.is_empty() {
            return Err(NotTheSame { keys });
        }
        self.amendments = begun.amendments;
        if self.extent != begun.extent {
            self.amendments.push(begun.extent);
        }
        Ok(self)
    }
}

/// The paths of the values that differ.
pub(crate) fn differing(before: &Value, now: &Value) -> Vec<String> {
    let (Value::Object(before), Value::Object(now)) = (before, now) else { return Vec::new() };
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut keys = Vec::new();
    for name in names {
        let (before, now) = (before.get(name), now.get(name));
        match (before, now) {
            (Some(before @ Value::Object(_)), Some(now @ Value::Object(_))) => {
                keys.extend(differing(before, now).into_iter().map(|key| format!("{name}.{key}")));
            }
            _ if before != now => keys.push(name.clone()),
            _ => {}
        }
    }
    keys
}

impl Extent {
    /// What is less than it was.
    fn shrunk(&self, before: &Self) -> Vec<String> {
        let now: BTreeSet<&String> = self.problems.iter().collect();
        let problems = before.problems.iter().any(|id| !now.contains(id));
        let (one, was) = (&self.per_sample.limits, &before.per_sample.limits);
        [
            ("samples", self.samples < before.samples),
            ("problems", problems),
            ("budget.calls", less(one.calls, was.calls)),
            ("budget.generations", less(one.generations, was.generations)),
            ("budget.tokens", less(one.tokens, was.tokens)),
            ("budget.per_problem_usd", less(one.micro_usd, was.micro_usd)),
            ("budget.seconds", less(self.per_sample.seconds, before.per_sample.seconds)),
            ("budget.run_tokens", less(self.run.tokens, before.run.tokens)),
            ("budget.run_usd", less(self.run.micro_usd, before.run.micro_usd)),
        ]
        .into_iter()
        .filter(|(_, is_less)| *is_less)
        .map(|(key, _)| key.to_owned())
        .collect()
    }
}

/// Whether a limit allows less than it did; none allows everything.
fn less<T: PartialOrd>(now: Option<T>, before: Option<T>) -> bool {
    match (now, before) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(now), Some(before)) => now < before,
    }
}

impl RunBudget {
    /// As limits of a purse.
    #[must_use]
    pub fn limits(&self) -> BudgetLimits {
        BudgetLimits { tokens: self.tokens, micro_usd: self.micro_usd, ..BudgetLimits::default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(spec: Value, extent: Extent) -> BatchFile {
        BatchFile {
            v: 1,
            run_id: "r".into(),
            fingerprint: "f".into(),
            dataset: "d".into(),
            spec,
            extent,
            amendments: Vec::new(),
            difficulties: BTreeMap::new(),
        }
    }

    fn extent(samples: u32, problems: &[&str], calls: Option<u64>) -> Extent {
        let problems = problems.iter().map(|id| (*id).to_owned()).collect();
        let limits = BudgetLimits { calls, ..BudgetLimits::default() };
        let per_sample = SampleBudget { limits, seconds: None };
        Extent { samples, problems, per_sample, run: RunBudget::default() }
    }

    #[test]
    fn growth_is_kept_as_an_amendment_and_the_same_again_is_none() {
        let begun = file(json!({"a": 1}), extent(1, &["x"], Some(10)));
        let same = begun.clone().continuing(begun.clone()).unwrap();
        assert_eq!(same, begun);
        let larger = file(json!({"a": 1}), extent(5, &["x", "y"], None));
        let grown = larger.continuing(begun.clone()).unwrap();
        assert_eq!(grown.amendments, [begun.extent]);
        let more =
            file(json!({"a": 1}), extent(5, &["x", "y", "z"], None)).continuing(grown.clone()).unwrap();
        assert_eq!(more.amendments.len(), 2);
    }

    #[test]
    fn what_differs_or_shrank_is_named() {
        let begun = file(json!({"seed": 1, "d": {"hash": "h"}, "x": 1}), extent(2, &["y"], None));
        let other = file(json!({"seed": 2, "d": {"hash": "i"}}), extent(1, &["x"], Some(3)));
        let refused = other.continuing(begun).unwrap_err();
        assert_eq!(refused.keys, ["d.hash", "seed", "x", "samples", "problems", "budget.calls"]);
    }

    #[test]
    fn a_file_that_is_written_is_read_back() {
        let budget = SampleBudget { seconds: Some(1.5), ..SampleBudget::default() };
        let extent = Extent { per_sample: budget, ..extent(2, &["a"], Some(7)) };
        let file = file(json!({"a": 1}), extent);
        let text = serde_json::to_string(&file).unwrap();
        assert_eq!(serde_json::from_str::<BatchFile>(&text).unwrap(), file);
    }

    proptest! {
        /// An order: what may follow may be followed back only by the same.
        #[test]
        fn growth_goes_one_way(a in 1_u32..4, b in 1_u32..4, x in proptest::option::of(1_u64..4), y in proptest::option::of(1_u64..4)) {
            let (one, other) = (extent(a, &[], x), extent(b, &[], y));
            if one.shrunk(&other).is_empty() && other.shrunk(&one).is_empty() {
                prop_assert_eq!(one, other);
            }
        }
    }
}
