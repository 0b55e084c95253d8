//! The coordinator of a run: gives its tasks out, judges what comes back, and keeps it.
//!
//! The store is the truth. What lies on the server can be lost at any moment: a task that neither lies there nor has a
//! result is given out again, under the next epoch.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::{AckKind, Message, kv};
use codeagent::search::BudgetLimits;
use futures_core::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::bills::{Account, Bills, Whose};
use super::link::{self, Link, RunNames};
use super::order::Order;
use super::overview::present;
use super::queue::NatsQueue;
use super::report::Report;
use super::shelf::Shelf;
use super::steps;
use super::worker::ORDER;
use super::{ClusterError, PAUSE, patiently};
use crate::batch::{Batch, BatchError, Drawn, Ended, Ledger, News, SampleBudget, SampleRow, Unit, by_id};
use crate::datasets::ProblemWithHidden;
use crate::queue::{Control, Ticket, WorkQueue as _};

/// Tasks that lie on the server at least, so that no worker waits.
const OUTSTANDING_MIN: usize = 1_000;

/// Tasks that lie on the server for each slot of a worker.
const OUTSTANDING_PER_SLOT: usize = 10;

/// How long a pull waits for a result.
const RESULT_WAIT: Duration = Duration::from_secs(1);

/// How long is waited for a server where others wait.
const ANSWER: Duration = Duration::from_secs(5);

/// How often is looked whether tasks must be given out, and who is there.
const TICK: Duration = Duration::from_secs(1);

/// How often is looked whether anything is gone from the server. Less than a task takes to come so often to workers that
/// miss its problem that it counts as one that kills them.
const MEND: Duration = Duration::from_secs(10);

/// Longest look at the server, which may be away.
const LOOK_MAX: Duration = Duration::from_secs(20);

/// How tasks are lent to workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leasing {
    /// A worker that is silent for so long loses its task to another one.
    pub silence: Duration,
    /// Programs that are judged at a time.
    pub judges: usize,
}

impl Default for Leasing {
    /// A minute, and one program for each core.
    fn default() -> Self {
        let judges = std::thread::available_parallelism().map_or(1, usize::from);
        Self { silence: Duration::from_secs(60), judges }
    }
}

/// Runs a batch on many machines.
pub struct Coordinator {
    link: Link,
    names: RunNames,
    queue: NatsQueue,
    results: Consumer<pull::Config>,
    parcels: Shelf,
    live: kv::Store,
    bills: Bills,
    batch: Batch,
    order: Vec<u8>,
    leasing: Leasing,
}

/// Which sample of which problem.
type Key = (String, u32);

/// A task that was given out and has no result yet.
struct Issued {
    ticket: Ticket,
    sequence: u64,
    looked_at: Instant,
}

/// What the coordinator knows while it runs.
struct Books<'r> {
    ledger: Ledger<'r>,
    problems: Arc<BTreeMap<String, Arc<ProblemWithHidden>>>,
    /// What workers were paid for.
    account: Arc<Account>,
    hashes: BTreeMap<String, String>,
    waiting: VecDeque<Ticket>,
    issued: BTreeMap<Key, Issued>,
    /// Samples that are being judged.
    judging: JoinSet<Result<Judged, ClusterError>>,
    in_hand: BTreeSet<Key>,
    window: usize,
    mended_at: Instant,
    /// Whether the server takes tasks, as far as is known.
    is_up: bool,
}

/// What came of a report.
struct Judged {
    key: Key,
    message: Message,
    /// `None` where what was found is lost, so that the task must be done again.
    row: Option<SampleRow>,
}

impl Coordinator {
    /// Prepares a run on the server. `order` is what workers are told; the batch's purse holds what was spent so far and
    /// what may be.
    ///
    /// # Errors
    /// [`ClusterError::NoShare`] where the run is limited and its samples are not; [`ClusterError::Server`].
    pub async fn new(
        link: Link,
        batch: Batch,
        order: &Order,
        leasing: Leasing,
    ) -> Result<Self, ClusterError> {
        require_share(batch.purse.limits(), batch.per_sample)?;
        let names = RunNames { run: batch.id.clone() };
        let queue = NatsQueue::make(&link, &names, leasing.silence).await?;
        let results = link.make_results(&names).await?;
        let parcels = Shelf::make(&link, names.parcels()).await?;
        Shelf::make(&link, names.replies()).await?;
        let live = link.make_live(&names).await?;
        let bills = Bills::make(&link, &names).await?;
        let order =
            serde_json::to_vec(order).map_err(|error| ClusterError::server("take the order", error))?;
        parcels.put(ORDER, &order).await?;
        Ok(Self { link, names, queue, results, parcels, live, bills, batch, order, leasing })
    }

