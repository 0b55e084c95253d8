//! Several answers from servers that give one at a time.

use futures_core::future::BoxFuture;
use futures_util::future::join_all;

use crate::error::{ErrorKind, ModelError};
use crate::provider::{Capabilities, Provider, Reply, Request, Usage};

/// Asks `n` times for one answer where the provider can't give `n` at once.
///
/// It stands above the cache, so that each single answer is stored and asked for again on its own. A provider
/// may lose the capability on the way, when its server was seen to give fewer answers than asked for: the
/// request that showed it is split then.
#[derive(Debug)]
pub struct Split<P>(P);

impl<P: Provider> Split<P> {
    /// Splitting in front of a provider.
    pub const fn new(inner: P) -> Self {
        Self(inner)
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        if request.n <= 1 {
            return self.0.complete(request).await;
        }
        if !self.0.capabilities().n {
            return self.one_by_one(request).await;
        }
        match self.0.complete(request).await {
            Err(_) if !self.0.capabilities().n => self.one_by_one(request).await,
            // An earlier run may have had to split this one, and have stored the single answers.
            Err(error) if error.kind() == ErrorKind::NotRecorded => {
                self.one_by_one(request).await.map_err(|_| error)
            }
            settled => settled,
        }
    }

    /// All are awaited, also after one has failed: their answers are paid for and get stored.
    async fn one_by_one(&self, request: &Request) -> Result<Reply, ModelError> {
        let singles: Vec<Request> = (0..request.n).map(|index| single(request, index)).collect();
        let replies = join_all(singles.iter().map(|single| self.0.complete(single))).await;
        merge(replies.into_iter().collect::<Result<Vec<_>, _>>()?)
    }
}

impl<P: Provider> Provider for Split<P> {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    /// Those of the provider, but for `n`, which is always there.
    fn capabilities(&self) -> Capabilities {
        Capabilities { n: true, ..self.0.capabilities() }
    }

    fn model(&self) -> &str {
        self.0.model()
    }
}

/// One of a request's answers: a seed of its own makes it another draw and another key.
fn single(request: &Request, index: u32) -> Request {
    let seed = mix(request.seed ^ mix((u64::from(request.n) << 32) | u64::from(index)));
    Request { n: 1, seed, ..request.clone() }
}

/// The output function of `SplitMix64` (Steele, Lea and Flood 2014): a bijection that spreads every bit.
pub(crate) const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One reply of several; `cached` only where all of them are.
fn merge(replies: Vec<Reply>) -> Result<Reply, ModelError> {
    let mut replies = replies.into_iter();
    let Some(mut whole) = replies.next() else {
        return Err(ModelError::new(ErrorKind::BadRequest, "a request must ask for at least one answer"));
    };
    for reply in replies {
        whole.choices.extend(reply.choices);
        whole.usage = sum(whole.usage, reply.usage);
        whole.cached &= reply.cached;
    }
    Ok(whole)
}

pub(crate) const fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        input: a.input.saturating_add(b.input),
        cached: a.cached.saturating_add(b.cached),
        output: a.output.saturating_add(b.output),
        reasoning: a.reasoning.saturating_add(b.reasoning),
        estimated: a.estimated || b.estimated,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scripted::{Scripted, question, reply};

    fn three() -> Request {
        Request { n: 3, ..question("q") }
    }

    fn singles_only() -> Capabilities {
        Capabilities { n: false, ..Capabilities::default() }
    }

    #[tokio::test]
    async fn singles_are_distinct_draws_in_order() {
        let split = Split::new(
            Scripted::answering(|_, call| format!("answer {call}")).with_capabilities(singles_only()),
        );
        let whole = split.complete(&three()).await.unwrap();
        let texts: Vec<_> = whole.choices.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, ["answer 0", "answer 1", "answer 2"]);
        assert_eq!(whole.usage.input, 3 * reply(&question("q"), &[]).usage.input);
        let seeds: BTreeSet<u64> = split.0.requests().iter().map(|r| r.seed).collect();
        assert_eq!(seeds.len(), 3);
        assert!(split.0.requests().iter().all(|r| r.n == 1));
    }

    #[tokio::test]
    async fn providers_with_n_are_asked_once() {
        let split = Split::new(Scripted::texts(["a", "b", "c"]));
        assert_eq!(split.complete(&three()).await.unwrap().choices.len(), 3);
        assert_eq!(split.0.calls(), 1);
    }

    #[tokio::test]
    async fn a_failed_single_fails_the_whole_after_all_were_asked() {
        let script = Scripted::new(|request, call| match call {
            0 => Err(ModelError::new(ErrorKind::Refused, "no")),
            _ => Ok(reply(request, &["a"])),
        });
        let split = Split::new(script.with_capabilities(singles_only()));
        assert_eq!(split.complete(&three()).await.unwrap_err().kind(), ErrorKind::Refused);
        assert_eq!(split.0.calls(), 3);
    }
}
