//! One run of an agent on one problem: its identity, its events, its outcome.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use codeagent_models::{Embedder, Provider};
use codeagent_search::{Budget, Search};
use codeagent_store::{Begun, NewRun, Store, StoreError};
use futures_core::Stream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug_span};

use crate::bill::{Asked, Bill, Paid, RUNNING, left_as};
use crate::builder::{Agent, Parts};
use crate::driver::{Driver, State, with_causes};
use crate::event::{Event, EventKind};
use crate::examiner::Examiner;
use crate::learned::Appraiser;
use crate::log::Log;
use crate::notebook::Notebook;
use crate::operators::{Ports, RoundModules, TrialError};
use crate::problem::Problem;
use crate::solution::{Failure, FailureKind, Outcome, Status};
use crate::task;

/// Events that a listener may fall behind before it misses some.
const BACKLOG: usize = 4096;

/// What identifies a run: the canonical spec and its hash.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSpec {
    /// Everything that the run's result depends on, but the budget.
    pub spec: Value,
    /// BLAKE3 of the canonical spec, in hexadecimal.
    pub fingerprint: String,
}

impl RunSpec {
    pub(crate) fn of(parts: &Parts, problem: &Problem) -> Self {
        let mut spec = spec_of(parts);
        if let Some(fields) = spec.as_object_mut() {
            fields.insert("problem".to_owned(), json!(problem));
        }
        let fingerprint = blake3::hash(spec.to_string().as_bytes()).to_hex().to_string();
        Self { spec, fingerprint }
    }

    /// The run's id: the start of the fingerprint.
    #[must_use]
    pub fn run_id(&self) -> &str {
        self.fingerprint.get(..16).unwrap_or(&self.fingerprint)
    }
}

/// What identifies the runs of an agent, but for the problem.
pub(crate) fn spec_of(parts: &Parts) -> Value {
    let capabilities = parts.sandbox.capabilities();
    let mut spec = json!({
        "v": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "strategy": parts.strategy.name(),
        "settings": parts.strategy.settings(),
        "model": parts.provider.model(),
        "sampling": parts.sampling,
        "sandbox": { "backend": capabilities.backend, "level": capabilities.level },
        "limits": parts.limits,
        "seed": parts.seed,
    });
    if let Some(fields) = spec.as_object_mut() {
        if let Some(protocol) = &parts.protocol {
            fields.insert("protocol".to_owned(), json!(protocol));
        }
        if let Some(rule) = &parts.repetition {
            fields.insert("repetition".to_owned(), json!(rule));
        }
        if let Some(scorer) = &parts.scorer {
            let scorer = json!({ "kind": scorer.kind(), "fingerprint": scorer.fingerprint() });
            fields.insert("scorer".to_owned(), scorer);
        }
        if let Some(embedder) = parts.compared_by() {
            fields.insert("embedding".to_owned(), json!(embedder.model()));
        }
        if let Some(sample) = parts.sample {
            fields.insert("sample".to_owned(), json!(sample));
        }
    }
    spec
}

/// A search in progress: a stream of events with an outcome at the end.
///
/// Starts when first polled. Events need not be drained. Dropping it cancels the search and kills what runs.
pub struct Run {
    agent: Agent,
    problem: Option<Problem>,
    handle: RunHandle,
    tasks: JoinSet<Outcome>,
    sender: Option<mpsc::Sender<Event>>,
    events: mpsc::Receiver<Event>,
}

/// Stops a [`Run`] from elsewhere, and says what it has paid for.
#[derive(Debug, Clone)]
pub struct RunHandle {
    cancel: CancellationToken,
    bill: Bill,
}

impl RunHandle {
    pub(crate) fn of(parts: &Parts) -> Self {
        let bill = Bill::new(parts.prices.price(parts.provider.model()));
        Self { cancel: CancellationToken::new(), bill }
    }

    /// Asks the search to stop: no new trials, a few seconds for those in flight, then the best so far.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// What the model was paid for so far. Answers from the reply cache were paid for before.
    #[must_use]
    pub fn paid(&self) -> Paid {
        self.bill.paid()
    }
}

