use super::*;

fn tokenizer() -> LocalTokenizer {
    LocalTokenizer::from_json(crate::local::fixture::tokenizer_json().as_bytes(), "t").unwrap()
}

#[test]
fn tokens_spell_the_bytes_of_the_text() {
    let (tokenizer, text) = (tokenizer(), "abé\n    x");
    let tokens = tokenizer.encode(text).unwrap();
    let vocabulary = tokenizer.vocabulary(vec![257]);
    let spelt: Vec<u8> = tokens.iter().flat_map(|token| vocabulary.bytes(*token)).copied().collect();
    assert_eq!(spelt, text.as_bytes());
    assert_eq!(tokens[0], 256);
    assert!(tokens.contains(&258));
    assert_eq!(vocabulary.bytes(257), b"");
}

#[test]
fn foreign_texts_spell_no_special_tokens() {
    let tokenizer = tokenizer();
    assert!(tokenizer.encode("a<|end|>b").unwrap().contains(&257));
    let defused = tokenizer.defuse("a<|end|>b");
    assert_eq!(defused, "a< |end|>b");
    assert!(!tokenizer.encode(&defused).unwrap().contains(&257));
}

#[test]
fn bad_files_are_errors() {
    for bad in ["", "{}", "[1]", r#"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}"#] {
        assert_eq!(
            LocalTokenizer::from_json(bad.as_bytes(), "t").unwrap_err().kind(),
            LoadErrorKind::Tokenizer
        );
    }
}
