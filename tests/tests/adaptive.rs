//! The default strategy with the real binary: cheap where the model is good, and no worse for a model that can't revise.

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle};

/// Solves a puzzle with the default strategy: how it ended, and the requests that it took.
fn solved(model: SkilledModel, name: &str, seed: u64) -> (Ended, usize) {
    let (place, server) = (Sandboxed::new(), ModelServer::answering(move |request| model.answer(request)));
    let ended = Ended::of(&mut place.solve(puzzle(name), &server, &["--judge", "--seed", &seed.to_string()]));
    (ended, server.count())
}

#[test]
fn a_good_model_is_believed_after_two_requests() {
    let (ended, requests) = solved(SkilledModel::new(1.0), "roman", 1);
    assert_eq!((ended.code, requests), (Some(0), 2), "{ended:?}");
}

#[test]
fn a_model_that_cannot_revise_solves_by_fresh_programs() {
    let mut requests = Vec::new();
    for (seed, name) in [(1, "roman"), (2, "balanced"), (3, "run-lengths")] {
        let (ended, count) = solved(SkilledModel::stubborn(0.3), name, seed);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        requests.push(count);
    }
    // Found: 4, 5 and 9.
    assert!(requests.iter().max().unwrap() <= &12, "{requests:?}");
}
