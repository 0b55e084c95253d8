//! Recording and replaying through files.

use std::fs;

use super::*;
use crate::record::Recorder;
use crate::scripted::{Scripted, question};

fn numbered() -> Scripted {
    Scripted::answering(|_, call| format!("answer {call}")).with_model("m")
}

/// Records these questions to a new file; its folder goes when the first value is dropped.
async fn recorded(questions: &[Request]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b.jsonl");
    let recorder = Recorder::open(numbered(), &path).unwrap();
    for question in questions {
        recorder.complete(question).await.unwrap();
    }
    (folder, path)
}

async fn answer(replay: &Replay, request: &Request) -> String {
    replay.complete(request).await.unwrap().choices[0].text.clone()
}

#[tokio::test]
async fn what_was_recorded_is_replayed_as_often_as_asked() {
    let (a, b) = (question("q"), Request { draw: 1, ..question("q") });
    let (_folder, path) = recorded(&[a.clone(), b.clone()]).await;
    let replay = Replay::open(&path).unwrap();
    assert_eq!((replay.model(), replay.len(), replay.is_cut()), ("m", 2, false));
    for _ in 0..2 {
        assert_eq!(answer(&replay, &b).await, "answer 1");
        assert_eq!(answer(&replay, &a).await, "answer 0");
    }
    let bundled = Replay::from_lines(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(answer(&bundled, &a).await, "answer 0");
}

#[tokio::test]
async fn a_miss_names_the_nearest_request() {
    let (_folder, path) = recorded(&[question("the first question"), question("something else")]).await;
    let replay = Replay::open(&path).unwrap();
    let check = async |request: Request, expected: &str| {
        let error = replay.complete(&request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRecorded);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("record it again"), "{error}");
    };
    let seed = Request { seed: 8, ..question("the first question") };
    check(seed, "the nearest is line 1: seed 0 recorded, 8 asked").await;
    check(question("something odd"), "line 2: message 1 is 71 % alike and differs from character 11").await;
    let longer = Request { messages: vec![question("q").messages[0].clone(); 2], ..question("q") };
    check(longer, "the nearest is line 1: ").await;
    let error = replay.clone().for_model("x").find(&question("something else")).unwrap_err();
    assert!(error.to_string().contains("line 2: model \"m\" recorded, \"x\" asked"), "{error}");
    let error = Replay::from_lines("").unwrap().find(&question("q")).unwrap_err();
    assert!(error.to_string().contains("the recording is empty"), "{error}");
}

#[tokio::test]
async fn recording_goes_on_where_it_was_cut_off() {
    let questions = [question("q"), question("r")];
    let (_folder, path) = recorded(&questions).await;
    let text = fs::read_to_string(&path).unwrap();
    let first_line = text.find('\n').unwrap() + 1;
    for cut in [1, 10, first_line - 1, first_line, first_line + 40, text.len() - 1] {
        fs::write(&path, &text[..cut]).unwrap();
        let recorder = Recorder::open(numbered(), &path).unwrap();
        for question in &questions {
            recorder.complete(question).await.unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_cut_last_line_is_dropped_and_reported() {
    let (_folder, path) = recorded(&[question("q"), question("r")]).await;
    let text = fs::read_to_string(&path).unwrap();
    let replay = Replay::from_lines(&text[..text.len() - 30]).unwrap();
    assert_eq!((replay.len(), replay.is_cut()), (1, true));
}

#[tokio::test]
async fn damage_is_an_error_with_its_place() {
    let (_folder, path) = recorded(&[question("q"), question("r")]).await;
    let text = fs::read_to_string(&path).unwrap();
    let check = |damaged: String, expected: &str| {
        let error = Replay::from_lines(&damaged).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().starts_with("recording in memory:"), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(text.replace("answer 1", "answer 9"), ":2: the entry differs from its hash");
    check(text.replacen("\"v\":1", "\"v\":7", 1), ":1: version 7 is not 1");
    check(format!("{{}}\n{text}"), ":1: not a recorded reply");
    check(format!("{}\n{}", &text[..40], &text[40..]), ":1: not a recorded reply");
    fs::write(&path, b"\xff\xfe").unwrap();
    assert!(Replay::open(&path).unwrap_err().to_string().contains("no UTF-8 from byte 0"));
    assert!(Replay::open(path.with_extension("none")).unwrap_err().to_string().contains("could not read"));
}

#[tokio::test]
async fn the_last_recording_of_a_request_counts() {
    let (_folder, path) = recorded(&[question("q")]).await;
    let again = Scripted::texts(["other", "other"]).with_model("m");
    let recorder = Recorder::open(again, &path).unwrap();
    recorder.complete(&question("q")).await.unwrap();
    recorder.complete(&question("q")).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert_eq!(answer(&Replay::open(&path).unwrap(), &question("q")).await, "other");
}

#[tokio::test(start_paused = true)]
async fn latency_is_on_tokios_clock() {
    let (_folder, path) = recorded(&[question("q")]).await;
    let replay = Replay::open(&path).unwrap().with_latency(Duration::from_secs(3));
    let start = tokio::time::Instant::now();
    answer(&replay, &question("q")).await;
    assert_eq!(start.elapsed().as_secs(), 3);
}
