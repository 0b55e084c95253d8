//! One trial's talk with the model: asks, meters, logs, re-asks once where an answer can't be read.

use codeagent_models::{
    Choice, Embedded, ErrorKind, Finish, Message, ModelError, Reply, Request, estimate_tokens,
};
use codeagent_prompts::questions::Reask;
use codeagent_prompts::{AnswerError, Question};
use codeagent_search::Cost;
use codeagent_search::policy::Trial;

use super::{Ports, TrialError};
use crate::event::EventKind;
use crate::notebook::{Content, Note};

/// One answer and the question that it belongs to.
pub(crate) struct Answered<A> {
    /// The messages that led to it.
    pub(crate) prompt: Vec<Message>,
    /// The model's text.
    pub(crate) text: String,
    /// Mean log-probability of its tokens, where the model tells.
    pub(crate) mean_logprob: Option<f64>,
    /// What was read from it.
    pub(crate) answer: A,
}

impl<A> Answered<A> {
    fn of(prompt: Vec<Message>, choice: Choice, answer: A) -> Self {
        Self { prompt, text: choice.text, mean_logprob: choice.mean_logprob, answer }
    }

    /// The same with its answer turned into another.
    pub(crate) fn map<B>(self, turn: impl FnOnce(A) -> B) -> Answered<B> {
        let Self { prompt, text, mean_logprob, answer } = self;
        Answered { prompt, text, mean_logprob, answer: turn(answer) }
    }
}

impl<A> Answered<Vec<A>> {
    /// One note per item of the answer.
    pub(crate) fn notes(self, content: impl Fn(A) -> Content) -> Vec<Note> {
        let Self { prompt, text, answer, .. } = self;
        let note = |item| Note { prompt: prompt.clone(), answer: text.clone(), content: content(item) };
        answer.into_iter().map(note).collect()
    }
}