impl Run {
    pub(crate) fn new(agent: Agent, problem: Problem) -> Self {
        let (sender, events) = mpsc::channel(BACKLOG);
        let handle = RunHandle::of(&agent.parts);
        Self { agent, problem: Some(problem), handle, tasks: JoinSet::new(), sender: Some(sender), events }
    }

    /// A handle that stops the run.
    #[must_use]
    pub fn handle(&self) -> RunHandle {
        self.handle.clone()
    }

    /// The next event; `None` when the search is over.
    pub async fn next(&mut self) -> Option<Event> {
        self.start();
        self.events.recv().await
    }

    /// Waits for the end.
    pub async fn outcome(mut self) -> Outcome {
        self.start();
        self.events.close();
        match self.tasks.join_next().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => failed(FailureKind::Internal, panic.to_string()),
            None => failed(FailureKind::Internal, "the search did not start".to_owned()),
        }
    }

    fn start(&mut self) {
        if let (Some(problem), Some(sender)) = (self.problem.take(), self.sender.take()) {
            let span = span(&self.agent.parts, &problem);
            let search = search(Arc::clone(&self.agent.parts), problem, sender, self.handle.clone());
            self.tasks.spawn(traced(search).instrument(span));
        }
    }
}

impl Stream for Run {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.start();
        self.events.poll_recv(context)
    }
}

/// The span of a run, to which [`traced`] adds what came of it.
fn span(parts: &Parts, problem: &Problem) -> Span {
    debug_span!(
        target: "telemetry",
        "search",
        run = %RunSpec::of(parts, problem).run_id(),
        problem = problem.id.as_str(),
        sample = parts.sample.unwrap_or(0),
        strategy = parts.strategy.name(),
        model = parts.provider.model(),
        seed = parts.seed,
        status = Empty,
        passed = Empty,
        total = Empty,
        nodes = Empty,
        calls = Empty,
        tokens_in = Empty,
        tokens_out = Empty,
        tokens_cached = Empty,
        micro_usd = Empty,
        failed = Empty,
    )
}

async fn traced(search: impl Future<Output = Outcome>) -> Outcome {
    let outcome = search.await;
    let span = Span::current();
    span.record("status", left_as(&outcome)).record("passed", outcome.passed).record("total", outcome.total);
    span.record("nodes", outcome.nodes).record("calls", outcome.cost.calls);
    span.record("tokens_in", outcome.cost.input_tokens).record("tokens_out", outcome.cost.output_tokens);
    span.record("tokens_cached", outcome.cached_tokens);
    if outcome.priced {
        span.record("micro_usd", outcome.cost.micro_usd);
    }
    if let Some(failure) = &outcome.failure {
        span.record("failed", failure.kind.name());
    }
    outcome
}

async fn search(
    parts: Arc<Parts>,
    problem: Problem,
    listener: mpsc::Sender<Event>,
    handle: RunHandle,
) -> Outcome {
    match begin(&parts, problem, listener, &handle).await {
        Ok(Beginning::Finished(outcome)) => *outcome,
        Ok(Beginning::Driver(driver, run_id)) => {
            let outcome = driver.drive().await;
            close(&parts, &run_id, outcome, &handle.bill).await
        }
        Err(error) => failed(FailureKind::Store, with_causes(&error)),
    }
}

pub(crate) enum Beginning {
    Finished(Box<Outcome>),
    Driver(Box<Driver>, String),
}

