//! Retries under tokio's paused clock.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;
use crate::limit::{Concurrency, Limits};
use crate::scripted::{Scripted, question, reply};

fn fault(kind: ErrorKind) -> ModelError {
    ModelError::new(kind, "no luck")
}

fn retry(script: Scripted) -> Retry<Scripted> {
    retry_with(script, RetryPolicy::default())
}

fn retry_with(script: Scripted, policy: RetryPolicy) -> Retry<Scripted> {
    let limits = Limits { concurrency: Concurrency::fixed(100), ..Limits::default() };
    Retry::new(script, policy, Limiter::new(limits), Arc::default())
}

fn failing(kind: ErrorKind) -> Scripted {
    Scripted::new(move |_, _| Err(fault(kind)))
}

fn failing_first(failures: usize) -> Scripted {
    Scripted::new(move |request, call| match call < failures {
        true => Err(fault(ErrorKind::Transient)),
        false => Ok(reply(request, &["done"])),
    })
}

fn failing_until(outage: Duration) -> Scripted {
    let start = Instant::now();
    Scripted::new(move |request, _| match start.elapsed() < outage {
        true => Err(fault(ErrorKind::Transient)),
        false => Ok(reply(request, &["back"])),
    })
}

#[tokio::test(start_paused = true)]
async fn passing_faults_are_tried_again() {
    let retry = retry(failing_first(3));
    let start = Instant::now();
    assert_eq!(retry.complete(&question("q")).await.unwrap().choices[0].text, "done");
    assert_eq!((retry.inner.calls(), retry.meter.totals().retries), (4, 3));
    // Full jitter below 0.5 + 1 + 2 s.
    assert!(start.elapsed() < Duration::from_millis(3500));
}

