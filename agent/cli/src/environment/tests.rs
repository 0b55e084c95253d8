//! Tests of the environment and of `.env` files.

use super::*;

fn with(variables: &[(&str, &str)]) -> Environment {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::new(owned, PathBuf::from("/nowhere"))
}

#[test]
fn dotenv_lines_are_read() {
    let cases = [
        ("A=1", Some(("A", "1"))),
        ("export B = two words # note", Some(("B", "two words"))),
        ("C=\"x # y\" # z", Some(("C", "x # y"))),
        ("D='it = so'", Some(("D", "it = so"))),
        ("E=", Some(("E", ""))),
        ("  # comment", None),
        ("", None),
    ];
    for (line, expected) in cases {
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(dotenv_line(line), Ok(expected), "{line}");
    }
}

#[test]
fn bad_dotenv_lines_are_named_without_their_text() {
    for line in ["no equals", "1A=x", "A=\"open", "A='x' y", "=x"] {
        let (reason, _) = dotenv_line(line).unwrap_err();
        assert!(!reason.contains(line));
    }
}

#[test]
fn the_real_environment_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "A=file\nB=file\n").unwrap();
    let mut environment =
        Environment::new([("A".to_owned(), "real".to_owned())], folder.path().to_path_buf());
    environment.add_file(Path::new(".env")).unwrap();
    assert_eq!(environment.variable("A"), Some("real"));
    assert_eq!(environment.variable("B"), Some("file"));
}

#[test]
fn the_line_of_a_bad_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("e"), "A=1\nsk-secret\n").unwrap();
    let mut environment = Environment::new([], folder.path().to_path_buf());
    let failure = environment.add_file(Path::new("e")).unwrap_err().to_string();
    assert_eq!(
        failure,
        "e:2:1: no `=` in this line; write `NAME=value`, with quotes around a value that holds spaces or #"
    );
}

#[test]
fn folders_follow_xdg() {
    let home = with(&[("HOME", "/home/u")]);
    assert_eq!(home.user_config(), Some(PathBuf::from("/home/u/.config/codeagent/config.toml")));
    assert_eq!(home.cache_dir(), Some(PathBuf::from("/home/u/.cache/codeagent")));
    let named = with(&[("HOME", "/home/u"), ("XDG_STATE_HOME", "/s"), ("XDG_CACHE_HOME", "relative")]);
    assert_eq!(named.state_dir(), Some(PathBuf::from("/s/codeagent")));
    assert_eq!(named.cache_dir(), Some(PathBuf::from("/home/u/.cache/codeagent")));
    assert_eq!(with(&[]).state_dir(), None);
}

#[test]
fn secrets_are_known_by_name() {
    for name in ["OPENAI_API_KEY", "api-token", "DB_PASSWORD"] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in ["HOME", "KEYBOARD", "MONKEY"] {
        assert!(!is_secret_name(name), "{name}");
    }
    let environment = with(&[("X_KEY", "abcd"), ("Y_KEY", "abc"), ("HOME", "/home")]);
    assert_eq!(environment.secrets().collect::<Vec<_>>(), ["abcd"]);
}
