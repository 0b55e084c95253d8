//! Which texts may be ids and which may be names of functions.

/// Python's keywords, hard ones only: the soft ones are valid names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Longest id in characters.
const ID_LENGTH_MAX: usize = 200;

/// Why a text is no name of a function or `Class.method`; `None` if it is one.
pub(crate) fn entry_fault(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    if parts.len() > 2 {
        return Some("has more than one dot".to_owned());
    }
    parts.iter().find_map(|part| {
        if !is_identifier(part) {
            Some("is not a Python identifier".to_owned())
        } else if KEYWORDS.contains(part) {
            Some("is a keyword of Python".to_owned())
        } else {
            None
        }
    })
}

/// Whether a text is a Python identifier (or keyword).
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first))
        && characters.all(unicode_ident::is_xid_continue)
}

/// Why a text cannot be an id; `None` if it can. Ids become parts of file names (escaped) and of reports, so what would
/// be confusing there is refused here. A `/` may separate parts, as in `HumanEval/0`.
pub(crate) fn id_fault(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id.chars().count() > ID_LENGTH_MAX {
        Some("is longer than 200 characters")
    } else if id.chars().any(char::is_control) {
        Some("holds a control character")
    } else if id.trim() != id {
        Some("begins or ends with a space")
    } else if id.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some("has an empty part, `.` or `..` between slashes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{entry_fault, id_fault};

    #[test]
    fn names_of_functions() {
        for good in ["f", "_x1", "größe", "Solution.run", "match", "print"] {
            assert_eq!(entry_fault(good), None, "{good}");
        }
        for bad in ["", "1f", "a-b", "f()", "lambda", "a.b.c", ".f", "Solution.class", "a b", "f\0"] {
            assert!(entry_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn ids() {
        for good in ["a", "HumanEval/0", "a..b", "ü", "a b"] {
            assert_eq!(id_fault(good), None, "{good}");
        }
        for bad in ["", "..", "a/../b", "/a", "a/", "a//b", "a\0b", "a\nb", " a", &"x".repeat(201)] {
            assert!(id_fault(bad).is_some(), "{bad}");
        }
    }
}
