//! The thread's side: which request gets what between two steps.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::{Answered, Command, Counters, EngineOptions};
use crate::local::batch::{Batch, Member, Step};
use crate::local::cache::Suffix;
use crate::local::load::LocalModel;
use crate::local::pass::{Mask, Pass, Shared};
use crate::local::prefix::{NodeId, PrefixStore};
use crate::local::request::{Answer, EngineError, Generate, Generated, Score, Scored};
use crate::local::row::Row;
use crate::local::score;
use crate::local::speculation::Guesser;

pub(super) struct Worker {
    model: Arc<LocalModel>,
    /// A smaller model that guesses.
    draft: Option<Arc<LocalModel>>,
    options: EngineOptions,
    counters: Arc<Counters>,
    store: PrefixStore,
    batch: Batch,
    /// In the order in which they came.
    jobs: VecDeque<Job>,
    next: u64,
}

/// A request that is being carried out.
struct Job {
    id: u64,
    work: Work,
    prompt: Prompt,
    /// Tokens of the prompt that were known.
    cached: usize,
}

enum Work {
    Generate {
        request: Generate,
        answered: Answered<Generated>,
        begun: usize,
        answers: Vec<Option<Answer>>,
    },
    Score {
        request: Score,
        answered: Answered<Vec<Scored>>,
        groups: VecDeque<Vec<usize>>,
        scores: Vec<Option<Scored>>,
    },
}

/// How far all of a prompt but its last token has been read.
enum Prompt {
    Unread,
    /// Behind a node of the tree, which is pinned.
    Reading {
        behind: NodeId,
        known: usize,
        suffix: Suffix,
    },
    /// Up to a node of the tree, which is pinned.
    Read {
        node: NodeId,
    },
}

impl Work {
    fn prompt(&self) -> &[u32] {
        match self {
            Self::Generate { request, .. } => &request.prompt,
            Self::Score { request, .. } => &request.prefix,
        }
    }

    fn is_dropped(&self) -> bool {
        match self {
            Self::Generate { answered, .. } => answered.is_closed(),
            Self::Score { answered, .. } => answered.is_closed(),
        }
    }

    fn fail(self, error: EngineError) {
        // Nobody waits for it where sending fails.
        match self {
            Self::Generate { answered, .. } => drop(answered.send(Err(error))),
            Self::Score { answered, .. } => drop(answered.send(Err(error))),
        }
    }
}

