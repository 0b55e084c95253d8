//! The help texts are part of the interface.

mod common;

use common::Home;

#[test]
fn help_of_every_verb() {
    let verbs = [
        "",
        "solve",
        "eval",
        "worker",
        "queue",
        "queue status",
        "queue pause",
        "queue resume",
        "queue cancel",
        "queue reset",
        "estimate",
        "report",
        "watch",
        "verify",
        "score",
        "datasets",
        "compare",
        "export",
        "import",
        "rank",
        "critic train",
        "critic test",
        "reranker train",
        "reranker test",
        "modules",
        "falsify",
        "exec",
        "show",
        "view",
        "config",
        "config show",
        "config check",
        "config path",
        "sandbox",
        "sandbox prepare",
        "sandbox info",
        "sandbox selftest",
        "sandbox run",
        "providers",
        "doctor",
        "completions",
        "man",
    ];
    for verb in verbs {
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let ended = Home::new().run(&arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{verb}");
        let name =
            format!("help-{}", if verb.is_empty() { "codeagent".to_owned() } else { verb.replace(' ', "-") });
        insta::assert_snapshot!(name, ended.stdout);
    }
}

#[test]
fn every_verb_has_an_example_and_the_exit_codes() {
    for verb in [
        "solve",
        "eval",
        "worker",
        "queue",
        "estimate",
        "report",
        "watch",
        "verify",
        "score",
        "datasets",
        "compare",
        "export",
        "import",
        "rank",
        "critic train",
        "critic test",
        "reranker train",
        "reranker test",
        "modules",
        "falsify",
        "exec",
        "show",
        "view",
        "sandbox run",
        "sandbox prepare",
        "providers",
        "doctor",
        "completions",
        "man",
    ] {
        let arguments: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let help = Home::new().run(&arguments).stdout;
        assert!(help.contains("Example:\n  ") || help.contains("Examples:\n  "), "{verb}: no example");
        assert!(help.contains("Exit codes:"), "{verb}: no exit codes");
    }
}

#[test]
fn version_is_a_result() {
    let ended = Home::new().run(&["--version"]);
    assert_eq!(ended.stdout, format!("codeagent {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_name_the_verbs() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = Home::new().run(&["completions", shell]);
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.contains("providers"), "{shell}");
    }
}

#[test]
fn manual_pages_are_written_for_every_verb() {
    let home = Home::new();
    let ended = home.run(&["man", "pages/man1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for page in ["codeagent.1", "codeagent-exec.1", "codeagent-config-show.1"] {
        assert!(ended.stdout.contains(page), "{}", ended.stdout);
        let text =
            std::fs::read_to_string(home.path("tree/pages/man1").join(page)).expect("the page was written");
        assert!(text.contains(".TH"));
    }
    home.write("file", "");
    assert_eq!(home.run(&["man", "file/x"]).code, Some(2));
}
