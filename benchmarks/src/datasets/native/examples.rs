//! Visible tests as a part of the statement: a native problem keeps them apart, and a model that is not shown them must
//! guess at forms that the prose leaves open.

use codeagent_sandbox::{Case, Test};

/// Most examples shown.
const SHOWN_MAX: usize = 5;
/// Longest example shown, in characters.
const CHARS_MAX: usize = 1_000;

/// The prompt, followed by the visible tests that it does not show itself.
pub(super) fn with_examples(prompt: &str, visible: &[Case]) -> String {
    let shown: Vec<String> = visible
        .iter()
        .filter_map(|case| example(case, prompt))
        .filter(|text| text.chars().count() <= CHARS_MAX)
        .take(SHOWN_MAX)
        .collect();
    if shown.is_empty() {
        return prompt.to_owned();
    }
    format!("{}\n\nExamples:\n\n{}", prompt.trim_end(), shown.join("\n"))
}

fn example(case: &Case, prompt: &str) -> Option<String> {
    match &case.test {
        Test::Stdio { input, expected, .. } => {
            let (input, expected) = (input.trim_end(), expected.trim_end());
            let stands_there = !expected.is_empty() && prompt.contains(input) && prompt.contains(expected);
            (!stands_there).then(|| format!("Input:\n{input}\nOutput:\n{expected}\n"))
        }
        _ => (!prompt.contains(&case.name)).then(|| case.name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use codeagent_sandbox::{Checker, Value};

    use super::*;

    fn case(name: &str, test: Test) -> Case {
        Case { name: name.to_owned(), test, time_limit: Duration::from_secs(1) }
    }

    fn call(name: &str) -> Case {
        let expected = Value::from(2_i64);
        case(name, Test::Call { args: Vec::new(), kwargs: Vec::new(), expected, checker: Checker::Exact })
    }

    #[test]
    fn tests_that_the_prompt_lacks_follow_it() {
        let visible = [call("f(1) == 2"), call("f(3) == 4")];
        assert_eq!(with_examples("Add one.\n", &visible), "Add one.\n\nExamples:\n\nf(1) == 2\nf(3) == 4");
        assert_eq!(with_examples("f(1) == 2 and f(3) == 4", &visible), "f(1) == 2 and f(3) == 4");
        assert_eq!(with_examples("Add one.", &[]), "Add one.");
    }

    #[test]
    fn input_and_output_are_shown_apart() {
        let test = Test::Stdio { input: "1 2\n".into(), expected: "3\n".into(), checker: Checker::Exact };
        assert_eq!(
            with_examples("Add.", &[case("1", test)]),
            "Add.\n\nExamples:\n\nInput:\n1 2\nOutput:\n3\n"
        );
    }

    #[test]
    fn few_and_short_examples_are_shown() {
        let many: Vec<Case> = (0..9).map(|number| call(&format!("f({number}) == 2"))).collect();
        assert_eq!(with_examples("P", &many).matches("== 2").count(), SHOWN_MAX);
        assert_eq!(with_examples("P", &[call(&"x".repeat(2_000))]), "P");
    }
}
