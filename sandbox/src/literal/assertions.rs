//! Assertions in a text that somebody wrote: a test file, a model's answer, or what is left of one.

use super::statement::first_statement;

/// The statements of `text` that begin with `assert` and mention `name`, in order, repeated ones too. They may stand
/// anywhere at the start of a line; what is cut off in the middle is left out.
///
/// Source: Chen et al. 2023, *CodeT*, section 4.1 and the post-processing of its code. Unlike there, an assertion may be
/// followed by anything, since it ends where its statement does.
#[must_use]
pub fn assertions<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start + line.len() - line.trim_start().len();
        start += line.len();
        let rest = text.get(at..).unwrap_or_default();
        let is_assertion = rest.strip_prefix("assert").is_some_and(|rest| rest.starts_with([' ', '\t', '(']));
        if is_assertion {
            found.extend(first_statement(rest).filter(|statement| mentions(statement, name)));
        }
    }
    found
}

/// Whether `name` stands in a text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |char: char| char == '_' || char.is_alphanumeric();
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let after = text.get(at + name.len()..).unwrap_or_default();
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::assertions;

    #[test]
    fn assertions_are_found_wherever_a_line_begins_with_one() {
        let text = "Tests:\nassert f(1) == 2, \"one # two\"\nimport os\n\ndef test():\n    assert (f([1,\n        2]) ==\n        3)\n\
                    assert g(1)\nassert off(1)\nassertf(1)\n# assert f(4)\nassert f(1) == 2; x\nassert f('cut";
        assert_eq!(
            assertions(text, "f"),
            [
                "assert f(1) == 2, \"one # two\"",
                "assert (f([1,\n        2]) ==\n        3)",
                "assert f(1) == 2"
            ]
        );
    }

    #[test]
    fn a_name_is_a_word() {
        assert_eq!(assertions("assert f", "f"), ["assert f"]);
        assert_eq!(assertions("assert f", ""), Vec::<&str>::new());
        assert_eq!(assertions("assert \n f(1) == 2", "f"), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(assert |f\\(|\\)|'|\"|\\n|é|\\\\|#|1){0,20}") {
            for found in assertions(&text, "f") {
                prop_assert!(found.starts_with("assert"));
            }
        }
    }
}
