//! From the parts of an answer to a reply, and the checks that a reply must pass.
//!
//! Whole bodies and streams go the same way: drafts by index, filled part by part, each closed by its finish
//! reason. What comes for a closed draft is a duplicate and is dropped.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::chat::classify::{Failure, from_error_value, quote, transient};
use crate::chat::usage;
use crate::chat::wire::{Lenient, WireChoice, WireLogprobs, WireReply, WireUsage};
use crate::decode::RepetitionWatch;
use crate::error::{ErrorKind, ModelError};
use crate::provider::{Choice, Finish, Reply, Request};

/// Choices beyond this many, more than anybody asks for, are dropped.
const CHOICES_MAX: u32 = 1024;

/// Name of the field of which a server with fewer answers than asked for knows nothing.
pub(crate) const FIELD_N: &str = "n";

/// Gathers an answer.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    drafts: BTreeMap<u32, Draft>,
    usage: Option<WireUsage>,
    id: Option<String>,
    model: Option<String>,
    /// For answers that are cut where they repeat themselves.
    watch: Option<RepetitionWatch>,
}

impl Collector {
    /// A collector that cuts answers which repeat themselves, if asked to.
    pub(crate) fn new(cuts_repetition: bool) -> Self {
        Self { watch: cuts_repetition.then(RepetitionWatch::default), ..Self::default() }
    }

    /// Takes a whole reply.
    pub(crate) fn whole(&mut self, site: &str, mut reply: WireReply) -> Result<(), Failure> {
        // Some servers number every choice 0: in a whole reply the place counts.
        for (place, choice) in (0..).zip(reply.choices.iter_mut().flatten()) {
            choice.index = Lenient(Some(place));
        }
        self.chunk(site, reply)
    }

    /// Takes the next chunk of a stream.
    pub(crate) fn chunk(&mut self, site: &str, reply: WireReply) -> Result<(), Failure> {
        if let Some(error) = &reply.error {
            return Err(from_error_value(site, error));
        }
        self.usage = reply.usage.0.or(self.usage.take());
        self.id = self.id.take().or(reply.id.0);
        self.model = self.model.take().or(reply.model.0);
        for choice in reply.choices.into_iter().flatten() {
            let index = choice.index.0.unwrap_or(0);
            if index < CHOICES_MAX {
                let new = || Draft { watch: self.watch.clone(), ..Draft::default() };
                self.drafts.entry(index).or_insert_with(new).take(choice);
            }
        }
        Ok(())
    }

    /// Whether all answers that were asked for are there and closed.
    pub(crate) fn is_complete(&self, n: u32) -> bool {
        self.drafts.len() >= n.max(1) as usize && self.drafts.values().all(|draft| draft.finish.is_some())
    }

    /// Whether all that the server could still say is to be dropped, because an answer was cut.
    pub(crate) fn is_cut(&self, n: u32) -> bool {
        let is_cut = |draft: &Draft| draft.finish == Some(Finish::Repetition);
        self.drafts.values().any(is_cut) && self.is_complete(n)
    }

    /// The reply, if it counts as one.
    pub(crate) fn finish(self, site: &str, model: &str, request: &Request) -> Result<Reply, Failure> {
        let wanted = request.n.max(1) as usize;
        let given = self.drafts.len();
        if given == 0 {
            return Err(transient(format!("{site} answered without choices")).into());
        }
        let drafts = self.drafts.into_values().take(wanted);
        let choices = drafts.map(|draft| draft.close(site)).collect::<Result<Vec<_>, _>>()?;
        if given < wanted {
            return Err(shortfall(site, given, wanted));
        }
        if choices.iter().all(|c| c.finish == Finish::ContentFilter && c.text.is_empty()) {
            let message = format!("the content filter of {site} took the answer");
            return Err(ModelError::new(ErrorKind::Filtered, message).into());
        }
        Ok(Reply {
            usage: usage::settle(self.usage.as_ref(), request, &choices),
            choices,
            model: self.model.unwrap_or_else(|| model.to_owned()),
            id: self.id,
            cached: false,
        })
    }
}

