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
