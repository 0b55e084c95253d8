//! The verdict word on the last line. Strict: what is no verdict is not taken for one.

use super::AnswerError;

/// A reviewer's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The program will do.
    Accept,
    /// It will not.
    Reject,
}

/// The decision on the last line that is not empty: one word alone, or after a label such as `Verdict:`; letter case,
/// emphasis and closing punctuation do not matter.
///
/// # Errors
/// [`AnswerError::Empty`] without any line, [`AnswerError::NoVerdict`] if the line says anything else.
pub fn last_line(reply: &str) -> Result<Decision, AnswerError> {
    let line = reply.lines().map(bare).rfind(|line| !line.is_empty()).ok_or(AnswerError::Empty)?;
    let word =
        line.rsplit_once(':').map_or(line, |(label, word)| if is_label(label) { bare(word) } else { line });
    match word.to_ascii_lowercase().as_str() {
        "true" | "accept" | "accepted" | "yes" => Ok(Decision::Accept),
        "false" | "reject" | "rejected" | "no" => Ok(Decision::Reject),
        _ => Err(AnswerError::NoVerdict),
    }
}

fn bare(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || "*_`\"'.!#>-".contains(character))
}

fn is_label(text: &str) -> bool {
    let label = bare(text).to_ascii_lowercase();
    matches!(
        label.as_str(),
        "verdict" | "final verdict" | "answer" | "final answer" | "decision" | "conclusion"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(reply: &str, expected: Result<Decision, AnswerError>) {
        assert_eq!(last_line(reply), expected, "{reply:?}");
    }

    #[test]
    fn words_are_read() {
        for reply in [
            "True",
            "Looks general.\n\n**True**\n",
            "Verdict: accept",
            "ok\n**Final verdict:** Yes.",
            "`true`",
        ] {
            check(reply, Ok(Decision::Accept));
        }
        for reply in ["False", "It is true that it fails.\nFalse.", "Answer: Rejected", "no\n\n\n"] {
            check(reply, Ok(Decision::Reject));
        }
    }

    #[test]
    fn anything_else_is_no_verdict() {
        check("", Err(AnswerError::Empty));
        check(" \n\t\n", Err(AnswerError::Empty));
        for reply in ["True, mostly", "True\nbut see above", "true false", "Not false", "I think: yes", "1"] {
            check(reply, Err(AnswerError::NoVerdict));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(reply in "\\PC*") {
            let _ = last_line(&reply);
        }

        #[test]
        fn the_last_line_decides(prose in "[a-z \n]{0,80}", accept in any::<bool>()) {
            let expected = if accept { Decision::Accept } else { Decision::Reject };
            let word = if accept { "True" } else { "False" };
            prop_assert_eq!(last_line(&format!("{prose}\n{word}\n")), Ok(expected));
        }
    }
}
