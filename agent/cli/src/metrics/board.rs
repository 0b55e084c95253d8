//! What a process that draws samples shows of itself.

use std::sync::{Arc, Mutex, PoisonError};

use codeagent::Purse;
use codeagent::models::{Meter, Provider, Totals};
use codeagent::sandbox::Sandbox;
use codeagent_benchmarks::batch::{Activity, Moment};

use super::calls::{Calls, Counted};
use super::histogram::Histogram;
use super::page::Page;
use super::programs::Timed;

/// The numbers of a process. Clones are the same board.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    calls: Arc<Calls>,
    programs: Arc<Histogram>,
    runs: Mutex<Vec<(Arc<Meter>, Activity)>>,
    batch: Mutex<Option<(Purse, Standing)>>,
}

/// How many samples of a batch came to what, those of before included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// All that are wanted.
    pub total: usize,
    /// Those whose programs pass.
    pub passed: usize,
    /// Those with a known result.
    pub done: usize,
    /// Those that ended in errors of ours.
    pub errors: usize,
}

impl Standing {
    /// Samples that have no result.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.total.saturating_sub(self.done)
    }
}

impl Board {
    /// Counts from now on what goes through a model and a sandbox.
    pub fn count(&self, provider: &mut Arc<dyn Provider>, sandbox: &mut Arc<dyn Sandbox>) {
        *provider = Arc::new(Counted::new(Arc::clone(provider), Arc::clone(&self.0.calls)));
        *sandbox = Arc::new(Timed::new(Arc::clone(sandbox), Arc::clone(&self.0.programs)));
    }

    /// Adds what a run counts.
    pub fn add_run(&self, meter: Arc<Meter>, activity: Activity) {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner).push((meter, activity));
    }

    /// Says how the batch stands that this process answers for, and what it spent.
    pub fn set_batch(&self, purse: &Purse, standing: Standing) {
        *self.0.batch.lock().unwrap_or_else(PoisonError::into_inner) = Some((purse.clone(), standing));
    }

    /// The page.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page::default();
        let batch = self.0.batch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, standing)) = &batch {
            samples(&mut page, standing);
        }
        self.at_hand(&mut page, batch.is_some());
        let (input, output) = match &batch {
            Some((purse, _)) => (purse.spent().input_tokens, purse.spent().output_tokens),
            None => self.0.calls.tokens(),
        };
        page.by_label(
            (
                "codeagent_tokens_total",
                "counter",
                "Tokens of prompts (in) and answers (out), by all samples.",
            ),
            "direction",
            [("in", input), ("out", output)],
        );
        if let Some((purse, _)) = &batch {
            money(&mut page, purse);
        }
        self.0.calls.show(&mut page);
        self.0.programs.show(
            &mut page,
            "codeagent_sandbox_seconds",
            "Time of each contained program, from its start to its end.",
        );
        page.text()
    }

    fn at_hand(&self, page: &mut Page, is_batch: bool) {
        let runs = self.0.runs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sum = |of: fn(&Totals) -> u64| runs.iter().map(|(meter, _)| of(&meter.totals())).sum::<u64>();
        let moment = runs.iter().map(|(_, activity)| activity.now()).fold(Moment::default(), together);
        let mut number = |name, kind, help, value: u64| page.number(name, kind, help, value);
        if is_batch {
            number("codeagent_queue_depth", "gauge", "Samples that wait to be drawn.", moment.queued as u64);
            number("codeagent_workers", "gauge", "Workers that were heard of lately.", moment.workers as u64);
            number(
                "codeagent_worker_slots",
                "gauge",
                "Samples that they can draw at a time.",
                moment.slots as u64,
            );
        }
        number(
            "codeagent_samples_under_way",
            "gauge",
            "Samples that this process draws or judges right now.",
            moment.under_way as u64,
        );
        number(
            "codeagent_samples_ended_total",
            "counter",
            "Samples that this process was at and is no more, however they ended.",
            moment.ended as u64,
        );
        number(
            "codeagent_model_calls_total",
            "counter",
            "Requests that the reply cache could not answer.",
            sum(|totals| totals.calls),
        );
        number(
            "codeagent_cache_hits_total",
            "counter",
            "Requests that the reply cache answered.",
            sum(|totals| totals.cache_hits),
        );
    }
}

fn samples(page: &mut Page, standing: &Standing) {
    let failed = standing.done.saturating_sub(standing.passed);
    page.by_label(
        (
            "codeagent_samples",
            "gauge",
            "Samples of the batch by what came of them; the same command draws errors again.",
        ),
        "state",
        [
            ("solved", standing.passed),
            ("failed", failed),
            ("error", standing.errors),
            ("left", standing.left().saturating_sub(standing.errors)),
        ],
    );
}

fn money(page: &mut Page, purse: &Purse) {
    page.number(
        "codeagent_cost_micro_usd_total",
        "counter",
        "Cost of all samples in millionths of a US dollar, as far as prices are known.",
        purse.spent().micro_usd,
    );
}

fn together(one: Moment, other: Moment) -> Moment {
    Moment {
        queued: one.queued + other.queued,
        under_way: one.under_way + other.under_way,
        ended: one.ended + other.ended,
        workers: one.workers + other.workers,
        slots: one.slots + other.slots,
    }
}
