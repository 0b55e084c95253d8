//! How the time of a batch whose model is slow goes down with the number of workers.

use std::time::{Duration, Instant};

use codeagent_tests::binary::{Ended, until};
use codeagent_tests::nats::NatsServers;

use super::{Bed, leaves};

/// What each answer takes: so long that one machine has time for many searches.
const LATENCY: Duration = Duration::from_secs(2);

/// Samples of each of the six puzzles.
const SAMPLES: &str = "32";

/// Seconds from the first question to the end of the batch, with so many workers of four searches at a time.
fn seconds(workers: usize) -> Option<f64> {
    let bed = Bed::new(NatsServers::single()?, LATENCY);
    let coordinator = bed.coordinator(&["-n", SAMPLES, "--lease", "30s"]);
    let run = bed.run_id();
    until("it waits for workers", || bed.queue(&["status", &run]).stdout.contains("running"));
    let each = ["--slots", "4", "--concurrency", "256"];
    let workers: Vec<_> = (0..workers).map(|_| bed.worker(&each)).collect();
    until("the model is asked", || bed.server.count() > 0);
    let started = Instant::now();
    let ended = Ended::from(coordinator.wait_with_output().unwrap());
    let took = started.elapsed().as_secs_f64();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    workers.into_iter().for_each(leaves);
    eprintln!("  {} calls, at most {} in flight", bed.server.count(), bed.server.busiest());
    Some(took)
}

#[test]
#[ignore = "a measurement: takes minutes, and says something only where nothing else runs"]
fn how_a_batch_scales() {
    let mut alone = None;
    for workers in [1, 2, 4, 8] {
        let Some(took) = seconds(workers) else { return };
        let alone = *alone.get_or_insert(took);
        eprintln!("{workers} workers: {took:.1} s, {:.2} times as fast as one", alone / took);
    }
}