    /// Has samples drawn, judges them, and tells what comes of them. `stopped` asks for an end: no new samples; what
    /// workers are at is theirs to finish, and kept by the next coordinator.
    ///
    /// # Errors
    /// [`ClusterError`]; what was told is stored.
    pub async fn run(
        &self,
        units: Vec<Unit>,
        stopped: impl Future<Output = ()>,
        news: &mpsc::Sender<News>,
    ) -> Result<Ended, ClusterError> {
        let mut books = self.open(&units, news).await?;
        self.drain(&mut books).await?;
        self.queue.steer(Control::Running).await?;
        let mut control = self.queue.cancel_events();
        let mut steps = steps::Listener::open(&self.link, &self.names).await?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pulling: Option<BoxFuture<'_, Vec<Message>>> = None;
        tokio::pin!(stopped);
        loop {
            self.feed(&mut books).await?;
            self.batch.activity.set_queued(books.open());
            if let Some(ended) = books.end() {
                return self.close(ended, books).await;
            }
            let free = self.leasing.judges.max(1).saturating_sub(books.judging.len());
            if pulling.is_none() && free > 0 {
                pulling = Some(Box::pin(self.arrived(free)));
            }
            tokio::select! {
                biased;
                Some(judged) = books.judging.join_next(), if !books.judging.is_empty() => {
                    self.enter(judged, &mut books).await?;
                }
                messages = arrived(&mut pulling) => {
                    pulling = None;
                    for message in messages {
                        self.judge(message, &mut books).await?;
                    }
                }
                () = &mut stopped, if books.ledger.ended.is_none() => books.ledger.ended = Some(Ended::Cancelled),
                Ok(_) = control.wait_for(|control| *control == Control::Cancelled), if books.ledger.ended.is_none() => {
                    books.ledger.ended = Some(Ended::CalledOff);
                }
                _ = tick.tick() => {
                    tokio::select! {
                        () = self.look(&mut books) => {}
                        // Whatever is left half done is done the next time.
                        () = tokio::time::sleep(LOOK_MAX) => {}
                        () = &mut stopped, if books.ledger.ended.is_none() => {
                            books.ledger.ended = Some(Ended::Cancelled);
                        }
                    }
                }
                // Nobody waits for whoever falls behind.
                step = steps.next() => drop(news.try_send(News::Step(Box::new(step)))),
            }
        }
    }