fn shortfall(site: &str, given: usize, wanted: usize) -> Failure {
    let message =
        format!("{site} gave {given} of {wanted} answers: it does not know n, ask for one answer at a time");
    Failure { error: ModelError::new(ErrorKind::BadRequest, message), field: Some(FIELD_N.into()) }
}

/// One answer under way.
#[derive(Debug, Default)]
struct Draft {
    text: Option<String>,
    reasoning: String,
    refused: bool,
    finish: Option<Finish>,
    logprobs: (f64, u32),
    watch: Option<RepetitionWatch>,
}

impl Draft {
    fn take(&mut self, choice: WireChoice) {
        if self.finish.is_some() {
            return;
        }
        let message = choice.delta.or(choice.message).unwrap_or_default();
        if let Some(text) = message.text().or(choice.text.0) {
            self.text.get_or_insert_default().push_str(&text);
        }
        self.finish = self.cut_repetition();
        if let Some(reasoning) = message.reasoning() {
            self.reasoning.push_str(&reasoning);
        }
        self.refused |= message.refusal.0.is_some_and(|refusal| !refusal.is_empty());
        self.add_logprobs(choice.logprobs);
        self.finish = self.finish.take().or(choice.finish_reason.0.map(finish));
    }

    fn cut_repetition(&mut self) -> Option<Finish> {
        let text = self.text.as_mut()?;
        let keep = self.watch.as_mut()?.read(text)?;
        text.truncate(text.floor_char_boundary(keep));
        Some(Finish::Repetition)
    }

    fn add_logprobs(&mut self, logprobs: Lenient<WireLogprobs>) {
        let tokens = logprobs.0.and_then(|logprobs| logprobs.content.0).unwrap_or_default();
        for logprob in tokens.into_iter().filter_map(|token| token.logprob.0).filter(|p| p.is_finite()) {
            self.logprobs.0 += logprob;
            self.logprobs.1 += 1;
        }
    }

    fn close(self, site: &str) -> Result<Choice, ModelError> {
        let Some(mut finish) = self.finish else {
            return Err(transient(format!("the answer of {site} ended without a finish reason")));
        };
        let text = match self.text {
            Some(text) => text,
            None if self.refused || finish == Finish::ContentFilter => {
                finish = Finish::ContentFilter;
                String::new()
            }
            // All of the limit went into reasoning: a cut answer, and no fault.
            None if finish == Finish::Length => String::new(),
            None => return Err(transient(format!("{site} answered without content"))),
        };
        let (thought, text) = split_thought(&text);
        let reasoning = printable(&(self.reasoning + thought));
        let (sum, count) = self.logprobs;
        Ok(Choice {
            text: printable(text),
            reasoning: (!reasoning.is_empty()).then_some(reasoning),
            finish,
            mean_logprob: (count > 0).then(|| sum / f64::from(count)),
        })
    }
}

fn finish(word: String) -> Finish {
    match word.as_str() {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" => Finish::Stop,
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "content_filter" | "safety" | "SAFETY" => Finish::ContentFilter,
        _ => Finish::Other(quote(&word)),
    }
}

/// Splits a leading `<think>` block off. Templates that open the block in the prompt leave only its end; a block
/// that the limit cut has no end, and nothing after it.
pub(crate) fn split_thought(text: &str) -> (&str, &str) {
    let opened = text.trim_start().strip_prefix("<think>");
    match opened.unwrap_or(text).split_once("</think>") {
        Some((thought, rest)) if opened.is_some() || !thought.contains("<think>") => {
            (thought.trim(), rest.trim_start())
        }
        None if opened.is_some() => (opened.unwrap_or_default().trim(), ""),
        _ => ("", text),
    }
}

/// NUL is in no program, and databases refuse it in text.
pub(crate) fn printable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