#[tokio::test(start_paused = true)]
async fn lasting_faults_are_not() {
    for kind in [
        ErrorKind::BadRequest,
        ErrorKind::Refused,
        ErrorKind::Filtered,
        ErrorKind::ContextTooLong,
        ErrorKind::NotRecorded,
        ErrorKind::Storage,
    ] {
        let retry = retry(failing(kind));
        assert_eq!(retry.complete(&question("q")).await.unwrap_err().kind(), kind);
        assert_eq!(retry.inner.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn eight_tries_are_the_end() {
    let retry = retry(failing(ErrorKind::Transient));
    let error = retry.complete(&question("q")).await.unwrap_err();
    assert_eq!(error.to_string(), "no luck (gave up after 8 tries)");
    assert!(std::error::Error::source(&error).is_none(), "the same is not said twice");
    assert_eq!((error.kind(), retry.inner.calls()), (ErrorKind::Transient, 8));
}

#[tokio::test(start_paused = true)]
async fn five_minutes_are_the_end() {
    let retry = retry(failing(ErrorKind::Transient).with_delay(Duration::from_secs(140)));
    retry.complete(&question("q")).await.unwrap_err();
    assert_eq!(retry.inner.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_servers_wait_is_kept() {
    let script = Scripted::new(|request, call| match call {
        0 => Err(fault(ErrorKind::RateLimited).with_retry_after(Some(Duration::from_secs(90)))),
        _ => Ok(reply(request, &["done"])),
    });
    let start = Instant::now();
    retry(script).complete(&question("q")).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn waits_are_the_same_for_the_same_request() {
    let mut times = Vec::new();
    for _ in 0..2 {
        let start = Instant::now();
        retry(failing_first(5)).complete(&question("q")).await.unwrap();
        times.push(start.elapsed());
    }
    assert_eq!(times[0], times[1]);
    let start = Instant::now();
    let other = Request { draw: 1, ..question("q") };
    retry(failing_first(5)).complete(&other).await.unwrap();
    assert_ne!(start.elapsed(), times[0]);
}

#[test]
fn backoff_doubles_up_to_its_cap() {
    let policy = RetryPolicy::default();
    let mut course = Course::new(&policy, &question("q"));
    for (tries, cap_ms) in [(1, 500), (2, 1_000), (4, 4_000), (7, 30_000), (40, 30_000)] {
        course.tries = tries;
        let waits: Vec<_> = (0..2_000).map(|_| course.backoff()).collect();
        let cap = Duration::from_millis(cap_ms);
        assert!(waits.iter().all(|wait| *wait <= cap), "{tries}");
        assert!(waits.iter().any(|wait| *wait > cap.mul_f64(0.95)), "{tries}");
        assert!(waits.iter().any(|wait| *wait < cap.mul_f64(0.05)), "{tries}");
    }
}

#[tokio::test(start_paused = true)]
async fn retries_wait_for_their_budget() {
    let window = Window::new(0.2, 10);
    let start = Instant::now();
    for _ in 0..50 {
        window.call(start);
    }
    for _ in 0..20 {
        assert_eq!(window.retry(start), Ok(()));
    }
    assert_eq!(window.retry(start), Err(start + Duration::from_secs(60)));
    // A minute on, the calls are forgotten, and so are their retries.
    let later = start + Duration::from_secs(60);
    for _ in 0..10 {
        assert_eq!(window.retry(later), Ok(()));
    }
    assert!(window.retry(later).is_err());
}

#[tokio::test(start_paused = true)]
async fn the_breaker_opens_after_ten_failures_in_a_row() {
    let breaker = Breaker::default();
    let now = Instant::now();
    for _ in 0..9 {
        breaker.report(now, false);
    }
    breaker.report(now, true);
    for _ in 0..9 {
        breaker.report(now, false);
    }
    assert_eq!(breaker.admit(now), Admission::Go(Pass::Normal));
    let now = now + Duration::from_secs(20);
    breaker.report(now, false);
    let probe = now + Duration::from_secs(5);
    assert_eq!(breaker.admit(now), Admission::Wait { until: probe });
    assert_eq!(breaker.admit(probe), Admission::Go(Pass::Probe));
    assert_eq!(breaker.admit(probe), Admission::Wait { until: probe + Duration::from_secs(5) });
    breaker.report(probe, true);
    assert_eq!(breaker.admit(probe), Admission::Go(Pass::Normal));
}

#[tokio::test(start_paused = true)]
async fn the_breaker_opens_when_half_of_twenty_fail() {
    let breaker = Breaker::default();
    let now = Instant::now();
    for i in 0..19 {
        breaker.report(now, i % 2 == 0);
    }
    assert_eq!(breaker.admit(now), Admission::Go(Pass::Normal));
    breaker.report(now, false);
    assert!(matches!(breaker.admit(now), Admission::Wait { .. }));
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_five_minutes_is_waited_out() {
    let retry = retry(failing_until(Duration::from_secs(300)));
    let requests: Vec<_> = (0..16).map(|seed| Request { seed, ..question("q") }).collect();
    let replies = join_all(requests.iter().map(|request| retry.complete(request))).await;
    assert!(replies.iter().all(Result::is_ok));
    // Ten failures open the breaker, those in flight fail too, and then one probe goes every 5 s.
    assert!(retry.inner.calls() < 16 + 16 + 62 + 16, "{}", retry.inner.calls());
}

#[tokio::test(start_paused = true)]
async fn a_longer_outage_stops_the_run() {
    let policy = RetryPolicy { outage_max: Duration::from_secs(600), ..RetryPolicy::default() };
    let retry = retry_with(failing(ErrorKind::Transient), policy);
    let requests: Vec<_> = (0..16).map(|seed| Request { seed, ..question("q") }).collect();
    let start = Instant::now();
    for result in join_all(requests.iter().map(|request| retry.complete(request))).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Refused);
    }
    assert!(start.elapsed() < Duration::from_secs(660));
}

#[tokio::test(start_paused = true)]
async fn one_fault_in_five_costs_few_extra_calls_and_no_answer() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let script = Scripted::new(move |request, call| {
        seen.fetch_add(1, Ordering::Relaxed);
        match call % 5 {
            2 => Err(fault(ErrorKind::Transient)),
            _ => Ok(reply(request, &["done"])),
        }
    });
    let retry = retry(script);
    for seed in 0..400 {
        retry.complete(&Request { seed, ..question("q") }).await.unwrap();
    }
    assert!(count.load(Ordering::Relaxed) <= 520);
}

/// Half of what is asked fails, in no order, eight requests at a time. Eight failures in a row are the end of a request,
/// which is rare; all others are answered, none of them twice. A burst of hundreds would use up the budget of retries
/// for longer than a request waits.
#[tokio::test(start_paused = true)]
async fn half_of_faults_costs_time_and_no_answer() {
    const REQUESTS: usize = 400;
    let count = Arc::new(AtomicUsize::new(0));
    let answered = Arc::clone(&count);
    let script = Scripted::new(move |request, call| {
        if ChaCha8Rng::seed_from_u64(call as u64).random_bool(0.5) {
            let kind = if call % 2 == 0 { ErrorKind::Transient } else { ErrorKind::RateLimited };
            return Err(fault(kind));
        }
        answered.fetch_add(1, Ordering::Relaxed);
        Ok(reply(request, &["done"]))
    });
    let retry = retry(script);
    let ask = async |seed: usize| retry.complete(&Request { seed: seed as u64, ..question("q") }).await;
    let mut results = Vec::new();
    for round in 0..REQUESTS / 8 {
        results.extend(join_all((8 * round..8 * (round + 1)).map(ask)).await);
    }
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert!(done >= REQUESTS * 98 / 100, "{done}");
    assert_eq!(count.load(Ordering::Relaxed), done);
    assert!(retry.inner.calls() <= REQUESTS * 5 / 2, "{}", retry.inner.calls());
}
