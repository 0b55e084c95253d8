//! The embedded model on problems that its training held out.

use codeagent_tests::binary::{Ended, Sandboxed};
use serde_json::Value;

/// A single sample solved 3 of these 12 when the floor was set, five samples 5, and `adaptive` 8.
const PROBLEMS: &str = "12";
const FLOOR: u64 = 3;

#[test]
fn held_out_problems_are_solved_and_cost_nothing() {
    let place = Sandboxed::new();
    let dataset = format!("{}/../models/embedded/held-out.jsonl", env!("CARGO_MANIFEST_DIR"));
    let asked = ["eval", &dataset, "--limit", PROBLEMS, "--strategy", "resample", "-m", "embedded"];
    let more = ["--set", "budget.calls=5", "--out", "run", "--max-cost", "0.01"];
    let ended = Ended::of(place.command(&asked).args(more));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let results: Value =
        serde_json::from_slice(&std::fs::read(place.path().join("run/results.json")).unwrap()).unwrap();
    let passed = results["solved"].as_u64().unwrap();
    assert!(passed >= FLOOR, "{passed} of {PROBLEMS}: {results}");
    assert_eq!(results["cost"]["usd"], 0.0);
}
