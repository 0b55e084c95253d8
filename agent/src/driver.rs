//! The driver: the only place that spawns. Keeps trials in flight, tells their results in the order of asking, and
//! holds the budget. Decisions are the policy's; acts are the operators'.
//!
//! A trial starts only when the most that it can spend is free. Where that is not free *yet*, because trials in
//! flight hold it, the driver waits rather than refuses, so that what is tried does not depend on how much is in
//! flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use codeagent_models::ErrorKind;
use codeagent_search::policy::{StopReason, Trial, TrialId, TrialResult};
use codeagent_search::tree::{Change, NodeId};
use codeagent_search::{Budget, Cost, Refusal, Reservation, Search};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::event::EventKind;
use crate::log::Log;
use crate::notebook::{Content, Note, Notebook};
use crate::operators::{self, Carried, Inputs, Ports, TrialError};
use crate::pause::Pause;
use crate::purse::{Purse, Share};
use crate::solution::{Failure, FailureKind, Outcome, Solution, Status};

#[cfg(test)]
mod tests;

/// How long trials in flight may go on once the search is to stop.
const GRACE: Duration = Duration::from_secs(4);

/// One search in progress.
pub(crate) struct Driver {
    pub(crate) ports: Arc<Ports>,
    pub(crate) search: Search,
    pub(crate) budget: Budget,
    pub(crate) purse: Option<Purse>,
    pub(crate) log: Log,
    pub(crate) cancel: CancellationToken,
    pub(crate) pause: Pause,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) in_flight_max: usize,
    pub(crate) notebook: Notebook,
    pub(crate) state: State,
}

/// What the driver keeps between turns.
#[derive(Default)]
pub(crate) struct State {
    waiting: Option<Trial>,
    /// Whether the waiting trial waits for other searches that share the purse.
    waits_for_others: bool,
    /// Whether trials could start but for a pause.
    is_held_up: bool,
    in_flight: BTreeMap<TrialId, (Trial, Held)>,
    done: BTreeMap<TrialId, Carried>,
    stop: Option<StopReason>,
    failure: Option<Failure>,
    best: Option<NodeId>,
    /// What had been spent when the best was found.
    found: Cost,
    cached_tokens: u64,
    unpriced: bool,
    /// Answers that ended cut for repeating themselves.
    repeated: u64,
}

type Finished = (TrialId, Result<Carried, TrialError>);

/// What is held for a trial.
struct Held {
    own: Reservation,
    shared: Option<Share>,
}

/// Whether a trial may start.
enum Grant {
    Now(Box<Held>, u64),
    Wait,
    WaitForOthers,
    Never(StopReason),
}

impl Driver {
    /// Runs the search to its end. Always gives an outcome: faults are part of it.
    pub(crate) async fn drive(mut self) -> Outcome {
        self.run().await;
        self.finish().await
    }

    async fn run(&mut self) {
        let mut tasks: JoinSet<Finished> = JoinSet::new();
        let mut give_up: Option<Instant> = None;
        let mut freed = self.purse.as_ref().map(Purse::watch);
        let pause = self.pause.clone();
        let time_over = sleep(&pause, self.time_limit);
        tokio::pin!(time_over);
        loop {
            self.start_trials(&mut tasks);
            let waits = self.state.waits_for_others || self.state.is_held_up;
            if tasks.is_empty() && (!waits || self.is_stopping()) {
                break;
            }
            if self.is_stopping() && give_up.is_none() {
                give_up = Some(Instant::now() + GRACE);
            }
            tokio::select! {
                biased;
                Some(joined) = tasks.join_next() => match joined {
                    Ok((id, Ok(carried))) => { self.state.done.insert(id, carried); }
                    Ok((_, Err(error))) => self.fail(&error),
                    Err(panic) => self.fail_with(FailureKind::Internal, panic.to_string()),
                },
                Ok(()) = changed(&mut freed), if self.state.waits_for_others => {}
                () = pause.over(), if self.state.is_held_up && !self.is_stopping() => {}
                () = at(give_up), if give_up.is_some() => break,
                () = &mut time_over, if !self.is_stopping() => {
                    self.state.stop = Some(StopReason::Time);
                }
                () = self.cancel.cancelled(), if !self.is_stopping() => {
                    self.state.stop = Some(StopReason::Cancelled);
                }
            }
            self.tell_ready().await;
        }
        tasks.shutdown().await;
    }

