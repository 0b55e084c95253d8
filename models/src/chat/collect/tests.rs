//! Replies and streams in the forms that servers send, good and bad.

use serde_json::{Value, json};

use super::*;
use crate::scripted::question;

fn wire(value: Value) -> WireReply {
    serde_json::from_value(value).unwrap()
}

fn whole(n: u32, value: Value) -> Result<Reply, ModelError> {
    let mut collector = Collector::default();
    collector.whole("h", wire(value)).map_err(|failure| failure.error)?;
    let request = Request { n, ..question("a question") };
    collector.finish("h", "m", &request).map_err(|failure| failure.error)
}

fn stream(chunks: &[Value]) -> Result<Reply, ModelError> {
    let mut collector = Collector::default();
    for chunk in chunks {
        collector.chunk("h", wire(chunk.clone())).map_err(|failure| failure.error)?;
    }
    collector.finish("h", "m", &question("a question")).map_err(|failure| failure.error)
}

fn one(message: Value, finish: &str) -> Value {
    json!({"choices": [{"message": message, "finish_reason": finish}]})
}

fn delta(content: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn kind(result: Result<Reply, ModelError>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_plain_reply() {
    let reply = whole(
        1,
        json!({"id": "x1", "model": "real-name", "choices": [{"index": 0, "message": {"role": "assistant",
            "content": "hello"}, "finish_reason": "stop", "logprobs": {"content": [{"logprob": -1.0},
            {"logprob": -2.0}, {"logprob": null}]}}], "usage": {"prompt_tokens": 9, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2}}}),
    );
    let reply = reply.unwrap();
    assert_eq!(reply.choices[0].text, "hello");
    assert_eq!((reply.choices[0].finish.clone(), reply.choices[0].mean_logprob), (Finish::Stop, Some(-1.5)));
    let usage = crate::Usage { input: 9, cached: 4, output: 5, reasoning: 2, estimated: false };
    assert_eq!((reply.usage, reply.model.as_str(), reply.id.as_deref()), (usage, "real-name", Some("x1")));
}

#[test]
fn finish_reasons() {
    let finish = |reason| whole(1, one(json!({"content": "a"}), reason)).unwrap().choices[0].finish.clone();
    assert_eq!(finish("length"), Finish::Length);
    assert_eq!(finish("content_filter"), Finish::ContentFilter);
    assert_eq!(finish("abort\u{7}"), Finish::Other("abort\\u{7}".into()));
}

#[test]
fn thought_is_kept_apart() {
    let check = |text: &str, thought: Option<&str>, rest: &str| {
        let choice = whole(1, one(json!({"content": text}), "stop")).unwrap().choices.remove(0);
        assert_eq!((choice.reasoning.as_deref(), choice.text.as_str()), (thought, rest), "{text}");
    };
    check("<think>\nhm\n</think>\n\ncode", Some("hm"), "code");
    check("  <think>hm</think>a </think> b", Some("hm"), "a </think> b");
    check("hm\n</think>\ncode", Some("hm"), "code");
    check("<think>cut", Some("cut"), "");
    check("<think></think>code", None, "code");
    check("a <think> b </think>", None, "a <think> b </think>");
}

#[test]
fn faults_of_whole_replies() {
    assert_eq!(kind(whole(1, json!({}))), ErrorKind::Transient);
    assert_eq!(kind(whole(1, json!({"choices": []}))), ErrorKind::Transient);
    assert_eq!(kind(whole(1, json!({"choices": null}))), ErrorKind::Transient);
    assert_eq!(kind(whole(1, json!({"choices": [{"message": {"content": "a"}}]}))), ErrorKind::Transient);
    assert_eq!(kind(whole(1, one(json!({"content": null}), "stop"))), ErrorKind::Transient);
    assert_eq!(kind(whole(1, one(json!({"content": 42}), "stop"))), ErrorKind::Transient);
    assert_eq!(kind(whole(1, one(json!({"content": null}), "content_filter"))), ErrorKind::Filtered);
    assert_eq!(kind(whole(1, one(json!({"content": null, "refusal": "no"}), "stop"))), ErrorKind::Filtered);
    assert_eq!(kind(whole(1, json!({"error": {"message": "x", "code": 429}}))), ErrorKind::RateLimited);
    assert_eq!(kind(whole(2, one(json!({"content": "a"}), "stop"))), ErrorKind::BadRequest);
}

#[test]
fn what_is_no_fault() {
    let text = |reply: Value| whole(1, reply).unwrap().choices[0].text.clone();
    assert_eq!(text(one(json!({"content": ""}), "stop")), "");
    assert_eq!(text(one(json!({"content": null, "reasoning": "long"}), "length")), "");
    assert_eq!(text(one(json!({"content": "a\u{0}b"}), "stop")), "a\u{fffd}b");
    assert_eq!(text(json!({"choices": [{"text": "old", "finish_reason": "stop"}]})), "old");
    let two = json!({"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"},
        {"index": 0, "message": {"content": "b"}, "finish_reason": "stop"}]});
    assert_eq!(whole(2, two.clone()).unwrap().choices[1].text, "b");
    assert_eq!(whole(1, two).unwrap().choices.len(), 1);
}