    /// The books of a run that may have been begun: what lies on the server and is still wanted counts as given out.
    async fn open<'r>(
        &self,
        units: &[Unit],
        news: &'r mpsc::Sender<News>,
    ) -> Result<Books<'r>, ClusterError> {
        let spec_hash = blake3::hash(&self.order).to_hex().to_string();
        let mut wanted: BTreeMap<Key, Ticket> = BTreeMap::new();
        let mut waiting = VecDeque::new();
        for unit in units {
            let ticket = Ticket { spec_hash: spec_hash.clone(), ..self.batch.ticket(unit) };
            wanted.insert(key(&ticket), ticket.clone());
            waiting.push_back(ticket);
        }
        let mut issued = BTreeMap::new();
        for (sequence, found) in patiently("show tasks", || self.queue.tickets()).await? {
            let is_wanted = wanted.get(&key(&found)).is_some_and(|ticket| is_same(ticket, &found));
            if is_wanted {
                issued.insert(key(&found), Issued { ticket: found, sequence, looked_at: Instant::now() });
            } else {
                self.queue.withdraw(sequence).await;
                // Its number is taken: whatever comes in its place is another one.
                waiting
                    .iter_mut()
                    .filter(|ticket| key(ticket) == key(&found) && ticket.attempt == found.attempt)
                    .for_each(|ticket| ticket.epoch = ticket.epoch.max(found.epoch.saturating_add(1)));
            }
        }
        waiting.retain(|ticket| !issued.contains_key(&key(ticket)));
        let problems = Arc::new(by_id(units));
        let (bills, live) = (self.bills.clone(), self.live.clone());
        let account = Account::open(self.batch.clone(), Arc::clone(&problems), bills, live).await?;
        Ok(Books {
            ledger: Ledger::new(news),
            problems,
            account: Arc::new(account),
            hashes: BTreeMap::new(),
            waiting,
            issued,
            judging: JoinSet::new(),
            in_hand: BTreeSet::new(),
            window: OUTSTANDING_MIN,
            mended_at: Instant::now(),
            is_up: true,
        })
    }

    /// Takes in what arrived while nobody was here, so that none of it is asked for again.
    async fn drain(&self, books: &mut Books<'_>) -> Result<(), ClusterError> {
        loop {
            let messages = patiently("show results", || {
                link::take(&self.results, self.leasing.judges.max(1), Duration::ZERO)
            });
            let messages = messages.await?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                self.judge(message, books).await?;
            }
            while let Some(judged) = books.judging.join_next().await {
                self.enter(judged, books).await?;
            }
        }
    }

    /// Gives out as many tasks as may lie on the server and can be paid for.
    async fn feed(&self, books: &mut Books<'_>) -> Result<(), ClusterError> {
        while books.is_up && books.ledger.ended.is_none() && books.issued.len() < books.window {
            let Some(mut ticket) = books.waiting.front().cloned() else { return Ok(()) };
            if !self.can_pay(books) {
                if books.issued.is_empty() && books.judging.is_empty() {
                    books.ledger.ended = Some(Ended::RunBudget);
                }
                return Ok(());
            }
            // The server may be away for long, and whoever waits here hears no signal.
            let Ok(hash) = tokio::time::timeout(ANSWER, self.shelved(&ticket.task, books)).await else {
                books.is_up = false;
                return Ok(());
            };
            ticket.problem_hash = hash?;
            match self.queue.post(&ticket).await {
                Ok(posted) => {
                    books.waiting.pop_front();
                    let sequence = posted.sequence;
                    let issued = Issued { ticket, sequence, looked_at: Instant::now() };
                    books.issued.insert(key(&issued.ticket), issued);
                }
                Err(error) => {
                    tracing::warn!(%error, "tasks can't be given out; trying again");
                    books.is_up = false;
                }
            }
        }
        Ok(())
    }

    /// The hash of a problem that workers can have.
    async fn shelved(&self, task: &str, books: &mut Books<'_>) -> Result<String, ClusterError> {
        if let Some(hash) = books.hashes.get(task) {
            return Ok(hash.clone());
        }
        let Some(problem) = books.problems.get(task) else { return Ok(String::new()) };
        // The problem as a search sees it: hidden tests and references are of other types, and stay here.
        let text = serde_json::to_vec(&problem.problem)
            .map_err(|error| ClusterError::server("take a problem", error))?;
        let hash = self.parcels.put_hashed(&text).await?;
        books.hashes.insert(task.to_owned(), hash.clone());
        Ok(hash)
    }

    /// Whether one more task can be paid for if all that are out cost as much as they may.
    fn can_pay(&self, books: &Books<'_>) -> bool {
        let (run, one) = (self.batch.purse.limits(), self.batch.per_sample.limits);
        let out = u64::try_from(books.issued.len()).unwrap_or(u64::MAX).saturating_add(1);
        let fits = |limit: Option<u64>, spent: u64, one: Option<u64>| {
            limit.is_none_or(|limit| spent.saturating_add(one.unwrap_or(0).saturating_mul(out)) <= limit)
        };
        let spent = self.batch.purse.spent();
        let tokens = spent.input_tokens.saturating_add(spent.output_tokens);
        fits(run.tokens, tokens, one.tokens) && fits(run.micro_usd, spent.micro_usd, one.micro_usd)
    }

    /// Results that have arrived.
    async fn arrived(&self, most: usize) -> Vec<Message> {
        match link::take(&self.results, most, RESULT_WAIT).await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::debug!(%error, "no results can be had");
                tokio::time::sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    /// Begins to judge what a message reports. What is known already only costs.
    async fn judge(&self, message: Message, books: &mut Books<'_>) -> Result<(), ClusterError> {
        let report = Report::parse(&message.payload).filter(|report| report.ticket.run == self.batch.id);
        let Some(report) = report else {
            tracing::warn!("a result that is none was left out");
            settle(&message).await;
            return Ok(());
        };
        let (key, ticket) = (key(&report.ticket), report.ticket.clone());
        let is_open = (books.issued.contains_key(&key) || books.waits(&key)) && !books.in_hand.contains(&key);
        let Some(problem) = books.problems.get(&ticket.task).cloned().filter(|_| is_open) else {
            tracing::debug!(
                task = ticket.task,
                sample = ticket.sample,
                "a second result costs, and counts nowhere"
            );
            if let Some(billed) = report.billed() {
                books.account.enter(billed).await?;
            }
            if let Ok(Some(found)) = report.opened(&self.parcels).await {
                self.batch.purse.charge(found.finding.outcome.cost);
            }
            settle(&message).await;
            return Ok(());
        };
        books.in_hand.insert(key.clone());
        let (batch, parcels, account) =
            (self.batch.clone(), self.parcels.clone(), Arc::clone(&books.account));
        books.judging.spawn(async move {
            let _busy = batch.activity.begin();
            if let Some(billed) = report.billed() {
                account.enter(billed).await?;
            }
            let row = judged(&batch, &parcels, report, &problem).await?;
            Ok(Judged { key, message, row })
        });
        Ok(())
    }

    /// Enters what came of a sample, which is stored by now.
    async fn enter(
        &self,
        judged: Result<Result<Judged, ClusterError>, tokio::task::JoinError>,
        books: &mut Books<'_>,
    ) -> Result<(), ClusterError> {
        let Judged { key, message, row } = match judged {
            Ok(judged) => judged?,
            Err(error) => {
                let message = format!("judging a sample broke down: {error}");
                books.ledger.note(Drawn::Broken(message)).await?;
                return Ok(());
            }
        };
        books.in_hand.remove(&key);
        settle(&message).await;
        let Some(row) = row else {
            if let Some(issued) = books.issued.remove(&key) {
                books.waiting.push_front(next_epoch(issued.ticket));
            }
            return Ok(());
        };
        if books.issued.remove(&key).is_none() {
            books.waiting.retain(|ticket| self::key(ticket) != key);
        }
        self.batch.purse.charge(row.cost());
        books.ledger.note(Drawn::Row(Box::new(row))).await?;
        Ok(())
    }

    /// Looks after what lies on the server: makes again what is gone, and gives out again what was lost.
    async fn look(&self, books: &mut Books<'_>) {
        if let Ok(workers) = present(&self.live).await {
            let slots: usize = workers.iter().map(|worker| worker.slots).sum();
            self.batch.activity.set_workers(workers.len(), slots);
            books.window = OUTSTANDING_MIN.max(slots.saturating_mul(OUTSTANDING_PER_SLOT));
        }
        let due = Instant::now().checked_sub(self.leasing.silence);
        let is_due = |issued: &Issued| due.is_some_and(|due| issued.looked_at < due);
        let is_fresh = books.mended_at.elapsed() < MEND;
        if books.is_up && is_fresh && !books.issued.values().any(is_due) {
            return;
        }
        match self.sweep(books, is_due).await {
            Ok(()) => books.is_up = true,
            Err(error) => {
                tracing::warn!(%error, "the queue can't be looked after; trying again");
                books.is_up = false;
            }
        }
    }

    async fn sweep(
        &self,
        books: &mut Books<'_>,
        is_due: impl Fn(&Issued) -> bool,
    ) -> Result<(), ClusterError> {
        self.mend(books).await?;
        // A task is off the queue only when its result is on its way: what neither lies there nor has arrived is lost.
        let arriving =
            self.link.results(&self.names).await.map_or(0, |stream| stream.cached_info().state.messages);
        let mut lost = Vec::new();
        for (key, issued) in books.issued.iter_mut().filter(|(_, issued)| is_due(issued)) {
            issued.looked_at = Instant::now();
            let lies =
                self.queue.ticket_at(issued.sequence).await?.is_some_and(|found| found == issued.ticket);
            if !lies && arriving == 0 && !books.in_hand.contains(key) {
                lost.push(key.clone());
            }
        }
        books.account.settle(Whose::Gone).await?;
        for key in lost {
            if let Some(issued) = books.issued.remove(&key) {
                tracing::info!(task = key.0, sample = key.1, "a task was lost, and is given out again");
                books.waiting.push_front(next_epoch(issued.ticket));
            }
        }
        Ok(())
    }

    /// Makes again what is gone.
    async fn mend(&self, books: &mut Books<'_>) -> Result<(), ClusterError> {
        self.queue.mend().await?;
        self.link.make_live(&self.names).await?;
        Bills::make(&self.link, &self.names).await?;
        if !self.link.has_results(&self.names).await {
            self.link.make_results(&self.names).await?;
        }
        Shelf::make(&self.link, self.names.replies()).await?;
        let is_gone = Shelf::find(&self.link, &self.names.parcels()).await.is_none();
        Shelf::make(&self.link, self.names.parcels()).await?;
        if is_gone || self.parcels.get(ORDER).await?.is_none() {
            self.parcels.put(ORDER, &self.order).await?;
            let tasks: Vec<String> = std::mem::take(&mut books.hashes).into_keys().collect();
            for task in tasks {
                self.shelved(&task, books).await?;
            }
        }
        books.mended_at = Instant::now();
        Ok(())
    }

    /// Leaves the run as its end asks for.
    async fn close(&self, ended: Ended, mut books: Books<'_>) -> Result<Ended, ClusterError> {
        match ended {
            Ended::Done => {
                self.queue.steer(Control::Finished).await?;
                books.account.settle_to_the_end().await?;
                self.link.clear(&self.names).await;
            }
            Ended::CalledOff => {}
            Ended::Cancelled | Ended::RunBudget | Ended::Down(_) => {
                // If it is not heard, workers go on with what was given out, and it is there for the next coordinator.
                drop(tokio::time::timeout(ANSWER, self.queue.steer(Control::Paused)).await);
            }
        }
        while let Some(judged) = books.judging.join_next().await {
            self.enter(judged, &mut books).await?;
        }
        if ended != Ended::Done {
            books.account.settle_by_now().await?;
        }
        Ok(ended)
    }
}

