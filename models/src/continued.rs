//! Answers that were cut for repeating themselves, continued from the cut.

use codeagent_prompts::{Message, Role};
use futures_core::future::BoxFuture;

use crate::error::ModelError;
use crate::price::{estimate_tokens, prompt_tokens};
use crate::provider::{Capabilities, Choice, Finish, Provider, Reply, Request};
use crate::split::sum;

/// The line that asks for the rest.
const INSTRUCTION: &str =
    "You began to repeat yourself. Continue exactly where your answer ends, and do not repeat what is there.";

/// Fewest tokens for which it is worth asking again.
const REST_TOKENS_MIN: u64 = 64;

/// Asks once more where an answer ended with [`Finish::Repetition`], and joins the two.
///
/// It stands above the cache, so that both parts are stored. The second request gets what the first one's limit leaves,
/// less its own prompt, so that both stay within what the first may cost; where too little is left, or the second fails, the
/// cut answer stands.
#[derive(Debug)]
pub struct Continued<P>(P);

impl<P: Provider> Continued<P> {
    /// Continuation around a provider.
    pub const fn new(inner: P) -> Self {
        Self(inner)
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        let mut reply = self.0.complete(request).await?;
        let spent = reply.usage.output / u64::from(request.n.max(1));
        for choice in &mut reply.choices {
            if choice.finish != Finish::Repetition || choice.text.is_empty() {
                continue;
            }
            let Some(rest) = rest_of(request, choice, spent) else { continue };
            if let Ok(more) = self.0.complete(&rest).await {
                reply.usage = sum(reply.usage, more.usage);
                reply.cached &= more.cached;
                more.choices.into_iter().take(1).for_each(|more| join(choice, more));
            }
        }
        Ok(reply)
    }
}

impl<P: Provider> Provider for Continued<P> {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn model(&self) -> &str {
        self.0.model()
    }
}

/// The request for the rest of an answer, if enough of the limit is left.
fn rest_of(request: &Request, choice: &Choice, spent: u64) -> Option<Request> {
    let mut rest = Request { n: 1, ..request.clone() };
    rest.messages.push(Message { role: Role::Assistant, content: choice.text.clone() });
    rest.messages.push(Message::user(INSTRUCTION));
    let spent = spent.max(estimate_tokens(&choice.text)).saturating_add(prompt_tokens(&rest));
    let left =
        u64::from(request.max_output_tokens).checked_sub(spent).filter(|left| *left >= REST_TOKENS_MIN)?;
    rest.max_output_tokens = u32::try_from(left).unwrap_or(u32::MAX);
    Some(rest)
}

/// Puts the rest behind an answer; a fence that the rest opens again is left out.
fn join(choice: &mut Choice, more: Choice) {
    let is_in_fence =
        choice.text.lines().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 1;
    let rest = match more.text.trim_start().strip_prefix("```").and_then(|rest| rest.split_once('\n')) {
        Some((_, rest)) if is_in_fence => rest,
        _ => &more.text,
    };
    choice.text.push_str(rest);
    choice.finish = more.finish;
    choice.mean_logprob = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::scripted::{Scripted, question, reply};

    fn cut_then(rest: Result<&'static str, ErrorKind>) -> Continued<Scripted> {
        Continued::new(Scripted::new(move |request, call| {
            let text = match (call, rest) {
                (0, _) => "```python\nx = 1\n",
                (_, Ok(rest)) => rest,
                (_, Err(kind)) => return Err(ModelError::new(kind, "no")),
            };
            let mut reply = reply(request, &[text]);
            if call == 0 {
                reply.choices[0].finish = Finish::Repetition;
            }
            Ok(reply)
        }))
    }

    #[tokio::test]
    async fn the_rest_is_joined_and_paid_for() {
        let provider = cut_then(Ok("```python\ny = 2\n```\n"));
        let whole = provider.complete(&question("Write x.")).await.unwrap();
        assert_eq!(whole.choices[0].text, "```python\nx = 1\ny = 2\n```\n");
        assert_eq!(whole.choices[0].finish, Finish::Stop);
        let asked = provider.0.requests();
        assert_eq!((asked.len(), asked[1].messages.len()), (2, 3));
        assert!(asked[1].max_output_tokens < 1024);
        assert!(whole.usage.input > prompt_tokens(&asked[0]));
    }

    #[tokio::test]
    async fn the_cut_answer_stands_where_there_is_no_rest() {
        let provider = cut_then(Err(ErrorKind::Refused));
        let cut = provider.complete(&question("Write x.")).await.unwrap();
        assert_eq!(
            (cut.choices[0].text.as_str(), &cut.choices[0].finish),
            ("```python\nx = 1\n", &Finish::Repetition)
        );
        let short = Request { max_output_tokens: 70, ..question("Write x.") };
        let provider = cut_then(Ok("y"));
        assert_eq!(provider.complete(&short).await.unwrap().choices[0].finish, Finish::Repetition);
        assert_eq!(provider.0.calls(), 1);
    }
}
