//! Tests as CodeT reads them: each assertion together with what was written behind it.

use codeagent_sandbox::literal::first_statement;

use crate::modules::parses;
use crate::program::STOPS;

/// What begins an assertion, wherever it stands.
const ASSERT: &str = "assert ";
/// Ends a block of code in an answer.
const FENCE: &str = "\n```";

/// The assertions of `text` that mention `name`, in order, repeated ones too, each with all that follows it up to the next
/// assertion or to a line that begins something else. What does not parse is left out. So an assertion that is followed
/// by the import of a module that is not installed is a test that no program passes.
///
/// Source: Chen et al. 2023, *CodeT*, section 4.1 and the post-processing of its code; fences are ours.
pub(super) fn passages(text: &str, name: &str) -> Vec<String> {
    let parts = text.split(ASSERT).skip(1).filter(|part| part.contains(name));
    let passage = |part: &str| {
        let stops = STOPS.iter().copied().chain([FENCE]);
        let end = stops.filter_map(|stop| part.find(stop)).min().unwrap_or(part.len());
        let passage = format!("{ASSERT}{}", part.get(..end).unwrap_or(part)).trim().to_owned();
        // The grammar lets a line break pass within an assertion.
        (first_statement(&passage).is_some_and(parses) && parses(&passage)).then_some(passage)
    };
    parts.filter_map(passage).collect()
}

#[cfg(test)]
mod tests {
    use super::passages;

    #[test]
    fn what_follows_an_assertion_belongs_to_it() {
        let text = "pass\n\n# check f\nassert f(1) == 2\nassert f(2) == 3\nimport absent\n\ndef g():\n    assert f(3)\n\
                    assert g(4)\nassert f(5) == (\nassert f(6) == 7  # six\n```\nassert f('cut";
        assert_eq!(
            passages(text, "f"),
            ["assert f(1) == 2", "assert f(2) == 3\nimport absent", "assert f(3)", "assert f(6) == 7  # six"]
        );
        assert_eq!(passages("no tests of f", "f"), Vec::<String>::new());
        assert_eq!(passages("assert x, 'f'", "f"), ["assert x, 'f'"]);
        assert_eq!(passages("assert not \nf(1)", "f"), Vec::<String>::new());
        assert_eq!(passages("assert \n    f(1) == 2\nassert f(2) == 3", "f"), ["assert f(2) == 3"]);
    }
}