impl Books<'_> {
    /// How the run ends, if it does.
    fn end(&self) -> Option<Ended> {
        let is_done = self.waiting.is_empty() && self.issued.is_empty() && self.judging.is_empty();
        self.ledger.ended.clone().or(is_done.then_some(Ended::Done))
    }

    /// Samples without a result.
    fn open(&self) -> usize {
        (self.waiting.len() + self.issued.len()).saturating_sub(self.in_hand.len())
    }

    fn waits(&self, key: &Key) -> bool {
        self.waiting.iter().any(|ticket| self::key(ticket) == *key)
    }
}

fn key(ticket: &Ticket) -> Key {
    (ticket.task.clone(), ticket.sample)
}

/// The same task under a number that was never given.
fn next_epoch(ticket: Ticket) -> Ticket {
    Ticket { epoch: ticket.epoch.saturating_add(1), ..ticket }
}

/// Whether a ticket that lies on the server asks for what is wanted.
fn is_same(wanted: &Ticket, found: &Ticket) -> bool {
    let Ticket { epoch, problem_hash, .. } = found.clone();
    Ticket { epoch, problem_hash, ..wanted.clone() } == *found
}

/// Judges what a report brings, and stores it.
async fn judged(
    batch: &Batch,
    parcels: &Shelf,
    report: Report,
    problem: &ProblemWithHidden,
) -> Result<Option<SampleRow>, ClusterError> {
    let ticket = report.ticket.clone();
    let shelved = report.shelved().map(str::to_owned);
    let Some(found) = report.opened(parcels).await? else { return Ok(None) };
    let search = batch.agent_of(&ticket).map_err(BatchError::from)?.run_spec(&problem.problem);
    found.store(&search, &batch.store).await?;
    let row = batch.conclude(&ticket, problem, &search, found.finding).await?;
    if let Some(hash) = shelved {
        parcels.remove(&hash).await;
    }
    Ok(Some(row))
}

/// Takes a result off its stream. If that is not heard it comes again, and is known by then.
async fn settle(message: &Message) {
    drop(message.ack_with(AckKind::Ack).await);
}

async fn arrived(pulling: &mut Option<BoxFuture<'_, Vec<Message>>>) -> Vec<Message> {
    match pulling {
        Some(pulling) => pulling.await,
        None => std::future::pending().await,
    }
}

/// Checks that the limits of the run can be kept: by what one sample may spend at most.
fn require_share(run: &BudgetLimits, one: SampleBudget) -> Result<(), ClusterError> {
    if run.tokens.is_some() && one.limits.tokens.is_none() {
        return Err(ClusterError::NoShare { what: "tokens" });
    }
    if run.micro_usd.is_some() && one.limits.micro_usd.is_none() {
        return Err(ClusterError::NoShare { what: "money" });
    }
    Ok(())
}
