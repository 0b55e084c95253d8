//! Lexers of all languages: no panic, lexemes in order within the text, and the same however the bytes are cut.
//!
//! Run with `cargo +nightly fuzz run lexer` in `models/`.
#![no_main]

use codeagent_models::decode::{Language, Lexeme, Lexer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (language, size, bytes) = input;
    let language = Language::ALL[usize::from(language) % Language::ALL.len()];
    let whole = lex(language, bytes, bytes.len().max(1));
    assert_eq!(lex(language, bytes, usize::from(size).max(1)), whole);
    let mut end = 0;
    for lexeme in whole {
        assert!(end <= lexeme.start && lexeme.start <= lexeme.end && lexeme.end <= bytes.len());
        end = lexeme.end;
    }
});

fn lex(language: Language, bytes: &[u8], chunk: usize) -> Vec<Lexeme> {
    let (mut lexer, mut lexemes) = (Lexer::new(language), Vec::new());
    for part in bytes.chunks(chunk) {
        lexer.push(part, &mut |lexeme| lexemes.push(lexeme));
    }
    lexer.finish(&mut |lexeme| lexemes.push(lexeme));
    lexemes
}
