//! What workers on other machines are at, as far as they were heard.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use codeagent_benchmarks::batch::Step;

/// A search that is not heard of for so long is taken for one that is over: its end may not have been heard.
const SILENCE: Duration = Duration::from_secs(300);

/// Searches that go on elsewhere.
#[derive(Default)]
pub(super) struct Elsewhere {
    searches: BTreeMap<(String, u32), (Step, Instant)>,
    last: Option<Step>,
}

impl Elsewhere {
    /// Takes in how far a search is.
    pub(super) fn step(&mut self, step: Step, now: Instant) {
        self.searches.retain(|_, (_, heard)| now.duration_since(*heard) < SILENCE);
        let key = (step.task.clone(), step.sample);
        self.last = Some(step.clone());
        if step.ended {
            self.searches.remove(&key);
        } else {
            self.searches.insert(key, (step, now));
        }
    }

    /// Takes in that a sample is finished.
    pub(super) fn finished(&mut self, task: &str, sample: u32) {
        self.searches.remove(&(task.to_owned(), sample));
    }

    /// All of it in one line, if anything goes on.
    pub(super) fn line(&self, now: Instant) -> Option<String> {
        let heard = self.searches.values().filter(|(_, heard)| now.duration_since(*heard) < SILENCE);
        let under_way: Vec<&Step> = heard.map(|(step, _)| step).collect();
        if under_way.is_empty() {
            return None;
        }
        let workers: BTreeSet<&str> = under_way.iter().map(|step| step.worker.as_str()).collect();
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let line = format!("{} at {}", count(workers.len(), "worker"), count(under_way.len(), "sample"));
        Some(match &self.last {
            Some(last) => format!("{line}; {}", told(last)),
            None => line,
        })
    }
}

/// How far one search is.
fn told(step: &Step) -> String {
    let best = step.best.map_or_else(String::new, |(passed, total)| format!(", best {passed}/{total}"));
    let end = if step.ended { ", ended" } else { "" };
    format!("{}, sample {}: {} nodes, {} calls{best}{end}", step.task, step.sample, step.nodes, step.calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(worker: &str, task: &str, calls: u64) -> Step {
        Step { worker: worker.into(), task: task.into(), calls, best: Some((1, 3)), ..Step::default() }
    }

    #[test]
    fn a_line_tells_who_is_at_what() {
        let (mut elsewhere, now) = (Elsewhere::default(), Instant::now());
        assert_eq!(elsewhere.line(now), None);
        elsewhere.step(step("a", "p/1", 2), now);
        elsewhere.step(step("b", "p/2", 1), now);
        elsewhere.step(step("a", "p/1", 3), now);
        let line = elsewhere.line(now).unwrap();
        assert_eq!(line, "2 workers at 2 samples; p/1, sample 0: 0 nodes, 3 calls, best 1/3");
        elsewhere.finished("p/2", 0);
        assert!(elsewhere.line(now).unwrap().starts_with("1 worker at 1 sample;"));
        assert_eq!(elsewhere.line(now + SILENCE), None, "it may have ended unheard");
        elsewhere.step(Step { ended: true, ..step("a", "p/1", 4) }, now);
        assert_eq!(elsewhere.line(now), None);
    }
}
