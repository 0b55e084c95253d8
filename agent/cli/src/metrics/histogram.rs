//! Counts durations by how long they are.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::page::Page;

/// Upper bounds of the buckets, in seconds: from a warm start of the sandbox to an answer of a slow model.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// A histogram of durations.
#[derive(Debug, Default)]
pub struct Histogram(Mutex<Buckets>);

#[derive(Debug, Clone, Default)]
struct Buckets {
    /// For each bound, how many were longer than the one before and not longer than it.
    counts: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = BOUNDS.iter().position(|bound| seconds <= *bound);
        if let Some(count) = place.and_then(|place| buckets.counts.get_mut(place)) {
            *count += 1;
        }
        buckets.count += 1;
        buckets.sum += seconds;
    }

    /// Shows it under a name, which ends with its unit.
    pub fn show(&self, page: &mut Page, name: &str, help: &str) {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        page.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(buckets.counts) {
            below += count;
            page.sample(&bucket, &[("le", &bound.to_string())], below);
        }
        page.sample(&bucket, &[("le", "+Inf")], buckets.count);
        page.sample(&format!("{name}_sum"), &[], buckets.sum);
        page.sample(&format!("{name}_count"), &[], buckets.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_all_that_are_not_longer() {
        let histogram = Histogram::default();
        for milliseconds in [5, 6, 100, 400_000] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let mut page = Page::default();
        histogram.show(&mut page, "t_seconds", "Times.");
        let text = page.text();
        for line in [
            "# TYPE t_seconds histogram",
            "t_seconds_bucket{le=\"0.005\"} 1",
            "t_seconds_bucket{le=\"0.01\"} 2",
            "t_seconds_bucket{le=\"0.1\"} 3",
            "t_seconds_bucket{le=\"300\"} 3",
            "t_seconds_bucket{le=\"+Inf\"} 4",
            "t_seconds_sum 400.111",
            "t_seconds_count 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