    const fn is_stopping(&self) -> bool {
        self.state.stop.is_some() || self.state.failure.is_some()
    }

    fn start_trials(&mut self, tasks: &mut JoinSet<Finished>) {
        self.state.is_held_up = self.pause.is_paused();
        while !self.state.is_held_up && !self.is_stopping() && self.state.in_flight.len() < self.in_flight_max
        {
            if let Some(reason) = self.search.stop_reason() {
                self.state.stop = Some(reason);
                return;
            }
            let Some(trial) = self.state.waiting.take().or_else(|| self.search.ask(1).pop()) else { return };
            let trial = self.narrowed(trial);
            let grant = self.grant(&trial);
            self.state.waits_for_others = matches!(grant, Grant::WaitForOthers);
            match grant {
                Grant::Now(held, calls) => self.start(tasks, trial, *held, calls),
                Grant::Wait | Grant::WaitForOthers => {
                    self.state.waiting = Some(trial);
                    return;
                }
                Grant::Never(reason) => self.state.stop = Some(reason),
            }
        }
    }

    /// The trial for as many programs as are left, where it is for several and nothing in flight may give some back.
    fn narrowed(&self, trial: Trial) -> Trial {
        if !self.state.in_flight.is_empty() {
            return trial;
        }
        let left = usize::try_from(self.budget.remaining_generations()).unwrap_or(usize::MAX);
        Trial { operator: trial.operator.narrowed(left.max(1)), ..trial }
    }

    /// Reserves what the trial can spend at most; alone in flight, what is left must do, if it buys the one call and
    /// the programs that the trial is for.
    fn grant(&mut self, trial: &Trial) -> Grant {
        let worst = operators::worst_case(trial, &self.ports);
        if let Ok(own) = self.budget.reserve(worst) {
            return self.grant_of_purse(own, worst.calls);
        }
        if !self.state.in_flight.is_empty() {
            return Grant::Wait;
        }
        let calls = self.budget.remaining_calls().min(worst.calls);
        let least = Cost { calls, ..worst };
        if calls == 0 && worst.calls > 0 {
            return Grant::Never(StopReason::Budget);
        }
        match self.budget.reserve(least) {
            Ok(own) => self.grant_of_purse(own, calls),
            Err(_) => Grant::Never(StopReason::Budget),
        }
    }

    /// Whether the searches that share a purse leave room for what is reserved of the own budget.
    fn grant_of_purse(&self, own: Reservation, calls: u64) -> Grant {
        let refused = match self.purse.as_ref().map(|purse| purse.hold(own.held())) {
            None => return Grant::Now(Box::new(Held { own, shared: None }), calls),
            Some(Ok(share)) => return Grant::Now(Box::new(Held { own, shared: Some(share) }), calls),
            Some(Err(refused)) => refused,
        };
        self.budget.settle(own, Cost::default());
        match refused {
            Refusal::Later { .. } => Grant::WaitForOthers,
            Refusal::Exhausted { .. } => Grant::Never(StopReason::RunBudget),
        }
    }

    fn start(&mut self, tasks: &mut JoinSet<Finished>, trial: Trial, held: Held, calls: u64) {
        let inputs = Inputs::gather(&trial, self.search.tree(), &self.notebook);
        let ports = Arc::clone(&self.ports);
        let asked = trial.clone();
        let carrying = async move {
            let carried = operators::carry_out(&ports, &asked, &inputs, calls).await;
            (asked.id, carried)
        };
        tasks.spawn(carrying.in_current_span());
        self.state.in_flight.insert(trial.id, (trial, held));
    }

