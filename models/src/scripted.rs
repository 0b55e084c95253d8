//! A provider for tests: answers from a list or a function, and remembers what it was asked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codeagent_prompts::Message;
use futures_core::future::BoxFuture;

use crate::error::{ErrorKind, ModelError};
use crate::price::{estimate_tokens, prompt_tokens};
use crate::provider::{Capabilities, Choice, Finish, Provider, Reply, Request, Usage};

type Answer = dyn Fn(&Request, usize) -> Result<Reply, ModelError> + Send + Sync;

/// Answers as a script says.
pub struct Scripted {
    answer: Box<Answer>,
    seen: Mutex<Vec<Request>>,
    delay: Duration,
    capabilities: Capabilities,
    model: String,
}

impl Scripted {
    /// Answers each request with `answer(request, index of the call)`.
    pub fn new(
        answer: impl Fn(&Request, usize) -> Result<Reply, ModelError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            seen: Mutex::default(),
            delay: Duration::ZERO,
            capabilities: Capabilities::default(),
            model: "scripted".into(),
        }
    }

    /// Answers each request with the text that `answer(request, index of the call)` gives, `n` times.
    pub fn answering(answer: impl Fn(&Request, usize) -> String + Send + Sync + 'static) -> Self {
        Self::new(move |request, call| {
            let text = answer(request, call);
            Ok(reply(request, &vec![text.as_str(); request.n.max(1) as usize]))
        })
    }

    /// Gives these answers, one per choice asked for, in order; then errors of kind `NotRecorded`.
    ///
    /// With several requests in flight the order in which they take answers is theirs.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        let rest =
            Mutex::new(texts.into_iter().map(Into::into).collect::<std::collections::VecDeque<String>>());
        Self::new(move |request, call| {
            let mut rest = lock(&rest);
            let wanted = request.n.max(1) as usize;
            if rest.len() < wanted {
                return Err(ModelError::new(
                    ErrorKind::NotRecorded,
                    format!("the script has no answer for call {call}"),
                ));
            }
            let texts: Vec<String> = rest.drain(..wanted).collect();
            Ok(reply(request, &texts.iter().map(String::as_str).collect::<Vec<_>>()))
        })
    }

    /// The same script, each answer after a wait on tokio's clock.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same script, said to have these capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The same script under another model's name; `scripted` by default.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// How often it was asked.
    pub fn calls(&self) -> usize {
        lock(&self.seen).len()
    }

    /// What it was asked, in the order of asking.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.seen).clone()
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripted").field("model", &self.model).field("calls", &self.calls()).finish()
    }
}

impl Provider for Scripted {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(async move {
            let call = {
                let mut seen = lock(&self.seen);
                seen.push(request.clone());
                seen.len() - 1
            };
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            (self.answer)(request, call)
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn model(&self) -> &str {
        &self.model
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request with one user message and plain settings: temperature 0.8, 1024 tokens, one answer, seed and draw 0.
#[must_use]
pub fn question(content: &str) -> Request {
    Request {
        messages: vec![Message::user(content)],
        temperature: 0.8,
        top_p: None,
        max_output_tokens: 1024,
        n: 1,
        stop: Vec::new(),
        seed: 0,
        logprobs: None,
        draw: 0,
        distinct: false,
    }
}

/// A reply to a request with these texts, each ended by the model itself, and estimated usage.
#[must_use]
pub fn reply(request: &Request, texts: &[&str]) -> Reply {
    let choice = |text: &&str| Choice {
        text: (*text).into(),
        reasoning: None,
        finish: Finish::Stop,
        mean_logprob: None,
    };
    Reply {
        choices: texts.iter().map(choice).collect(),
        usage: Usage {
            input: prompt_tokens(request),
            output: texts.iter().map(|text| estimate_tokens(text)).sum(),
            estimated: true,
            ..Usage::default()
        },
        model: "scripted".into(),
        id: None,
        cached: false,
    }
}
