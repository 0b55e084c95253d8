//! Everything that is refused: the line that is shown for it is a snapshot.

use super::*;

/// A file and, in the snapshot, the line that refuses it.
const FILES: &[(&str, &[u8])] = &[
    ("unknown table", b"[modle.default]\nmodel = \"x\"\n"),
    ("unknown key", b"[budget]\ncals = 40\n"),
    ("key of another table", b"calls = 40\n"),
    ("key unlike any other", b"[limits]\n\n  zebra = 1\n"),
    ("unknown key in a profile", b"[model.a]\nbase_ulr = \"http://x\"\n"),
    ("unknown key in a price", b"[price.\"gpt-4.1\"]\ninptu = 1\n"),
    ("unknown key inline", b"budget = { calls = 1, cls = 2 }\n"),
    ("the key itself in the file", b"[model.a]\napi_key = \"sk-canary-1\"\n"),
    ("the key as the variable's name", b"[model.a]\napi_key_env = \"sk-canary-1\"\n"),
    ("text for a number", b"[budget]\ncalls = \"forty\"\n"),
    ("number for a text", b"[search]\nstrategy = 3\n"),
    ("fraction for a whole number", b"[budget]\ncalls = 1.5\n"),
    ("truth value for a number", b"[sandbox]\nmemory_mib = true\n"),
    ("text for a truth value", b"[telemetry]\ncontent = \"yes\"\n"),
    ("value for a table", b"budget = 3\n"),
    ("table for a value", b"[search.strategy]\nname = \"x\"\n"),
    ("value for a strategy's table", b"[search]\nstratgy = \"resample\"\n"),
    ("list for a text", b"[search]\nstrategy = [\"a\"]\n"),
    ("text for a list", b"trusted = \"/work\"\n"),
    ("number in a list of texts", b"trusted = [1]\n"),
    ("date for a number", b"[budget]\nseconds = 2020-01-01\n"),
    ("below the range", b"[budget]\ncalls = 0\n"),
    ("negative", b"[budget]\nrun_usd = -0.5\n"),
    ("above the range", b"[model.a]\ntemperature = 2.5\n"),
    ("not a number", b"[sandbox]\nwall_seconds = nan\n"),
    ("infinite", b"[sandbox]\nwall_seconds = inf\n"),
    ("beyond 64 bits", b"[budget]\ncalls = 99999999999999999999\n"),
    ("bad unit", b"[model.a]\nconnect_timeout = \"5 parsecs\"\n"),
    ("time without a number", b"[model.a]\nidle_timeout = \"s\"\n"),
    ("time of nothing", b"[model.a]\nidle_timeout = 0\n"),
    ("time out of range", b"[model.a]\nidle_timeout = \"400d\"\n"),
    ("concurrency of nothing", b"[limits]\nconcurrency = 0\n"),
    ("concurrency reversed", b"[limits]\nconcurrency = \"32-4\"\n"),
    ("concurrency in words", b"[limits]\nconcurrency = \"many\"\n"),
    ("unknown provider", b"[model.a]\nprovider = \"olama\"\n"),
    ("unknown sandbox", b"[sandbox]\nkind = \"docker\"\n"),
    ("bad address", b"[model.a]\nbase_url = \"127.0.0.1:8000\"\n"),
    ("address of another kind", b"[model.a]\nbase_url = \"ftp://host/v1\"\n"),
    ("address with credentials", b"[model.a]\nbase_url = \"http://me:sk-canary-1@host/v1\"\n"),
    ("address with a query", b"[model.a]\nbase_url = \"http://host/v1?key=sk-canary-1\"\n"),
    ("address without a host", b"[model.a]\nbase_url = \"http://\"\n"),
    ("unknown store", b"[store]\nurl = \"mysql://x/y\"\n"),
    ("store with a password", b"[store]\nurl = \"postgres://me:sk-canary-1@host/db\"\n"),
    ("bad collector", b"[telemetry]\notlp_endpoint = \"collector\"\n"),
    ("half a price", b"[price.m]\ninput = 1.0\n"),
    ("cached above uncached", b"[price.m]\ninput = 1.0\noutput = 1.0\ncached_input = 2.0\n"),
    ("problem dearer than run", b"[budget]\nper_problem_usd = 2.0\nrun_usd = 1.0\n"),
    ("more CPU than wall", b"[sandbox]\nwall_seconds = 5\ncpu_seconds = 10\n"),
    ("replay without a path", b"[model.a]\nprovider = \"replay\"\n"),
    (
        "replay with an address",
        b"[model.a]\nprovider = \"replay\"\npath = \"x\"\nbase_url = \"http://x/v1\"\n",
    ),
    ("server with a path", b"[model.a]\nprovider = \"vllm\"\npath = \"x\"\n"),
    ("trusted, not in the user's file", b"trusted = [\"/work\"]\n"),
    ("a key twice", b"[budget]\ncalls = 1\ncalls = 2\n"),
    ("a table twice", b"[budget]\ncalls = 1\n[budget]\n"),
    ("an open text", b"[search]\nstrategy = \"x\n"),
    ("an open table", b"[budget\n"),
    ("no value", b"[budget]\ncalls =\n"),
    ("JSON", b"{\"budget\": {\"calls\": 1}}\n"),
    ("not UTF-8", b"[search]\nstrategy = \"\xff\"\n"),
    ("UTF-16", b"\xff\xfe[\0b\0"),
    ("NUL", b"[search]\nstrategy = \"a\0b\"\n"),
    ("NUL, escaped", b"[search]\nstrategy = \"a\\u0000b\"\n"),
    ("control characters in a key", b"\"\\u001b[2J\" = 1\n"),
    ("position in characters", "[search]\n\"é\" = { \"ü\" = 1 }\nx = 1\n".as_bytes()),
];