    /// Tells every finished trial before which none is unfinished.
    async fn tell_ready(&mut self) {
        while let Some(entry) = self.state.in_flight.first_entry() {
            let Some(carried) = self.state.done.remove(entry.key()) else { return };
            let (trial, held) = entry.remove();
            self.budget.settle(held.own, carried.cost);
            if let Some(share) = held.shared {
                share.settle(carried.cost);
            }
            self.state.cached_tokens += carried.cached_tokens;
            self.state.unpriced |= !carried.priced;
            self.state.repeated += carried.repeated;
            if let Err(error) = self.tell(&trial, carried).await {
                self.fail(&error);
                return;
            }
        }
    }

    async fn tell(&mut self, trial: &Trial, carried: Carried) -> Result<(), TrialError> {
        let mut events: Vec<_> = carried.events.into_iter().map(|kind| (Some(trial.node), kind)).collect();
        let made = matches!(
            carried.result,
            TrialResult::Made { .. } | TrialResult::Composed { .. } | TrialResult::Planned { .. }
        );
        let ran = matches!(carried.result, TrialResult::Ran { .. });
        let told = self.search.tell_at_cost(trial.id, carried.result, carried.cost);
        if ran {
            for note in carried.notes {
                events.push((Some(trial.node), EventKind::NodeFeedback { feedback: feedback(&note) }));
                self.notebook.update(trial.node, note);
            }
        } else if made {
            for (node, note) in told.nodes.into_iter().zip(carried.notes) {
                events.push((Some(node), content(&note)));
                self.notebook.add(note);
            }
        } else {
            for note in carried.notes {
                events.push((Some(trial.node), content(&note)));
                self.notebook.amend(trial.node, note);
            }
        }
        for change in told.changes {
            if let Change::Reverted { node } = change {
                self.notebook.revert(node);
            }
            let summary = |node| self.notebook.note(node).map(|note| note.summary()).unwrap_or_default();
            events.push(EventKind::of_change(change, summary));
        }
        events.extend(self.news());
        Ok(self.log.record(events).await?)
    }

    /// The budget, and the best candidate where it changed.
    fn news(&mut self) -> Vec<(Option<NodeId>, EventKind)> {
        let spent = self.budget.spent();
        let mut news = vec![(
            None,
            EventKind::Budget {
                calls: spent.calls,
                generations: spent.generations,
                tokens: spent.input_tokens + spent.output_tokens,
                micro_usd: spent.micro_usd,
            },
        )];
        let best = self.search.best();
        if best != self.state.best {
            self.state.best = best;
            self.state.found = spent;
            if let Some(attempt) = best.and_then(|node| self.search.tree().node(node)?.attempt.as_ref()) {
                news.push((best, EventKind::CandidateBest { passed: attempt.passed, total: attempt.total }));
            }
        }
        news
    }

    fn fail(&mut self, error: &TrialError) {
        let kind = match error {
            TrialError::Model(error) => match error.kind() {
                ErrorKind::NotRecorded => FailureKind::NotRecorded,
                ErrorKind::Refused => FailureKind::Refused,
                ErrorKind::Storage => FailureKind::Store,
                _ => FailureKind::Provider,
            },
            TrialError::Sandbox(_) => FailureKind::Sandbox,
            TrialError::Store(_) => FailureKind::Store,
            TrialError::Prompt(_) | TrialError::Scorer(_) => FailureKind::Internal,
        };
        self.fail_with(kind, with_causes(error));
    }

    fn fail_with(&mut self, kind: FailureKind, message: String) {
        self.state.failure.get_or_insert(Failure { kind, message });
    }

