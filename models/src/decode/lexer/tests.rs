use proptest::prelude::*;

use super::*;

fn lex(chunks: &[&[u8]], language: Language) -> Vec<Lexeme> {
    let (mut lexer, mut lexemes) = (Lexer::new(language), Vec::new());
    for chunk in chunks {
        lexer.push(chunk, &mut |lexeme| lexemes.push(lexeme));
    }
    lexer.finish(&mut |lexeme| lexemes.push(lexeme));
    lexemes
}

fn name(lexeme: Lexeme, text: &str) -> String {
    match lexeme.terminal {
        Terminal::Newline => "NL".to_owned(),
        Terminal::Break => "BR".to_owned(),
        Terminal::Indent => "IN".to_owned(),
        Terminal::Dedent => "DE".to_owned(),
        Terminal::Name => format!("n:{}", &text[lexeme.start..lexeme.end]),
        Terminal::Number => format!("#:{}", &text[lexeme.start..lexeme.end]),
        Terminal::String => format!("s:{}", &text[lexeme.start..lexeme.end]),
        Terminal::Comment => format!("c:{}", &text[lexeme.start..lexeme.end]),
        _ => text[lexeme.start..lexeme.end].to_owned(),
    }
}

fn check(language: Language, text: &str, expected: &[&str]) {
    let found: Vec<String> =
        lex(&[text.as_bytes()], language).into_iter().map(|lexeme| name(lexeme, text)).collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn python() {
    let check = |text, expected| check(Language::Python, text, expected);
    check(
        "if x:\n    y = 1\n\n# c\nz\n",
        &["if", "n:x", ":", "NL", "IN", "n:y", "=", "#:1", "NL", "c:# c", "DE", "n:z", "NL"],
    );
    check("f(\n a,\n)", &["n:f", "(", "BR", "n:a", ",", "BR", ")", "NL"]);
    check(
        "a = b'\\'' + rb\"x\" + '' + f'{d[\"k\"]!r:>{w}}' \\\n + 1.5e-3",
        &[
            "n:a",
            "=",
            "s:b'\\''",
            "+",
            "s:rb\"x\"",
            "+",
            "s:''",
            "+",
            "s:f'{d[\"k\"]!r:>{w}}'",
            "+",
            "#:1.5e-3",
            "NL",
        ],
    );
    check("'''a\n\"b''\n''' ** -0x1F", &["s:'''a\n\"b''\n'''", "**", "-", "#:0x1F", "NL"]);
    check("f'{x['a']}' f'{{' f'{f'{y}'}'", &["s:f'{x['a']}'", "s:f'{{'", "s:f'{f'{y}'}'", "NL"]);
    check("x: int = ... ; y -= .5", &["n:x", ":", "n:int", "=", "...", ";", "n:y", "-=", "#:.5", "NL"]);
    check("x = 'open\ny\n", &["n:x", "=", "s:'open", "NL", "n:y", "NL"]);
    check("(\n```\nz\n", &["(", "BR", "", "NL", "n:z", "NL"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn languages_with_braces() {
    check(
        Language::Rust,
        "fn f<'a>(x: &'a str) -> u8 { let c = '\\''; r#\"\"\"# /* /* */ */ 0..9 }",
        &[
            "fn",
            "n:f",
            "<",
            "'",
            "n:a",
            ">",
            "(",
            "n:x",
            ":",
            "&",
            "'",
            "n:a",
            "n:str",
            ")",
            "->",
            "n:u8",
            "{",
            "NL",
            "IN",
            "let",
            "n:c",
            "=",
            "s:'\\''",
            ";",
            "NL",
            "s:r#\"\"\"#",
            "c:/* /* */ */",
            "#:0",
            "..",
            "#:9",
            "NL",
            "DE",
            "}",
        ],
    );
    check(
        Language::Go,
        "x := `a\nb`\nif x {\n\treturn\n}\n",
        &["n:x", ":=", "s:`a\nb`", "NL", "if", "n:x", "{", "NL", "IN", "return", "NL", "DE", "}"],
    );
    check(
        Language::JavaScript,
        "let s = `${a ? '}' : `x`}`\ns++ // c\n",
        &["let", "n:s", "=", "s:`${a ? '}' : `x`}`", "NL", "n:s", "++", "c:// c", "NL"],
    );
    check(
        Language::Java,
        "String s = \"\"\"\n a\"b\n\"\"\"; for (int i = 0; ; ) {}",
        &[
            "n:String",
            "n:s",
            "=",
            "s:\"\"\"\n a\"b\n\"\"\"",
            ";",
            "NL",
            "for",
            "(",
            "int",
            "n:i",
            "=",
            "#:0",
            ";",
            ";",
            ")",
            "{",
            "NL",
            "IN",
            "DE",
            "}",
        ],
    );
    check(
        Language::Cpp,
        "#include <a>\nauto s = R\"x()\")x\"; a->*b;",
        &[
            "#",
            "n:include",
            "<",
            "n:a",
            ">",
            "NL",
            "auto",
            "n:s",
            "=",
            "s:R\"x()\")x\"",
            ";",
            "NL",
            "n:a",
            "->*",
            "n:b",
            ";",
            "NL",
        ],
    );
    check(Language::Text, "It's (so).\n\n", &["n:It", "'", "n:s", "(", "n:so", ")", ".", "NL", "NL"]);
}

fn chunks<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    /// T4, on made-up code; and lexemes stand in order, within the text.
    #[test]
    fn chunks_do_not_matter(
        text in "(if|elif|x|[0-9]|\\.|f?['\"`]|'''|[(){}\\[\\]]|\n|    |#|//|/\\*|\\*/|=|<|\\\\|é|r#|R\"x|\\$\\{|;|:|```){0,60}",
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        language in prop::sample::select(Language::ALL.as_slice()),
    ) {
        let whole = lex(&[text.as_bytes()], language);
        prop_assert_eq!(&lex(&chunks(text.as_bytes(), &cuts), language), &whole);
        let mut end = 0;
        for lexeme in whole {
            prop_assert!(end <= lexeme.start && lexeme.start <= lexeme.end, "{:?}", lexeme);
            end = lexeme.end;
        }
        prop_assert!(end <= text.len());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for language in Language::ALL {
            let lexemes = lex(&[&bytes], language);
            prop_assert!(lexemes.last().is_none_or(|last| last.end <= bytes.len()));
        }
    }

    #[test]
    fn blocks_are_balanced(text in "(if x:|y|\n|\n  |\n    |\n\t|#c){0,40}") {
        let lexemes = lex(&[text.as_bytes()], Language::Python);
        let count = |terminal| lexemes.iter().filter(|lexeme| lexeme.terminal == terminal).count();
        prop_assert_eq!(count(Terminal::Indent), count(Terminal::Dedent));
    }
}
