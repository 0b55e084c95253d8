//! Profiles of local models, from files on disk to an answer.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::looping;

/// The looping model with a template for conversations.
fn chatting(folder: &Path) -> PathBuf {
    let model = looping::write(folder);
    let template = "{% for message in messages %}{{ message.content }}\n{% endfor %}    elif x ==";
    std::fs::write(model.join("chat_template.jinja"), template).unwrap();
    model
}

/// A path as a value of a configuration.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

/// Asks the looping model once, with further settings of its profile.
fn ask(place: &Sandboxed, more: &[(&str, &str)]) -> Ended {
    let model = chatting(place.path());
    let lines: Vec<String> = more.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let profile = format!(
        "[model.default]\nprovider = \"candle\"\nmax_output_tokens = 90\npath = {}\n{}",
        quoted(&model),
        lines.concat()
    );
    let config = place.file("local.toml", profile);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/merge-intervals.json");
    let limits = ["--set", "search.resample.programs=1", "--strategy", "resample"];
    let asked = ["solve", example, "--json", "--sandbox", "wasm", "--config"];
    Ended::of(place.command(&asked).arg(config).args(limits))
}

#[test]
fn a_draft_model_changes_nothing_that_a_user_sees() {
    let place = Sandboxed::new();
    let draft = quoted(&chatting(place.path()));
    let with_draft = [("draft", draft.as_str())];
    for more in [&[][..], &with_draft, &[("speculation", "\"always\""), ("threads", "1")]] {
        let ended = ask(&place, more);
        let result = ended.json();
        // The answer holds no program, and is asked for once more.
        assert_eq!((&result["calls"], &result["status"]), (&2.into(), &"unsolved".into()), "{ended:?}");
    }
}

#[test]
fn a_draft_model_that_cannot_be_used_is_told_before_anything_is_asked() {
    let place = Sandboxed::new();
    let missing = ask(&place, &[("draft", "\"no-such-model\"")]);
    assert_eq!(missing.code, Some(3), "{missing:?}");
    assert!(missing.stderr.contains("no-such-model"), "{missing:?}");
    let wrong = ask(&place, &[("speculation", "\"sometimes\"")]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("local.toml"), "{wrong:?}");
    let none = ask(&place, &[("threads", "0")]);
    assert_eq!(none.code, Some(2), "{none:?}");
    let folder = place.path().join("other");
    std::fs::create_dir(&folder).unwrap();
    let other = chatting(&folder);
    let tokenizer = std::fs::read_to_string(other.join("tokenizer.json")).unwrap();
    std::fs::write(other.join("tokenizer.json"), tokenizer.replace("    elif x ==", "    elif y =="))
        .unwrap();
    let differs = ask(&place, &[("draft", &quoted(&other))]);
    assert_eq!(differs.code, Some(3), "{differs:?}");
    assert!(differs.stderr.contains("another vocabulary"), "{differs:?}");
}

#[test]
fn bench_times_what_it_is_asked_for() {
    let place = Sandboxed::new();
    let model = looping::write(place.path());
    let asked =
        ["model", "bench", model.to_str().unwrap(), "--prompt", "20", "--tokens", "5", "--rows", "1,3"];
    let figures = Ended::of(place.command(&asked).arg("--json")).json();
    for figure in ["prefill", "decode_1", "decode_3", "score_16"] {
        assert!(figures.get(figure).and_then(serde_json::Value::as_f64).unwrap() > 0.0, "{figures}");
    }
    let table = Ended::of(&mut place.command(&asked));
    assert!(table.stdout.contains("decode, 3 rows"), "{table:?}");
    let none = Ended::of(place.command(&asked).args(["--rows", "0"]));
    assert_eq!(none.code, Some(2), "{none:?}");
}