    async fn finish(mut self) -> Outcome {
        let best = self.search.best();
        let attempt = best.and_then(|node| self.search.tree().node(node)?.attempt.clone());
        let program = best.and_then(|node| Some((node, self.notebook.program(node)?.source.clone())));
        let (passed, total) = attempt.as_ref().map_or((0, self.visible()), |it| (it.passed, it.total));
        let solved = attempt.is_some_and(|it| it.parses && it.passed == it.total);
        let status = match (&self.state.failure, self.state.stop) {
            (Some(_), _) => Status::Error,
            (None, _) if solved => Status::Solved,
            (None, Some(StopReason::Accepted | StopReason::Exhausted) | None) => Status::Unsolved,
            (None, Some(_)) => Status::Capped,
        };
        let stop_reason = if self.state.failure.is_some() { None } else { self.state.stop };
        // A search that was cut short is not finished: the same command goes on from here.
        if matches!(stop_reason, Some(StopReason::Accepted | StopReason::Exhausted)) {
            let finished = vec![(best, EventKind::TaskFinished { status, stop_reason })];
            if let Err(error) = self.log.record(finished).await {
                self.fail_with(FailureKind::Store, with_causes(&error));
            }
        }
        if let Err(error) = self.log.settle().await {
            self.fail_with(FailureKind::Store, with_causes(&error));
        }
        Outcome {
            status: if self.state.failure.is_some() { Status::Error } else { status },
            stop_reason,
            solution: program.map(|(node, program)| Solution { node, program }),
            passed,
            total,
            nodes: u32::try_from(self.search.tree().len()).unwrap_or(u32::MAX),
            cost: self.budget.spent(),
            found: self.state.found,
            cached_tokens: self.state.cached_tokens,
            priced: !self.state.unpriced,
            repeated: self.state.repeated,
            failure: self.state.failure,
        }
    }

    fn visible(&self) -> u32 {
        u32::try_from(self.ports.problem.visible.len()).unwrap_or(u32::MAX)
    }
}

async fn changed(freed: &mut Option<watch::Receiver<()>>) -> Result<(), watch::error::RecvError> {
    match freed {
        Some(freed) => freed.changed().await,
        None => std::future::pending().await,
    }
}

async fn sleep(pause: &Pause, time: Option<Duration>) {
    match time {
        Some(time) => pause.sleep(time).await,
        None => std::future::pending().await,
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn content(note: &Note) -> EventKind {
    let (text, program, feedback) = match &note.content {
        Content::Remark(remark) => {
            return EventKind::NodeReviewed {
                author: remark.author.clone(),
                text: remark.text.clone(),
                prompt: note.prompt.clone(),
                answer: note.answer.clone(),
            };
        }
        Content::Problem => (None, None, None),
        Content::Thought(text) | Content::Plan(text) | Content::Reflection(text) => {
            (Some(text.clone()), None, None)
        }
        Content::Exemplar(exemplar) => (Some(exemplar.similar.problem.clone()), None, None),
        // The answer holds them.
        Content::Inputs(_) => (None, None, None),
        Content::Tests(cases) => {
            let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
            (Some(names.join("\n")), None, None)
        }
        Content::Program(candidate) => (None, Some(candidate.source.clone()), feedback(note)),
        Content::Function(written) => {
            let source = Some(written.source.clone()).filter(|source| !source.is_empty());
            (Some(written.as_stub()), source, written.trouble.clone())
        }
    };
    EventKind::NodeContent {
        prompt: note.prompt.clone(),
        answer: note.answer.clone(),
        text,
        program,
        feedback,
        failed: note.candidate().map(|it| crate::feedback::failed_visible(&it.report)).unwrap_or_default(),
    }
}

fn feedback(note: &Note) -> Option<String> {
    let Content::Program(candidate) = &note.content else { return None };
    candidate.feedback.as_ref().map(|text| text.as_str().to_owned())
}

/// An error's message with those of its causes.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