impl Worker {
    pub(super) fn new(
        model: Arc<LocalModel>,
        draft: Option<Arc<LocalModel>>,
        options: EngineOptions,
        counters: Arc<Counters>,
    ) -> Result<Self, EngineError> {
        let decoder = &model.decoder;
        let guesser = Guesser::new(options.speculation, decoder, draft.clone())?;
        let batch = Batch::new(decoder.config(), decoder.device(), guesser)?;
        let store = PrefixStore::new(decoder.config().kv_bytes_per_token());
        Ok(Self { model, draft, options, counters, store, batch, jobs: VecDeque::new(), next: 0 })
    }

    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            if self.jobs.is_empty() {
                let Some(command) = commands.blocking_recv() else { return };
                self.accept(command);
            }
            while self.jobs.len() < self.options.queue_max.max(1) {
                let Ok(command) = commands.try_recv() else { break };
                self.accept(command);
            }
            // Whatever a library makes of some model, the others' requests are not to hang.
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn()));
            match turn {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.fail_all(&error.to_string()),
                Err(_) => self.fail_all("a library gave up"),
            }
        }
    }

    fn accept(&mut self, command: Command) {
        let work = match command {
            Command::Generate(request, answered) => {
                let answers = request.seeds.iter().map(|_| None).collect();
                Work::Generate { request, answered, begun: 0, answers }
            }
            Command::Score(request, answered) => {
                let groups = score::groups(&request, self.model.decoder.config(), self.options.kv_budget);
                let scores = request.continuations.iter().map(|_| None).collect();
                Work::Score { request, answered, groups, scores }
            }
        };
        self.jobs.push_back(Job { id: self.next, work, prompt: Prompt::Unread, cached: 0 });
        self.next += 1;
    }

    /// What happens between two steps, and a step.
    fn turn(&mut self) -> Result<(), EngineError> {
        self.forget_dropped();
        self.read_prompt()?;
        self.score_group()?;
        self.begin_rows();
        self.step()?;
        self.make_room(0);
        Ok(())
    }

    fn forget_dropped(&mut self) {
        let mut dropped = Vec::new();
        self.jobs.retain_mut(|job| {
            let keep = !job.work.is_dropped();
            if !keep {
                dropped.push((job.id, job.prompt.node()));
            }
            keep
        });
        for (id, node) in dropped {
            self.batch.drop_rows(id);
            node.into_iter().for_each(|node| self.store.unpin(node));
        }
    }

    /// Reads a chunk of the first prompt that is not read yet.
    fn read_prompt(&mut self) -> Result<(), EngineError> {
        let unread = self.jobs.iter().position(|job| !matches!(job.prompt, Prompt::Read { .. }));
        let Some(mut job) = unread.and_then(|index| self.jobs.remove(index).map(|job| (index, job))) else {
            return Ok(());
        };
        let read = self.read_chunk(&mut job.1);
        if let Err(error) = read {
            let node = job.1.prompt.node();
            node.into_iter().for_each(|node| self.store.unpin(node));
            job.1.work.fail(error);
            return Ok(());
        }
        self.jobs.insert(job.0, job.1);
        Ok(())
    }

    fn read_chunk(&mut self, job: &mut Job) -> Result<(), EngineError> {
        let prompt = job.work.prompt();
        let Some((_, prefix)) = prompt.split_last() else {
            return Err(EngineError::Empty { what: "the prompt" });
        };
        if matches!(job.prompt, Prompt::Unread) {
            let (behind, known) = self.store.longest(prefix)?;
            self.store.pin(behind);
            (job.cached, job.prompt) = (known, Prompt::Read { node: behind });
            self.counters.prompt_tokens.fetch_add(prompt.len() as u64, Ordering::Relaxed);
            self.counters.hit_tokens.fetch_add(known as u64, Ordering::Relaxed);
            let rest = prefix.len() - known;
            if rest == 0 {
                return Ok(());
            }
            self.make_room(2 * rest);
            let decoder = &self.model.decoder;
            let suffix = Suffix::new(decoder.config(), 1, rest, decoder.device())?;
            job.prompt = Prompt::Reading { behind, known, suffix };
        }
        let Prompt::Reading { behind, known, suffix } = &mut job.prompt else { return Ok(()) };
        let start = *known + suffix.len();
        let chunk =
            prefix.get(start..prefix.len().min(start + self.options.chunk.max(1))).unwrap_or_default();
        let positions: Vec<u32> = (start..start + chunk.len()).filter_map(|at| at.try_into().ok()).collect();
        let shared = past(&self.store, *behind, 1);
        let pass =
            Pass { tokens: chunk, positions: &positions, rows: 1, shared: &shared, mask: Mask::Causal };
        self.model.decoder.forward(pass, suffix)?;
        if *known + suffix.len() == prefix.len() {
            let (behind, tokens) = (*behind, prefix.get(*known..).unwrap_or_default().to_vec());
            let node = self.store.insert(behind, tokens, suffix.segment(0, 0)?);
            self.store.pin(node);
            self.store.unpin(behind);
            job.prompt = Prompt::Read { node };
        }
        Ok(())
    }

    /// Scores a group of the first request that has one left.
    fn score_group(&mut self) -> Result<(), EngineError> {
        let ready = self.jobs.iter_mut().position(|job| {
            matches!(job.prompt, Prompt::Read { .. }) && matches!(job.work, Work::Score { .. })
        });
        let Some(index) = ready else { return Ok(()) };
        let Some(job) = self.jobs.get_mut(index) else { return Ok(()) };
        let (Work::Score { request, groups, scores, .. }, Prompt::Read { node }) =
            (&mut job.work, &job.prompt)
        else {
            return Ok(());
        };
        let mut failed = None;
        if let Some(group) = groups.pop_front() {
            let shared = past(&self.store, *node, group.len());
            match score::score(&self.model.decoder, request, &group, &shared, self.options.chunk.max(1)) {
                Ok(scored) => {
                    for (index, scored) in group.into_iter().zip(scored) {
                        scores.get_mut(index).into_iter().for_each(|place| *place = Some(scored.clone()));
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        if groups.is_empty() || failed.is_some() {
            self.finish(index, failed.map(EngineError::from));
        }
        Ok(())
    }

    /// Begins rows of requests whose prompts are read, the oldest first, as long as there is room.
    fn begin_rows(&mut self) {
        for index in 0..self.jobs.len() {
            while self.batch.len() < self.options.rows_max.max(1) && self.begin_row(index) {}
        }
    }

    fn begin_row(&mut self, index: usize) -> bool {
        let Some(job) = self.jobs.get_mut(index) else { return false };
        let (Work::Generate { request, begun, .. }, Prompt::Read { node }) = (&mut job.work, &job.prompt)
        else {
            return false;
        };
        if *begun >= request.seeds.len() {
            return false;
        }
        let tokens = self.batch.tokens_with(request.tokens_max);
        let room = self.options.kv_budget / self.model.decoder.config().kv_bytes_per_token();
        self.store.evict(room.saturating_sub(tokens) * self.model.decoder.config().kv_bytes_per_token());
        let taken = self.store.bytes() / self.model.decoder.config().kv_bytes_per_token();
        // A row alone always begins: that it fits was checked when it was asked for.
        if tokens + taken > room && !self.batch.is_empty() {
            return false;
        }
        if *begun == 0 {
            self.batch.expect(&request.prompt);
        }
        let row = Row::new(request, *begun, request.tokens_max);
        let prompt = Arc::from(request.prompt.as_slice());
        self.batch.join(Member { owner: (job.id, *begun), prompt, prefix: *node, row });
        *begun += 1;
        true
    }

    fn step(&mut self) -> Result<(), EngineError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let Step { finished, drawn } =
            match self.batch.step(&self.model.decoder, &self.model.vocabulary, &self.store) {
                Ok(step) => step,
                Err(error) => {
                    self.fail_rows(&error.to_string())?;
                    return Ok(());
                }
            };
        self.counters.steps.fetch_add(1, Ordering::Relaxed);
        self.counters.drawn_tokens.fetch_add(drawn as u64, Ordering::Relaxed);
        for ((owner, row), answer) in finished {
            let Some(index) = self.jobs.iter().position(|job| job.id == owner) else { continue };
            let Some(Job { work: Work::Generate { answers, .. }, .. }) = self.jobs.get_mut(index) else {
                continue;
            };
            answers.get_mut(row).into_iter().for_each(|place| *place = Some(answer.clone()));
            if answers.iter().all(Option::is_some) {
                self.finish(index, None);
            }
        }
        Ok(())
    }

    /// Answers a request and lets go of its prompt.
    fn finish(&mut self, index: usize, error: Option<EngineError>) {
        let Some(job) = self.jobs.remove(index) else { return };
        job.prompt.node().into_iter().for_each(|node| self.store.unpin(node));
        let Some(error) = error else {
            match job.work {
                Work::Generate { answered, answers, .. } => {
                    let answers = answers.into_iter().flatten().collect();
                    drop(answered.send(Ok(Generated { answers, cached: job.cached })));
                }
                Work::Score { answered, scores, .. } => {
                    drop(answered.send(Ok(scores.into_iter().flatten().collect())))
                }
            }
            return;
        };
        job.work.fail(error);
    }

    /// Fails the requests that have rows in the batch.
    fn fail_rows(&mut self, problem: &str) -> Result<(), EngineError> {
        let owners = self.batch.owners();
        self.batch.clear(self.model.decoder.config(), self.model.decoder.device())?;
        while let Some(index) = self.jobs.iter().position(|job| owners.contains(&job.id)) {
            self.finish(index, Some(EngineError::Device(problem.to_owned())));
        }
        Ok(())
    }

    /// Fails everything and starts over with an empty cache.
    fn fail_all(&mut self, problem: &str) {
        for job in self.jobs.drain(..) {
            job.work.fail(EngineError::Device(problem.to_owned()));
        }
        let (model, counters) = (Arc::clone(&self.model), Arc::clone(&self.counters));
        if let Ok(fresh) = Self::new(model, self.draft.clone(), self.options, counters) {
            (self.store, self.batch) = (fresh.store, fresh.batch);
        }
    }

    /// Drops earlier prompts so that `tokens` more fit the budget.
    fn make_room(&mut self, tokens: usize) {
        let bytes = self.model.decoder.config().kv_bytes_per_token();
        self.store.evict(self.options.kv_budget.saturating_sub(tokens * bytes));
    }
}

impl Prompt {
    /// The node that it keeps pinned.
    const fn node(&self) -> Option<NodeId> {
        match self {
            Self::Unread => None,
            Self::Reading { behind, .. } => Some(*behind),
            Self::Read { node } => Some(*node),
        }
    }
}

/// What stands between the root of the tree and a node, as read by all rows of a pass.
fn past(store: &PrefixStore, node: NodeId, rows: usize) -> Vec<Shared> {
    let segments = store.path(node).into_iter().filter_map(|node| store.segment(node).cloned());
    segments.map(|segment| Shared { segment, rows: 0..rows }).collect()
}