#[test]
fn bad_files_are_refused_with_position_and_remedy() {
    let mut lines = String::new();
    for (name, bytes) in FILES {
        let place = Place::new();
        place.write("tree/project/src/c.toml", bytes);
        let line = place.failure(&file("c.toml"));
        assert!(line.starts_with("c.toml:"), "{name}: no position: {line}");
        assert!(line.contains("; "), "{name}: no remedy: {line}");
        assert!(!line.contains("canary"), "{name}: a secret: {line}");
        lines += &format!("{name}\n    {line}\n");
    }
    assert!(FILES.len() >= 30);
    insta::assert_snapshot!("bad_files", lines);
}

#[test]
fn bad_texts_of_flags_and_variables_are_refused() {
    let mut lines = String::new();
    for text in [
        "budget.calls",
        "=3",
        "budget..calls=3",
        "budget=3",
        "budget.cals=3",
        "budget.calls=forty",
        "budget.calls=",
        "model.a.base_url=http://u:sk-canary-1@h/v1",
        "model.a.idle_timeout=5 parsecs",
        "sandbox.kind=docker",
        "trusted=/",
        "search.strategy.x=1",
    ] {
        lines += &format!("--set {text:?}\n    {}\n", Place::new().failure(&set(&[text])));
    }
    for (name, value) in [
        ("CODEAGENT_BUDGET__CALLS", "forty"),
        ("CODEAGENT_BUDGET__CALS", "40"),
        ("CODEAGENT_BUDGET_CALLS", "40"),
        ("CODEAGENT_MODEL__A__API_KEY", "sk-canary-1"),
    ] {
        lines += &format!("{name}\n    {}\n", Place::new().variable(name, value).failure(&Flags::default()));
    }
    assert!(!lines.replace("--set \"model.a.base_url=http://u:sk-canary-1@h/v1\"", "").contains("canary"));
    insta::assert_snapshot!("bad_texts", lines);
}

#[test]
fn flags_that_disagree_are_refused() {
    let named = vec![("--max-cost", "budget.run_usd", "2".to_owned())];
    let flags = Flags { named, ..set(&["budget.run_usd=1"]) };
    insta::assert_snapshot!(
        Place::new().failure(&flags),
        @"--set budget.run_usd: conflicts with --max-cost; give one of them"
    );
    let named = vec![("--max-cost", "budget.run_usd", "2".to_owned())];
    assert!(Place::new().load(&Flags { named, ..set(&["budget.run_usd=2"]) }).is_ok());
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path("tree/project/src/folder.toml")).unwrap();
    place.write("tree/project/src/large.toml", vec![b'#'; (1 << 20) + 1]);
    let mut lines = String::new();
    for name in ["absent.toml", "folder.toml", "large.toml", "/dev/zero", ""] {
        lines += &format!("{name:?}\n    {}\n", place.failure(&file(name)));
    }
    insta::assert_snapshot!("bad_paths", lines);
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_circle_of_links_are_refused_at_once() {
    let place = Place::new();
    std::os::unix::fs::symlink("loop.toml", place.path("tree/project/src/loop.toml")).unwrap();
    assert!(place.failure(&file("loop.toml")).starts_with("loop.toml: cannot be read"));
    let pipe = place.path("tree/project/src/pipe.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(place.failure(&file("pipe.toml")).starts_with("pipe.toml: not a regular file"));
    }
}

#[test]
fn brackets_without_end_are_refused() {
    let place = Place::new();
    place.write("tree/project/src/deep.toml", format!("x = {}", "[".repeat(100_000)));
    assert!(place.failure(&file("deep.toml")).starts_with("deep.toml:1:"));
}

#[test]
fn a_hidden_mistake_is_still_a_mistake() {
    let place = Place::new();
    place.user("[budget]\ncalls = \"forty\"\n");
    assert!(place.failure(&set(&["budget.calls=3"])).contains("config.toml:2:9"));
}