pub(crate) async fn begin(
    parts: &Arc<Parts>,
    problem: Problem,
    listener: mpsc::Sender<Event>,
    handle: &RunHandle,
) -> Result<Beginning, TrialError> {
    let identity = RunSpec::of(parts, &problem);
    let run_id = identity.run_id().to_owned();
    if let Some(store) = &parts.store {
        let new =
            NewRun { id: run_id.clone(), fingerprint: identity.fingerprint, spec: identity.spec.to_string() };
        match store.begin_run(&new).await? {
            Begun::New => {}
            Begun::Continues(_) => store.set_run_status(&run_id, RUNNING).await?,
            Begun::Finished(run) => {
                let outcome = run.result.as_deref().and_then(|result| serde_json::from_str(result).ok());
                if let Some(outcome) = outcome {
                    tell_again(store, &run.id, &listener).await?;
                    return Ok(Beginning::Finished(Box::new(outcome)));
                }
            }
        }
        handle.bill.enter(store, &run_id).await?;
    }
    let mut log = Log::open(
        run_id.clone(),
        problem.id.clone(),
        parts.sample.unwrap_or(0),
        parts.store.clone(),
        listener,
    )
    .await?;
    let started = EventKind::TaskStarted {
        strategy: parts.strategy.name().to_owned(),
        model: parts.provider.model().to_owned(),
        seed: parts.seed,
        visible_tests: u32::try_from(problem.visible.len()).unwrap_or(u32::MAX),
    };
    log.record(vec![(None, started)]).await?;
    let driver = Driver {
        search: Search::new(parts.strategy.policy(), parts.seed),
        budget: Budget::new(parts.budget),
        purse: parts.purse.clone(),
        ports: Arc::new(ports(parts, problem, &handle.bill)),
        log,
        cancel: handle.cancel.clone(),
        pause: parts.pause.clone(),
        time_limit: parts.time_limit,
        in_flight_max: parts.in_flight,
        notebook: Notebook::new(),
        state: State::default(),
    };
    Ok(Beginning::Driver(Box::new(driver), run_id))
}

/// The events of a finished run, for who asks for the run again.
async fn tell_again(store: &Store, run: &str, listener: &mpsc::Sender<Event>) -> Result<(), TrialError> {
    for row in store.events(run).await? {
        if let Ok(event) = serde_json::from_str(&row.body) {
            // As in the log: a listener that does not keep up misses events, it does not stop the run.
            drop(listener.try_send(event));
        }
    }
    Ok(())
}

fn ports(parts: &Arc<Parts>, problem: Problem, bill: &Bill) -> Ports {
    Ports {
        provider: at_work(parts, &parts.provider, bill, Asked::Answers),
        embedder: parts
            .compared_by()
            .map(|embedder| Embedder::new(at_work(parts, embedder.provider(), bill, Asked::Vectors))),
        seed: parts.seed,
        examiner: Examiner::new(Arc::clone(&parts.sandbox), parts.store.clone(), parts.limits),
        task: task::of(&problem),
        appraiser: parts.scorer.clone().map(|scorer| Appraiser::new(scorer, &problem)),
        problem: Arc::new(problem),
        prices: parts.prices.clone(),
        sampling: parts.sampling,
        feedback: parts.strategy.feedback(),
        round_modules: RoundModules::default(),
        sketch: parts.strategy.sketch().cloned(),
    }
}

/// A model as a search asks it: on its bill, and not while it is paused.
fn at_work(parts: &Parts, provider: &Arc<dyn Provider>, bill: &Bill, asked: Asked) -> Arc<dyn Provider> {
    let price = parts.prices.price(provider.model());
    parts.pause.gate(bill.at(Arc::clone(provider), price, asked))
}

/// Stores what was paid for, and marks the run finished, or as left where it can be continued.
async fn close(parts: &Parts, run_id: &str, outcome: Outcome, bill: &Bill) -> Outcome {
    let Some(store) = &parts.store else { return outcome };
    match stored(store, run_id, &outcome, bill).await {
        Ok(()) => outcome,
        Err(error) => Outcome {
            status: Status::Error,
            failure: Some(Failure { kind: FailureKind::Store, message: with_causes(&error) }),
            ..outcome
        },
    }
}

async fn stored(store: &Store, run_id: &str, outcome: &Outcome, bill: &Bill) -> Result<(), StoreError> {
    bill.close(outcome).await?;
    if outcome.is_final() {
        let result = serde_json::to_string(outcome).unwrap_or_default();
        store.finish_run(run_id, outcome.status.word(), &result).await
    } else {
        store.set_run_status(run_id, left_as(outcome)).await
    }
}

fn failed(kind: FailureKind, message: String) -> Outcome {
    Outcome { failure: Some(Failure { kind, message }), ..Outcome::default() }
}
