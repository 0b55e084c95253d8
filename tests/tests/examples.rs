//! The examples, solved by the model that comes with the program.

use codeagent_tests::binary::Sandboxed;

const EXAMPLES: [&str; 2] = ["merge-intervals", "word-count"];
/// Strategies whose questions the embedded model answers.
const STRATEGIES: [&str; 4] = ["adaptive", "rethink-mcts", "reflexion", "resample"];

fn example(name: &str) -> String {
    format!("{}/../examples/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn examples_are_solved_without_a_model() {
    for name in EXAMPLES {
        for strategy in STRATEGIES {
            let place = Sandboxed::new();
            let output = place.run(&["solve", &example(name), "--strategy", strategy, "--judge"]);
            let story = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} with {strategy}: {story}");
            assert_eq!(story.matches("no model is configured").count(), 1, "{story}");
            assert!(!output.stdout.is_empty());
        }
    }
}

#[test]
fn a_problem_that_the_embedded_model_was_not_made_for_is_named() {
    let place = Sandboxed::new();
    let problem = serde_json::json!({
        "v": 1,
        "id": "far",
        "prompt": "Simulate the gravitational motion of planets around a star with a symplectic integrator of fourth order.",
        "entry": {"kind": "function", "name": "orbit", "signature": "def orbit(t: float) -> float"},
        "public_tests": [{"in": "[0.5]", "out": "12.25"}],
    });
    std::fs::write(place.path().join("far.json"), problem.to_string()).unwrap();
    let output = place.run(&["solve", "far.json", "--set", "budget.calls=2"]);
    let story = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{story}");
    assert!(story.contains("outside what the embedded model was made for"), "{story}");
    assert!(story.contains("--base-url"), "{story}");
}

#[test]
fn a_program_is_shown_even_if_it_cannot_be_saved() {
    let place = Sandboxed::new();
    let output = place.run(&["solve", &example("merge-intervals"), "--out", "no/such/folder/it.py"]);
    let story = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(70), "{story}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("def merge_intervals"), "{story}");
}

#[test]
fn answers_anew_are_no_recalled_ones() {
    let place = Sandboxed::new();
    let problem = example("merge-intervals");
    assert!(place.run(&["solve", &problem]).status.success());
    for flag in ["--cache-refresh", "--no-cache"] {
        let output = place.run(&["solve", &problem, flag]);
        let story = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flag}: {story}");
        assert!(story.contains("--run-dir"), "{flag}: {story}");
        assert!(place.run(&["solve", &problem, flag, "--run-dir", &flag[2..]]).status.success(), "{flag}");
    }
}
