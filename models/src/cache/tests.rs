//! The cache over scripted providers.

use std::time::Duration;

use futures_util::future::{join, join_all};

use super::*;
use crate::scripted::{Scripted, question};

type TestCache<S = MemoryStore> = Cached<Arc<Scripted>, S>;

fn numbered() -> Arc<Scripted> {
    Arc::new(Scripted::answering(|_, call| format!("answer {call}")).with_delay(Duration::from_secs(1)))
}

fn cached<S: ReplyStore>(inner: &Arc<Scripted>, store: S, mode: CacheMode) -> TestCache<S> {
    Cached::new(Arc::clone(inner), store, mode, "test", Arc::default())
}

async fn text(cache: &impl Provider, request: &Request) -> (String, bool) {
    let reply = cache.complete(request).await.unwrap();
    (reply.choices[0].text.clone(), reply.cached)
}

#[tokio::test(start_paused = true)]
async fn the_same_draw_gets_the_same_answer_and_another_draw_another() {
    let inner = numbered();
    let cache = cached(&inner, MemoryStore::default(), CacheMode::Use);
    let again = Request { draw: 1, ..question("q") };
    assert_eq!(text(&cache, &question("q")).await, ("answer 0".into(), false));
    assert_eq!(text(&cache, &question("q")).await, ("answer 0".into(), true));
    assert_eq!(text(&cache, &again).await, ("answer 1".into(), false));
    assert_eq!((inner.calls(), cache.meter.totals().cache_hits), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn equal_requests_in_flight_are_asked_once() {
    let inner = numbered();
    let cache = cached(&inner, MemoryStore::default(), CacheMode::Use);
    let question = question("q");
    let texts = join_all((0..20).map(|_| text(&cache, &question))).await;
    assert!(texts.iter().all(|(text, _)| text == "answer 0"));
    assert_eq!((inner.calls(), cache.flights.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_leader_leaves_its_place() {
    let inner = numbered();
    let cache = cached(&inner, MemoryStore::default(), CacheMode::Use);
    let question = question("q");
    let short = tokio::time::timeout(Duration::from_millis(10), cache.complete(&question));
    let (cancelled, answered) = join(short, text(&cache, &question)).await;
    assert!(cancelled.is_err());
    assert_eq!(answered, ("answer 1".into(), false));
    assert_eq!(cache.flights.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn errors_are_not_stored() {
    let inner = Arc::new(Scripted::new(|request, call| match call {
        0 => Err(ModelError::new(ErrorKind::Transient, "cut")),
        _ => Ok(crate::scripted::reply(request, &["whole"])),
    }));
    let cache = cached(&inner, MemoryStore::default(), CacheMode::Use);
    assert!(cache.complete(&question("q")).await.is_err());
    assert!(cache.store.is_empty());
    assert_eq!(text(&cache, &question("q")).await, ("whole".into(), false));
}

#[tokio::test(start_paused = true)]
async fn modes_do_what_they_say() {
    let inner = numbered();
    let store = Arc::new(MemoryStore::default());
    let only = cached(&inner, Arc::clone(&store), CacheMode::Only);
    assert_eq!(only.complete(&question("q")).await.unwrap_err().kind(), ErrorKind::NotRecorded);
    assert_eq!(inner.calls(), 0);

    let off = cached(&inner, Arc::clone(&store), CacheMode::Off);
    assert_eq!(text(&off, &question("q")).await, ("answer 0".into(), false));
    assert!(store.is_empty());

    text(&cached(&inner, Arc::clone(&store), CacheMode::Use), &question("q")).await;
    assert_eq!(text(&only, &question("q")).await, ("answer 1".into(), true));

    let refresh = cached(&inner, Arc::clone(&store), CacheMode::Refresh);
    assert_eq!(text(&refresh, &question("q")).await, ("answer 2".into(), false));
    assert_eq!(text(&refresh, &question("q")).await, ("answer 2".into(), true));
    assert_eq!(text(&only, &question("q")).await, ("answer 2".into(), true));
}

/// Refuses to save.
struct FullDisk;

impl ReplyStore for FullDisk {
    fn load<'a>(&'a self, _: &'a CacheKey) -> BoxFuture<'a, Result<Option<StoredReply>, ModelError>> {
        Box::pin(async { Ok(None) })
    }

    fn save<'a>(&'a self, _: &'a CacheKey, _: &'a StoredReply) -> BoxFuture<'a, Result<(), ModelError>> {
        Box::pin(async { Err(ModelError::new(ErrorKind::Storage, "disk full")) })
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_stored_is_not_used() {
    let cache = cached(&numbered(), FullDisk, CacheMode::Use);
    assert_eq!(cache.complete(&question("q")).await.unwrap_err().kind(), ErrorKind::Storage);
}

#[test]
fn stored_replies_survive_their_json() {
    let stored =
        StoredReply { model: "m".into(), reply: crate::scripted::reply(&question("q"), &["a\u{0}é"]) };
    let json = serde_json::to_string(&stored).unwrap();
    assert_eq!(serde_json::from_str::<StoredReply>(&json).unwrap(), stored);
}
