//! `solve` from outside: every strategy to a program that passes, and the object that `--json` promises.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use codeagent_tests::binary::{Ended, STRATEGIES, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle};
use serde_json::{Value, json};

fn skilled(skill: f64) -> ModelServer {
    let model = SkilledModel::new(skill);
    ModelServer::answering(move |request| model.answer(request))
}

/// The object's fields in their order, with those of the objects within it.
fn fields(object: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in object.as_object().unwrap() {
        names.push(name.clone());
        names.extend(value.as_object().into_iter().flatten().map(|(inner, _)| format!("{name}.{inner}")));
    }
    names.sort();
    names
}

fn documented(more: &[&str]) -> Vec<String> {
    let mut names: Vec<String> =
        "v status task_id protocol program visible visible.passed visible.total strategy seed calls \
        generations tokens tokens.in tokens.out tokens.cached cost_usd wall_ms run_id stop_reason model"
            .split_whitespace()
            .chain(more.iter().copied())
            .map(str::to_owned)
            .collect();
    names.sort();
    names
}

#[test]
fn every_strategy_solves_whether_answers_are_streamed_or_not() {
    for strategy in STRATEGIES {
        let mut programs = Vec::new();
        for stream in ["true", "false"] {
            let (place, server) = (Sandboxed::new(), skilled(0.4));
            let streaming = format!("model.scripted.stream={stream}");
            let more =
                ["--strategy", strategy, "--set", "model.scripted.model=scripted", "--set", &streaming];
            let ended = Ended::of(&mut place.solve(puzzle("merge-intervals"), &server, &more));
            assert_eq!(ended.code, Some(0), "{strategy}, stream {stream}: {ended:?}");
            let result = ended.json();
            assert_eq!(fields(&result), documented(&[]), "{result}");
            assert_eq!(
                (&result["status"], &result["strategy"], &result["model"]),
                (&json!("solved"), &json!(strategy), &json!("scripted"))
            );
            assert_eq!(result["visible"], json!({"passed": 4, "total": 4}));
            assert_eq!(result["calls"], server.count(), "{result}");
            assert_eq!(server.requests()[0]["stream"] == true, stream == "true");
            programs.push(result["program"].clone());
        }
        assert_eq!(programs[0], programs[1], "{strategy}");
    }
}

#[test]
fn what_solve_says_is_what_verify_says() {
    for (strategy, skill) in STRATEGIES.into_iter().flat_map(|strategy| [(strategy, 0.05), (strategy, 0.4)]) {
        let (place, server) = (Sandboxed::new(), skilled(skill));
        let more = ["--strategy", strategy, "--set", "budget.calls=12", "--judge"];
        let ended = Ended::of(&mut place.solve(puzzle("roman"), &server, &more));
        let result = ended.json();
        assert_eq!(fields(&result), documented(&["hidden", "hidden.passed", "hidden.total"]), "{result}");
        let program = place.file("program.py", result["program"].as_str().unwrap());
        let verified =
            Ended::of(place.command(&["verify", "--json", "--problem"]).arg(puzzle("roman")).arg(program));
        let verdict = verified.json();
        for tests in ["visible", "hidden"] {
            let counted = json!({"passed": verdict[tests]["passed"], "total": verdict[tests]["total"]});
            assert_eq!(result[tests], counted, "{strategy}: {tests} tests");
        }
        assert_eq!(ended.code == Some(0), verdict["passed"] == true, "{strategy}: {ended:?}");
        assert_eq!(verified.code == Some(0), verdict["passed"] == true, "{strategy}: {verified:?}");
    }
}