#[test]
fn a_stream_adds_up() {
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}});
    let reply = stream(&[delta(""), delta("he"), delta("llo"), end("stop"), usage.clone(), usage]).unwrap();
    assert_eq!((reply.choices[0].text.as_str(), reply.usage.output), ("hello", 2));
}

#[test]
fn duplicates_after_the_end_are_dropped() {
    let last = json!({"choices": [{"index": 0, "delta": {"content": "!"}, "finish_reason": "stop"}]});
    let reply = stream(&[delta("hi"), last.clone(), last, delta("hi"), end("length")]).unwrap();
    assert_eq!((reply.choices[0].text.as_str(), &reply.choices[0].finish), ("hi!", &Finish::Stop));
}

#[test]
fn faults_of_streams() {
    assert_eq!(kind(stream(&[])), ErrorKind::Transient);
    assert_eq!(kind(stream(&[delta("half")])), ErrorKind::Transient);
    assert_eq!(kind(stream(&[end("stop")])), ErrorKind::Transient);
    assert_eq!(kind(stream(&[delta("a"), json!({"error": {"message": "gone"}})])), ErrorKind::Transient);
    let wild = json!({"choices": [{"index": 4_000_000, "delta": {"content": "a"}, "finish_reason": "stop"}]});
    assert_eq!(kind(stream(&[wild])), ErrorKind::Transient);
}

#[test]
fn absurd_usage_is_estimated_and_marked() {
    for usage in [
        json!(null),
        json!("many"),
        json!({"prompt_tokens": 0, "completion_tokens": 1}),
        json!({"prompt_tokens": 9}),
        json!({"prompt_tokens": -9, "completion_tokens": 1}),
        json!({"prompt_tokens": 9, "completion_tokens": 0}),
        json!({"prompt_tokens": 9_000_000_000_u64, "completion_tokens": 1}),
        json!({"prompt_tokens": 9, "completion_tokens": 18_446_744_073_709_551_615_u64}),
        json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 10}}),
        json!({"prompt_tokens": 9, "completion_tokens": 1, "completion_tokens_details": {"reasoning_tokens": 2}}),
    ] {
        let mut reply = one(json!({"content": "hello"}), "stop");
        reply["usage"] = usage.clone();
        let settled = whole(1, reply).unwrap().usage;
        assert!(settled.estimated && settled.input > 0 && settled.output == 2, "{usage}: {settled:?}");
    }
}

#[test]
fn answers_that_repeat_themselves_are_cut() {
    let collect = |cuts: bool| {
        let mut collector = Collector::new(cuts);
        for part in ["x = 1\n", "y "].into_iter().chain(["= 2  # y\n", "y "].repeat(60)) {
            collector.chunk("h", wire(delta(part))).map_err(|failure| failure.error).unwrap();
        }
        collector
    };
    let cut = collect(true);
    assert!(cut.is_cut(1) && !cut.is_cut(2));
    let reply = cut.finish("h", "m", &question("q")).map_err(|failure| failure.error).unwrap();
    assert_eq!(reply.choices[0].text, "x = 1\ny = 2  # y\n");
    assert_eq!(reply.choices[0].finish, Finish::Repetition);

    let mut whole = collect(false);
    assert!(!whole.is_cut(1));
    whole.chunk("h", wire(end("stop"))).map_err(|failure| failure.error).unwrap();
    let reply = whole.finish("h", "m", &question("q")).map_err(|failure| failure.error).unwrap();
    assert_eq!((reply.choices[0].text.lines().count(), &reply.choices[0].finish), (62, &Finish::Stop));
}
