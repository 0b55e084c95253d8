//! Recorded answers give the same search again; what was not recorded is an error that says so.

use codeagent_tests::binary::{Ended, STRATEGIES, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle};

fn server() -> ModelServer {
    let model = SkilledModel::new(0.3);
    ModelServer::answering(move |request| model.answer(request))
}

#[test]
fn a_recording_gives_the_same_program_and_the_same_events() {
    let (place, server) = (Sandboxed::new(), server());
    for strategy in STRATEGIES {
        let search = ["--strategy", strategy, "--seed", "5"];
        let live = ["--record", "tape.jsonl", "--run-dir", strategy];
        let recorded = Ended::of(place.solve(puzzle("roman"), &server, &search).args(live));
        let asked = server.count();
        // The recordings of several searches can share a file.
        let again = format!("{strategy}-again");
        let mut replay = place.command(&["solve", "--json", "--replay", "tape.jsonl", "--run-dir", &again]);
        let replayed = Ended::of(replay.arg(puzzle("roman")).args(search));
        assert_eq!((replayed.code, replayed.result()), (recorded.code, recorded.result()), "{strategy}");
        assert_eq!(place.events(&again), place.events(strategy), "{strategy}");
        assert_eq!(server.count(), asked, "{strategy}: a replay asks no server");
    }
}

#[test]
fn what_was_not_recorded_ends_with_3_and_the_nearest_request() {
    let (place, server) = (Sandboxed::new(), server());
    let recorded = Ended::of(&mut place.solve(puzzle("roman"), &server, &["--record", "tape.jsonl"]));
    assert!(matches!(recorded.code, Some(0 | 1)), "{recorded:?}");
    for (seed, problem, says) in [("99", "roman", "seed"), ("0", "balanced", "no answer to this request")] {
        let mut replay = place.command(&["solve", "--replay", "tape.jsonl", "--seed", seed]);
        let ended = Ended::of(replay.arg(puzzle(problem)));
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains(says) && ended.stderr.contains("tape.jsonl"), "{ended:?}");
    }
    let absent = Ended::of(place.command(&["solve", "--replay", "absent.jsonl"]).arg(puzzle("roman")));
    assert!(absent.code == Some(3) && absent.stderr.contains("absent.jsonl"), "{absent:?}");
}

#[test]
fn stored_answers_alone_reproduce_a_run_and_nothing_else() {
    let (place, server) = (Sandboxed::new(), server());
    let missing = Ended::of(&mut place.solve(puzzle("roman"), &server, &["--cache-only"]));
    assert_eq!((missing.code, server.count()), (Some(3), 0), "{missing:?}");
    assert!(missing.stderr.contains("no stored answer"), "{missing:?}");

    let few = Ended::of(&mut place.solve(puzzle("roman"), &server, &["--set", "budget.calls=2"]));
    let asked = server.count();
    let same =
        Ended::of(&mut place.solve(puzzle("roman"), &server, &["--set", "budget.calls=2", "--cache-only"]));
    assert_eq!((same.code, same.result(), server.count()), (few.code, few.result(), asked));
    let more = Ended::of(&mut place.solve(puzzle("roman"), &server, &["--cache-only"]));
    assert_eq!((more.code, server.count()), (Some(3), asked), "{more:?}");
    assert!(more.json()["program"].is_string(), "the best so far is given: {more:?}");
}
