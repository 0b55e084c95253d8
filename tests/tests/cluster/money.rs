//! What workers pay for, whatever becomes of them; the limits that they share; and what is seen of them meanwhile.

use std::time::Duration;

use codeagent_tests::binary::{Ended, until};
use codeagent_tests::nats::NatsServers;
use serde_json::json;

use super::{Bed, SLOTS, end, leaves, results, signal};

const PRICE: [&str; 4] = ["--set", "price.scripted.input=1", "--set", "price.scripted.output=2"];

/// One worker leaves in the middle and another finishes what it had begun: each attempt is billed for its own part, and
/// the parts add up to what the answers have cost.
#[test]
fn attempts_that_were_given_back_are_paid_for() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(100));
    let mut coordinator = bed.coordinator(&PRICE);
    let leaving = bed.worker(&[]);
    bed.after(6, &mut coordinator);
    signal(&leaving, "-TERM");
    assert_eq!(Ended::within_patience(leaving).code, Some(143));
    let staying = bed.worker(&[]);
    let ended = Ended::within_patience(coordinator);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    leaves(staying);
    assert_eq!(bed.repeated(), 0);
    bed.all_is_billed();
    let (paid, results) = (bed.paid(), results(&bed.place));
    let tokens = |key: &str| results["tokens"][key].as_u64().unwrap();
    assert_eq!(paid["micro_usd"], json!(tokens("in") + 2 * tokens("out")), "{paid}");
    assert!(paid["attempts"].as_u64() > results["n_samples"].as_u64(), "{paid}");
}

/// What a killed worker had paid for is known but for what it had not told: the last moment, and what was in flight.
#[test]
fn attempts_of_killed_workers_are_paid_for() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(500));
    let mut coordinator = bed.coordinator(&[]);
    let killed = bed.worker(&[]);
    bed.after(3 * SLOTS * SLOTS, &mut coordinator);
    end(killed);
    let before = bed.server.count();
    let staying = bed.worker(&[]);
    bed.ends_as_alone(coordinator);
    leaves(staying);
    let (paid, asked) = (bed.paid()["calls"].as_u64().unwrap() as usize, bed.server.count());
    assert!(
        paid <= asked && paid + 2 * SLOTS * SLOTS >= asked,
        "{paid} of {asked}, {before} when it was killed"
    );
}

/// Two that ask one server take half of what may be asked each, and a part that one of them leaves is the other's.
#[test]
fn limits_are_divided_among_those_who_share_them() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(400));
    let many = ["--slots", "8", "--concurrency", "8"];
    let (coordinator, one, other) = (bed.coordinator(&[]), bed.worker(&many), bed.worker(&many));
    let run = bed.run_id();
    let limits = || -> Vec<u64> {
        let status = bed.queue(&["status", &run, "--json"]).json();
        let workers = status["workers"].as_array().into_iter().flatten();
        workers.map(|worker| worker["in_flight_max"].as_u64().unwrap()).collect()
    };
    until("both have their part", || matches!(limits()[..], [one, other] if one <= 4 && other <= 4));
    bed.ends_as_alone(coordinator);
    leaves(one);
    leaves(other);
    // Each would have had 16 questions at a time. Until the first hears of the second, its part is the whole.
    assert!(bed.server.busiest() <= 12, "{}", bed.server.busiest());
}

/// Whoever looks at the batch sees what workers are at.
#[test]
fn searches_elsewhere_are_seen_while_they_go_on() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(400));
    let (coordinator, worker) = (bed.coordinator(&[]), bed.worker(&[]));
    let _ = bed.run_id();
    let seen = |command: &[&str]| Ended::of(&mut bed.place.command(command)).stdout;
    until("a search is seen", || seen(&["ps", "--json"]).contains("1 worker at "));
    until("it is seen in the folder", || seen(&["watch", "run", "--once"]).contains("1 worker at "));
    bed.ends_as_alone(coordinator);
    leaves(worker);
    assert!(!seen(&["watch", "run", "--once"]).contains("worker"));
}
