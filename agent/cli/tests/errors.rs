//! What goes wrong: the exit code, the lines on stderr, and the object of `--json`.

mod common;

use common::{Ended, Home};

#[test]
fn failures_are_shown_as_documented() {
    let home = Home::new();
    home.write("bad.toml", "[budget]\ncals = 1\n");
    home.write("none.toml", "[sandbox]\nkind = \"none\"\n");
    home.write("latin.py", b"# \xe9\n");
    home.write("bad.env", "sk-canary-1\n");
    home.write("ok.py", "print(1)\n");
    let cases: &[&[&str]] = &[
        &["config", "check", "--config", "bad.toml"],
        &["config", "check", "--config", "absent.toml"],
        &["config", "check", "--set", "budget.calls=many"],
        &["config", "check", "--env-file", "absent.env"],
        &["config", "check", "--env-file", "bad.env"],
        &["exec", "absent.py"],
        &["exec", "latin.py"],
        &["exec", "-", "--stdin", "-"],
        &["exec", "ok.py", "--sandbox", "none"],
        &["exec", "ok.py", "--config", "none.toml"],
        &["exec", "ok.py", "--memory", "1"],
        &["exec", "ok.py", "--timeout", "5 parsecs"],
        &["exec", "ok.py", "--sandbox", "docker"],
        &["providers", "-m", "absent"],
        &["providers", "--base-url", "http://me:sk-canary-1@host/v1"],
        &["config", "check", "--quiet", "--verbose"],
        &["sovle", "x"],
    ];
    let mut all = String::new();
    for arguments in cases {
        let ended = home.run(arguments);
        assert_eq!(ended.stdout, "", "{arguments:?}: an error on stdout");
        let expected = if arguments.iter().any(|word| word.ends_with(".py")) && ended.stderr.contains(".py:")
        {
            6
        } else {
            2
        };
        assert_eq!(ended.code, Some(expected), "{arguments:?}: {}", ended.stderr);
        all += &format!("$ codeagent {}\n{}\n", arguments.join(" "), ended.stderr);
    }
    assert!(
        !all.replace("$ codeagent providers --base-url http://me:sk-canary-1@host/v1", "").contains("canary")
    );
    insta::assert_snapshot!("failures", all);
}

#[test]
fn json_failures_are_one_object_on_stdout() {
    let home = Home::new();
    for arguments in [
        ["--json", "config", "check", "--set", "budget.cals=1"].as_slice(),
        ["config", "check", "--json", "--set", "budget.cals=1"].as_slice(),
        ["exec", "absent.py", "--json"].as_slice(),
        ["sovle", "--json"].as_slice(),
    ] {
        let ended = home.run(arguments);
        assert!(matches!(ended.code, Some(2 | 6)), "{ended:?}");
        let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(object["event"], "error", "{arguments:?}");
        assert!(object["message"].is_string() && object["kind"].is_string(), "{arguments:?}");
        assert_eq!(ended.stdout.lines().count(), 1);
        assert!(!ended.stderr.is_empty(), "stderr says it too");
    }
}

#[test]
fn a_missing_key_ends_with_3_and_a_remedy() {
    let home = Home::new();
    home.write(
        "c.toml",
        "[model.m]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"x\"\napi_key_env = \"MINE\"\n",
    );
    let ended = home.run(&["providers", "--probe", "-m", "m", "--config", "c.toml"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("MINE is not set"), "{ended:?}");
}

#[test]
fn a_dead_server_ends_with_3_and_the_key_stays_secret() {
    let home = Home::new();
    home.write(
        "c.toml",
        "[model.m]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"x\"\napi_key_env = \"MINE\"\n",
    );
    let arguments = ["providers", "--probe", "--json", "-vvv", "-m", "m", "--config", "c.toml"];
    let output = home.command(arguments).env("MINE", "sk-canary-12345").output().unwrap();
    let ended = Ended::of(&output, home.root());
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
    let listing: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(listing["profiles"][0]["probe"]["ok"], false);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let home = Home::new();
    let mut child =
        home.command(["completions", "bash"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
