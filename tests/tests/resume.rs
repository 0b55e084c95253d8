//! Killed anywhere and started again: the same result, and no stored answer asked for again.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::process::Child;
use std::time::{Duration, Instant};

use codeagent_tests::binary::{Ended, Sandboxed, until};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const LATENCY: Duration = Duration::from_millis(5);

fn server() -> ModelServer {
    let model = SkilledModel::new(0.1);
    ModelServer::start(Box::new(move |request| model.answer(request)), Box::new(|_| None), LATENCY)
}

/// A search that is killed again and again.
struct Killed<'a> {
    strategy: &'a str,
    jobs: &'a str,
    seed: String,
    place: Sandboxed,
    server: ModelServer,
}

impl<'a> Killed<'a> {
    fn new(strategy: &'a str, jobs: &'a str, seed: u64) -> Self {
        Self { strategy, jobs, seed: seed.to_string(), place: Sandboxed::new(), server: server() }
    }

    fn start(&self) -> Child {
        let more = ["--strategy", self.strategy, "--seed", &self.seed, "-j", self.jobs, "--run-dir", "run"];
        self.place.solve(puzzle("run-lengths"), &self.server, &more).spawn().unwrap()
    }

    /// Lets it run to its end.
    fn finish(&self) -> Ended {
        self.start().wait_with_output().unwrap().into()
    }

    /// Starts it and kills it at a random moment. Gives its end where it ended before that.
    fn kill(&self, dice: &mut ChaCha8Rng) -> Option<Ended> {
        let requests = self.server.count() + dice.random_range(0..6);
        let delay = Duration::from_micros(dice.random_range(0..30_000));
        let after_start = dice.random_bool(0.3);
        let (mut child, mut counted) = (self.start(), after_start.then(Instant::now));
        until("the search is killed", || {
            if counted.is_none() && self.server.count() >= requests {
                counted = Some(Instant::now());
            }
            counted.is_some_and(|since| since.elapsed() >= delay) || child.try_wait().unwrap().is_some()
        });
        if child.try_wait().unwrap().is_some() {
            return Some(child.wait_with_output().unwrap().into());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        None
    }
}

/// Kills searches of a strategy until there were `kills`, and compares each with one that was left alone.
fn survives(strategy: &str, jobs: &str, kills: usize) {
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let mut left = kills;
    for seed in 0.. {
        let whole = Killed::new(strategy, jobs, seed);
        let expected = whole.finish();
        let killed = Killed::new(strategy, jobs, seed);
        let mut here = 0;
        let mut end = None;
        while end.is_none() && here < left {
            end = killed.kill(&mut dice);
            here += usize::from(end.is_none());
        }
        let end = end.unwrap_or_else(|| killed.finish());
        assert_eq!((end.code, end.result()), (expected.code, expected.result()), "{strategy}, seed {seed}");
        assert_eq!(killed.place.events("run"), whole.place.events("run"), "{strategy}, seed {seed}");
        assert_paid_once(&killed.server.requests(), here, jobs.parse().unwrap());
        assert_finished(&killed, &end);
        left -= here;
        if left == 0 {
            return;
        }
    }
}

/// At most what was in flight at a kill is asked for again.
fn assert_paid_once(requests: &[Value], kills: usize, in_flight: usize) {
    let distinct: BTreeSet<String> = requests.iter().map(Value::to_string).collect();
    let again = requests.len() - distinct.len();
    assert!(again <= kills * in_flight, "{again} requests were paid again after {kills} kills");
    if in_flight == 1 {
        // One after the other: only the last request before a kill can come again, and it comes next.
        let mut course = requests.to_vec();
        course.dedup();
        assert_eq!(course.len(), distinct.len(), "an answer that had been used was asked for again");
    }
}

/// A finished run answers from its store.
fn assert_finished(killed: &Killed<'_>, end: &Ended) {
    let asked = killed.server.count();
    let again = killed.finish();
    assert_eq!((again.code, again.result(), killed.server.count()), (end.code, end.result(), asked));
}

#[test]
fn rel_d1_rethink_mcts_survives_kills() {
    survives("rethink-mcts", "1", 40);
}

#[test]
fn rel_d1_reflexion_survives_kills() {
    survives("reflexion", "1", 20);
}

#[test]
fn rel_d1_resample_survives_kills() {
    survives("resample", "2", 20);
}

#[test]
fn rel_d1_codechain_survives_kills() {
    survives("codechain", "1", 20);
}
