//! Limits under tokio's paused clock.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, advance};

use super::*;
use crate::scripted::{question, reply};

fn ok() -> Result<Reply, ModelError> {
    Ok(reply(&question("q"), &["a"]))
}

fn refused() -> Result<Reply, ModelError> {
    Err(ModelError::new(ErrorKind::RateLimited, "slow down"))
}

fn auto() -> Limiter {
    Limiter::new(Limits::default())
}

async fn fill(limiter: &Limiter) -> Vec<Slot<'_>> {
    // A fresh turn of the runtime: within one, tokio makes even ready futures wait after a while.
    tokio::task::yield_now().await;
    let mut slots = Vec::new();
    while let Some(slot) = limiter.enter(&question("q")).now_or_never() {
        slots.push(slot);
    }
    slots
}

#[tokio::test(start_paused = true)]
async fn starts_at_four_and_grows_by_one_per_clean_round() {
    let limiter = auto();
    for expected in [4, 5, 6] {
        assert_eq!(limiter.limit(), expected);
        for _ in 0..expected {
            let mut slots = fill(&limiter).await;
            assert_eq!(slots.len(), expected);
            slots.pop().unwrap().settle(&ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_grow_while_unused() {
    let limiter = auto();
    for _ in 0..50 {
        limiter.enter(&question("q")).await.settle(&ok());
    }
    assert_eq!(limiter.limit(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_refusals_halves_once() {
    let limiter = auto();
    for slot in fill(&limiter).await {
        slot.settle(&refused());
    }
    assert_eq!(limiter.limit(), 2);
    assert_eq!(fill(&limiter).await.len(), 2);
    for _ in 0..5 {
        limiter.enter(&question("q")).await.settle(&refused());
    }
    assert_eq!(limiter.limit(), 1);
    assert_eq!(fill(&limiter).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stays_within_its_bounds() {
    let limiter = Limiter::new(Limits { concurrency: Concurrency::fixed(3), ..Limits::default() });
    for result in [ok(), refused(), ok(), ok(), refused()] {
        for slot in fill(&limiter).await {
            slot.settle(&result);
        }
        assert_eq!((limiter.limit(), fill(&limiter).await.len()), (3, 3));
    }
    let limiter = Limiter::new(Limits { concurrency: Concurrency { min: 1, max: 6 }, ..Limits::default() });
    for _ in 0..200 {
        fill(&limiter).await.pop().unwrap().settle(&ok());
    }
    assert_eq!(limiter.limit(), 6);
}

#[tokio::test(start_paused = true)]
async fn cancelled_waits_give_everything_back() {
    let limiter = Limiter::new(Limits { requests_per_minute: Some(6), ..Limits::default() });
    drop(limiter.enter(&question("q")).await);
    for _ in 0..20 {
        assert!(limiter.enter(&question("q")).now_or_never().is_none());
    }
    let before = Instant::now();
    drop(limiter.enter(&question("q")).await);
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn requests_per_minute_hold_over_minutes() {
    let limiter = Limiter::new(Limits { requests_per_minute: Some(60), ..Limits::default() });
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < Duration::from_secs(600) {
        limiter.enter(&question("q")).await.settle(&ok());
        sent += 1;
    }
    assert!((600..=612).contains(&sent), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn tokens_are_settled_to_what_was_used() {
    let limits = Limits { tokens_per_minute: Some(60_000), ..Limits::default() };
    let limiter = Limiter::new(limits);
    let request = Request { max_output_tokens: 9_980, ..question("q") };
    limiter.enter(&request).await.settle(&ok());
    let before = Instant::now();
    limiter.enter(&request).await.settle(&ok());
    assert!(before.elapsed() < Duration::from_secs(1));
    let slot = limiter.enter(&request).await;
    advance(Duration::from_millis(1)).await;
    let before = Instant::now();
    drop(limiter.enter(&request).await);
    assert!(before.elapsed() > Duration::from_secs(9));
    drop(slot);
}

fn one_of_many(limits: Limits) -> Limiter {
    Limiter::sharing(limits, Sharing::OneOfMany)
}

fn up_to(max: usize) -> Limits {
    Limits { concurrency: Concurrency { min: 1, max }, ..Limits::default() }
}

fn refused_for(wait: Option<Duration>) -> Result<Reply, ModelError> {
    refused().map_err(|error| error.with_retry_after(wait))
}

/// A whole round at the limit, with these results.
async fn round(limiter: &Limiter, result: impl Fn() -> Result<Reply, ModelError>) {
    for _ in 0..limiter.limit() {
        fill(limiter).await.pop().unwrap().settle(&result());
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_many_starts_at_a_fifth_of_its_part_and_grows_up_to_it() {
    for (whole, parts, start, part) in [(64, 1, 13, 64), (64, 4, 4, 16), (20, 4, 1, 5), (20, 64, 1, 1)] {
        let limiter = one_of_many(up_to(whole));
        limiter.divide(parts);
        assert_eq!(limiter.limit(), start, "{whole} / {parts}");
        for _ in 0..part {
            round(&limiter, ok).await;
        }
        assert_eq!((limiter.limit(), fill(&limiter).await.len()), (part, part), "{whole} / {parts}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_follows_the_number_of_those_who_share() {
    let limiter = one_of_many(Limits { concurrency: Concurrency::fixed(12), ..Limits::default() });
    for _ in 0..12 {
        round(&limiter, ok).await;
    }
    let slots = fill(&limiter).await;
    assert_eq!(slots.len(), 12);
    limiter.divide(4);
    // Those in flight go on; none follows until there are fewer than three.
    for (left, slot) in slots.into_iter().enumerate() {
        assert_eq!(fill(&limiter).await.len(), left.saturating_sub(9), "after {left}");
        drop(slot);
    }
    assert_eq!((limiter.limit(), fill(&limiter).await.len()), (3, 3));
    limiter.divide(2);
    assert_eq!(limiter.limit(), 3, "it grows by clean rounds alone");
    for _ in 0..9 {
        round(&limiter, ok).await;
    }
    assert_eq!((limiter.limit(), fill(&limiter).await.len()), (6, 6));
}

#[tokio::test(start_paused = true)]
async fn one_of_many_yields_a_fifth_once_in_a_while() {
    let limiter = one_of_many(up_to(10));
    for _ in 0..10 {
        round(&limiter, ok).await;
    }
    let mut seen = Vec::new();
    for (wait, passes) in [(None, 14), (None, 2), (Some(3), 2), (None, 2), (None, 20)] {
        let wait = wait.map(Duration::from_secs);
        fill(&limiter).await.pop().unwrap().settle(&refused_for(wait));
        seen.push(limiter.limit());
        advance(Duration::from_secs(passes)).await;
    }
    // The second comes too early; the third asks for 3 s, so the fourth, after 2, does, too.
    assert_eq!(seen, [8, 8, 6, 6, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_round_with_faults_is_not_clean() {
    let fault = || Err(ModelError::new(ErrorKind::Transient, "status 503"));
    for limiter in [auto(), one_of_many(up_to(40))] {
        let start = limiter.limit();
        for _ in 0..5 {
            for answer in 0..start {
                let result = if answer == 0 { fault() } else { ok() };
                fill(&limiter).await.pop().unwrap().settle(&result);
            }
        }
        assert_eq!(limiter.limit(), start);
    }
}

#[tokio::test(start_paused = true)]
async fn rates_are_divided() {
    let limits = Limits { requests_per_minute: Some(60), tokens_per_minute: Some(60_000), ..up_to(4) };
    let limiter = one_of_many(limits);
    let sent = async |seconds| {
        let (start, mut sent) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_secs(seconds) {
            limiter.enter(&question("q")).await.settle(&ok());
            sent += 1;
        }
        sent
    };
    let _ = sent(60).await;
    limiter.divide(3);
    let of_three = sent(600).await;
    assert!((198..=204).contains(&of_three), "{of_three}");
    limiter.divide(1);
    let alone = sent(600).await;
    assert!((597..=612).contains(&alone), "{alone}");
}