/// The talk of one trial with the model.
pub(crate) struct Conversation<'a> {
    ports: &'a Ports,
    trial: &'a Trial,
    /// Temperature of the questions to come; the trial's unless an operator says otherwise.
    pub(crate) temperature: f64,
    /// How many answers to the next question were drawn before, where all shall be different.
    pub(crate) drawn: Option<u32>,
    calls_left: u64,
    /// What the trial has spent.
    pub(crate) cost: Cost,
    /// Prompt tokens that the server had cached.
    pub(crate) cached_tokens: u64,
    /// Whether every reply had a known price.
    pub(crate) priced: bool,
    /// Answers that ended cut for repeating themselves.
    pub(crate) repeated: u64,
    /// What happened, in order.
    pub(crate) events: Vec<EventKind>,
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(ports: &'a Ports, trial: &'a Trial, calls: u64) -> Self {
        Self {
            ports,
            trial,
            temperature: trial.temperature,
            drawn: None,
            calls_left: calls,
            cost: Cost::default(),
            cached_tokens: 0,
            priced: true,
            repeated: 0,
            events: Vec::new(),
        }
    }

    /// Whether the trial's allotment has room for one more call.
    pub(crate) const fn may_ask(&self) -> bool {
        self.calls_left > 0
    }

    /// Calls that the trial may still make.
    pub(crate) const fn calls_left(&self) -> u64 {
        self.calls_left
    }

    /// Asks for `count` answers to one question and reads them. A single answer that can't be read is asked for once
    /// more; of several, those that can't be read are left out. Empty where nothing usable came back or the allotment
    /// is spent.
    pub(crate) async fn ask<Q: Question + Sync>(
        &mut self,
        name: &'static str,
        question: &Q,
        count: u32,
    ) -> Result<Vec<Answered<Q::Answer>>, TrialError> {
        let prompt = question.messages()?;
        let Some(reply) = self.call(name, prompt.clone(), count).await? else { return Ok(Vec::new()) };
        let mut answered = Vec::new();
        for choice in reply.choices {
            match question.parse(&choice.text) {
                Ok(answer) => answered.push(Answered::of(prompt.clone(), choice, answer)),
                Err(why) if count == 1 => {
                    answered.extend(self.ask_again(name, question, &prompt, choice, &why).await?);
                }
                Err(_) => {}
            }
        }
        Ok(answered)
    }

    /// As [`Self::ask`], for programs or functions, each of which is charged as a generation once it was asked for.
    pub(crate) async fn ask_for_programs<Q: Question + Sync>(
        &mut self,
        name: &'static str,
        question: &Q,
        count: usize,
    ) -> Result<Vec<Answered<Q::Answer>>, TrialError> {
        let before = self.cost.calls;
        let answered = self.ask(name, question, u32::try_from(count).unwrap_or(u32::MAX)).await?;
        self.cost.generations += if self.cost.calls > before { count as u64 } else { 0 };
        Ok(answered)
    }

    async fn ask_again<Q: Question + Sync>(
        &mut self,
        name: &'static str,
        question: &Q,
        prompt: &[Message],
        unreadable: Choice,
        why: &AnswerError,
    ) -> Result<Option<Answered<Q::Answer>>, TrialError> {
        let salvage = |choice: Choice, prompt: Vec<Message>| {
            let answer = question.parse(&choice.text).ok().or_else(|| question.salvage(&choice.text))?;
            Some(Answered::of(prompt, choice, answer))
        };
        let messages = Reask::new(question, &unreadable.text, why)?.messages()?;
        let Some(reply) = self.call(name, messages.clone(), 1).await? else {
            return Ok(salvage(unreadable, prompt.to_vec()));
        };
        let second = reply.choices.into_iter().next().and_then(|choice| salvage(choice, messages));
        Ok(second.or_else(|| salvage(unreadable, prompt.to_vec())))
    }

    /// One request; `None` where the content filter took the answer, the prompt does not fit even when cut, or the
    /// allotment is spent.
    async fn call(
        &mut self,
        name: &'static str,
        mut messages: Vec<Message>,
        count: u32,
    ) -> Result<Option<Reply>, TrialError> {
        if !self.may_ask() {
            return Ok(None);
        }
        match self.send(name, &messages, count).await {
            Err(error) if error.kind() == ErrorKind::ContextTooLong && self.may_ask() => {
                halve_longest(&mut messages);
                self.events.push(EventKind::Warning {
                    message: format!("the prompt of {name} did not fit and was cut: {error}"),
                });
                taken(self.send(name, &messages, count).await)
            }
            other => taken(other),
        }
    }

    async fn send(
        &mut self,
        name: &'static str,
        messages: &[Message],
        count: u32,
    ) -> Result<Reply, ModelError> {
        let request = self.request(messages, count);
        let est_tokens = messages.iter().map(|message| estimate_tokens(&message.content)).sum();
        self.events.push(EventKind::LlmRequest { question: name.to_owned(), est_tokens });
        self.calls_left -= 1;
        self.cost.calls += 1;
        let reply = self.ports.provider.complete(&request).await?;
        self.settle(&reply);
        Ok(reply)
    }

    fn request(&mut self, messages: &[Message], count: u32) -> Request {
        let drawn = self.drawn.take().filter(|_| self.ports.provider.capabilities().distinct);
        // Distinct answers are those of one sequence, which is the search's and not the trial's.
        let seed = drawn.map_or_else(|| self.trial.seed.wrapping_add(self.cost.calls), |_| self.ports.seed);
        Request {
            messages: messages.to_vec(),
            temperature: self.ports.sampling.temperature.unwrap_or(self.temperature),
            top_p: self.ports.sampling.top_p,
            max_output_tokens: self.ports.sampling.max_output_tokens.unwrap_or(self.trial.max_output_tokens),
            n: count,
            stop: Vec::new(),
            seed: seed & i64::MAX.unsigned_abs(),
            logprobs: None,
            draw: drawn.unwrap_or(0),
            distinct: drawn.is_some(),
        }
    }

    /// Takes down what vectors cost. They are no call.
    pub(crate) fn settle_vectors(&mut self, model: &str, embedded: &Embedded) {
        let price = self.ports.prices.price(model);
        let cost_micro_usd = price.map(|price| price.cost_micro_usd(&embedded.usage));
        self.priced &= cost_micro_usd.is_some();
        self.cost.input_tokens += embedded.usage.input;
        self.cost.micro_usd += cost_micro_usd.unwrap_or(0);
        self.events.push(EventKind::ModulesEmbedded {
            model: model.to_owned(),
            modules: u32::try_from(embedded.vectors.len()).unwrap_or(u32::MAX),
            input_tokens: embedded.usage.input,
            cost_micro_usd,
        });
    }

    fn settle(&mut self, reply: &Reply) {
        let usage = reply.usage;
        let price = self.ports.prices.price(self.ports.provider.model());
        let cost_micro_usd = price.map(|price| price.cost_micro_usd(&usage));
        self.priced &= cost_micro_usd.is_some();
        self.cost.input_tokens += usage.input;
        self.cost.output_tokens += usage.output;
        self.cost.micro_usd += cost_micro_usd.unwrap_or(0);
        self.cached_tokens += usage.cached;
        let finish: Vec<Finish> = reply.choices.iter().map(|choice| choice.finish.clone()).collect();
        self.repeated += finish.iter().filter(|finish| **finish == Finish::Repetition).count() as u64;
        self.events.push(EventKind::LlmReply {
            cached: reply.cached,
            input_tokens: usage.input,
            cached_tokens: usage.cached,
            output_tokens: usage.output,
            cost_micro_usd,
            finish,
        });
    }
}

/// A filtered answer or a prompt that can't be made to fit is the candidate's loss; any other error ends the search.
fn taken(result: Result<Reply, ModelError>) -> Result<Option<Reply>, TrialError> {
    match result {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if matches!(error.kind(), ErrorKind::Filtered | ErrorKind::ContextTooLong) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Cuts the middle out of the longest message, so that half of it is left.
fn halve_longest(messages: &mut [Message]) {
    let Some(longest) = messages.iter_mut().max_by_key(|message| message.content.len()) else { return };
    let text: Vec<char> = longest.content.chars().collect();
    let quarter = text.len() / 4;
    let (head, tail) = (text.get(..quarter), text.get(text.len() - quarter..));
    if let (Some(head), Some(tail)) = (head, tail) {
        longest.content =
            head.iter().chain("\n[...]\n".chars().collect::<Vec<_>>().iter()).chain(tail).collect();
    }
}
