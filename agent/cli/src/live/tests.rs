use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn environment(state: &Path) -> Environment {
    let state = ("XDG_STATE_HOME".to_owned(), state.display().to_string());
    Environment::new([state], PathBuf::from("/"))
}

fn about() -> About {
    About {
        run_id: "0123456789abcdef".to_owned(),
        verb: "eval",
        subject: "puzzles.jsonl".to_owned(),
        folder: PathBuf::from("/runs/one"),
    }
}

async fn check(state: &Path) {
    let environment = environment(state);
    let (pause, stop) = (Pause::default(), Stop::default());
    let mut live = Live::open(about(), pause.clone(), stop.clone(), &environment);
    assert_eq!(live.news(), None);
    live.progress("1 of 2".to_owned());
    let (runs, silent) = found(&environment).await;
    assert_eq!((runs.len(), silent), (1, 0));
    let said = &runs[0].answer;
    assert_eq!((said.state, said.progress.as_str()), (State::Running, "1 of 2"));

    assert_eq!(runs[0].ask(Wish::Pause).await.unwrap().state, State::Paused);
    assert!(pause.is_paused() && live.news().unwrap().starts_with("paused"));
    assert_eq!(runs[0].ask(Wish::Resume).await.unwrap().state, State::Running);
    assert_eq!((pause.is_paused(), live.news().as_deref()), (false, Some("going on")));
    assert_eq!(runs[0].ask(Wish::Cancel).await.unwrap().state, State::Stopping);
    assert_eq!(stop.exit(), Some(crate::failure::Exit::Capped));

    drop(live);
    assert!(found(&environment).await.0.is_empty());
}

#[tokio::test]
async fn a_run_is_found_paused_and_cancelled() {
    check(tempfile::tempdir().unwrap().path()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn paths_too_long_for_a_socket_do() {
    let folder = tempfile::tempdir().unwrap();
    check(&folder.path().join("x".repeat(200))).await;
}

#[tokio::test]
async fn what_is_no_question_is_not_answered_and_the_next_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path());
    let live = Live::open(about(), Pause::default(), Stop::default(), &environment);
    for nonsense in ["", "\n", "{}\n", "[[[[", "{\"v\":1,\"wish\":\"explode\"}\n"] {
        let mut stream = UnixStream::connect(live.socket().unwrap()).await.unwrap();
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "");
    }
    assert_eq!(found(&environment).await.0.len(), 1);
}

#[tokio::test]
async fn sockets_of_killed_processes_are_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path());
    let live = Live::open(about(), Pause::default(), Stop::default(), &environment);
    // No process has this number: it is larger than the system's largest one.
    let left = live.socket().unwrap().with_file_name("2147483646.sock");
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    assert!(left.exists());
    assert_eq!(found(&environment).await.0.len(), 1);
    assert!(!left.exists());
}

#[tokio::test]
async fn without_a_place_the_run_goes_on_and_says_so_once() {
    let environment = Environment::new([], PathBuf::from("/"));
    let mut live = Live::open(about(), Pause::default(), Stop::default(), &environment);
    assert_eq!(live.socket(), None);
    assert!(live.news().unwrap().contains("XDG_STATE_HOME"));
    assert_eq!(live.news(), None);
}