#[test]
fn budgets_are_never_exceeded_and_the_best_so_far_is_given() {
    for strategy in STRATEGIES {
        let model = SkilledModel::hopeless();
        let server = ModelServer::answering(move |request| model.answer(request));
        let place = Sandboxed::new();
        // All that funcoder needs for a problem that nobody divides are seven calls; adaptive's 20 programs come in five.
        let most = match strategy {
            "funcoder" => 6,
            "adaptive" => 4,
            _ => 7,
        };
        for calls in [1, 2, 3, most] {
            let budget = format!("budget.calls={calls}");
            let more = ["--strategy", strategy, "--set", &budget];
            let ended = Ended::of(&mut place.solve(puzzle("roman"), &server, &more));
            assert_eq!(ended.code, Some(5), "{strategy}, {calls} calls: {ended:?}");
            let result = ended.json();
            assert_eq!(
                (&result["status"], &result["stop_reason"]),
                (&json!("capped"), &json!("budget")),
                "{result}"
            );
            assert!(result["calls"].as_u64() <= Some(calls), "{strategy}, {calls} calls: {result}");
            // The same command goes on where the smaller budget ended, and pays for nothing twice.
            assert!(
                server.count() as u64 <= calls,
                "{strategy}: {} requests in {calls} calls",
                server.count()
            );
            // Most methods think first, and these two for more than so few calls.
            let thinks = calls < most || ["mapcoder", "plansearch"].contains(&strategy);
            assert!(thinks || result["program"].is_string(), "{strategy}, {calls} calls: {result}");
        }
    }
}

#[test]
fn the_program_goes_to_stdout_and_where_it_is_told_to() {
    let (place, server) = (Sandboxed::new(), skilled(0.4));
    let problem = puzzle("merge-intervals");
    let result = Ended::of(&mut place.solve(&problem, &server, &[])).json();
    let program = result["program"].as_str().unwrap();
    let more = [
        "--out",
        "solution.py",
        "--events",
        "events.jsonl",
        "-m",
        "scripted",
        "--base-url",
        &server.base_url(),
    ];
    let plain = Ended::of(place.command(&["solve"]).arg(&problem).args(more));
    assert_eq!((plain.code, plain.stdout.trim_end()), (Some(0), program.trim_end()));
    assert_eq!(std::fs::read_to_string(place.path().join("solution.py")).unwrap(), program);

    let piped = Ended::of(place.command(&["solve", "--events", "-"]).arg(&problem).args(&more[4..]));
    let file = std::fs::read_to_string(place.path().join("events.jsonl")).unwrap();
    assert_eq!((piped.code, &piped.stdout), (Some(0), &file), "a finished run tells its events again");
    let run = result["run_id"].as_str().unwrap();
    let stored = Ended::of(&mut place.command(&["show", run, "--json"]));
    assert_eq!(stored.stdout, file, "what was streamed is what was stored");
    for (seq, line) in file.lines().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&event["v"], &event["seq"], &event["run"]),
            (&json!(1), &json!(seq), &json!(run)),
            "{event}"
        );
    }
}

#[test]
fn a_run_is_shown_as_a_tree_and_node_by_node() {
    let (place, server) = (Sandboxed::new(), skilled(0.4));
    let more = ["--strategy", "rethink-mcts"];
    let result = Ended::of(&mut place.solve(puzzle("merge-intervals"), &server, &more)).json();
    let run = result["run_id"].as_str().unwrap();
    let tree = Ended::of(&mut place.command(&["show", run]));
    assert_eq!((tree.code, tree.stdout.lines().next()), (Some(0), Some("puzzles/merge-intervals")));
    assert!(
        tree.stdout.contains("  #1 propose") && tree.stdout.contains("implement  4/4"),
        "{}",
        tree.stdout
    );
    let number = tree.stdout.lines().find(|line| line.contains("4/4")).unwrap();
    let number = number.trim_start().trim_start_matches('#').split(' ').next().unwrap();
    let node = Ended::of(&mut place.command(&["show", run, "--node", number]));
    for part in ["== prompt, system", "== prompt, user", "== answer", "== program", "def merge_intervals"] {
        assert!(node.stdout.contains(part), "no {part:?}: {}", node.stdout);
    }
    for (arguments, says) in [
        (vec!["show", run, "--node", "9999"], "the run has no node 9999"),
        (vec!["show", "no-such-run"], "there is no run `no-such-run`"),
    ] {
        let refused = Ended::of(&mut place.command(&arguments));
        assert!(refused.code == Some(2) && refused.stderr.contains(says), "{refused:?}");
    }
}
