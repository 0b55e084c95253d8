//! What the embedded model was made for.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The words of its training statements, one a line, in lower case.
static WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../../../embedded/words.txt").lines().collect());

/// Share of a statement's different words that may be new to it.
const UNKNOWN_MAX: f64 = 0.2;
/// Longest statement, in words.
const WORDS_MAX: usize = 120;

/// Whether a statement, without its examples, is of the kind that the embedded model was trained on: short, and nearly all in
/// words that it has met. A guess from the outside: it can be wrong either way.
#[must_use]
pub fn is_within(statement: &str) -> bool {
    let lower = prose(statement).to_lowercase();
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| word.len() > 1).collect();
    let different: HashSet<&str> = words.iter().copied().collect();
    let unknown = different.iter().filter(|word| !WORDS.contains(*word)).count();
    #[expect(clippy::cast_precision_loss, reason = "a statement's words")]
    let within = unknown as f64 <= UNKNOWN_MAX * different.len() as f64;
    words.len() <= WORDS_MAX && within && !different.is_empty()
}

/// The statement up to its examples, without lines of code.
fn prose(statement: &str) -> String {
    let starts = ["example", "for example", ">>>", "input:", "output:"];
    statement
        .lines()
        .take_while(|line| !starts.iter().any(|start| line.trim().to_lowercase().starts_with(start)))
        .filter(|line| {
            !["def ", "from ", "import ", "class ", "@"].iter().any(|start| line.starts_with(start))
        })
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tasks_on_lists_are_within() {
        assert!(is_within(
            "Keep the even numbers, sort them in descending order and return the sum.\n\nExamples:\n\nf([1]) == 0"
        ));
        assert!(is_within(
            "def f(xs):\n    \"\"\"Return the largest value or 0 if there is none.\n    >>> f([3])\n    3\n    \"\"\"\n"
        ));
    }

    #[test]
    fn other_matters_are_not() {
        assert!(!is_within(
            "Implement a lock-free concurrent hash table with epoch-based reclamation of retired buckets."
        ));
        assert!(!is_within(
            "Polycarp has n marbles and wants to paint a fence before the tournament in Berland begins."
        ));
        assert!(!is_within(&"return the sum ".repeat(60)));
        assert!(!is_within(""));
    }
}
