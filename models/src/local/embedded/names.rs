//! Names that the embedded model was not trained with, exchanged for names that it was, and back.
//!
//! It writes names that it has met and cannot copy others: a small model has no room for letters of its own.

/// What every function is called in its turns.
const FUNCTION: &str = "solve";
/// Arguments that it has met.
const KNOWN: [&str; 44] = [
    "a",
    "amount",
    "arr",
    "b",
    "base",
    "brackets",
    "calls",
    "capacity",
    "coins",
    "d",
    "data",
    "exponent",
    "first",
    "grid",
    "intervals",
    "items",
    "k",
    "l",
    "left",
    "line",
    "lst",
    "m",
    "matrix",
    "n",
    "names",
    "nested",
    "number",
    "numbers",
    "nums",
    "prices",
    "right",
    "rows",
    "s",
    "second",
    "sentence",
    "string",
    "strings",
    "t",
    "table",
    "target",
    "text",
    "values",
    "words",
    "xs",
];
/// Annotations, and what an argument of their kind is called. None is a word that programs have in their texts.
const BY_KIND: [(&str, &[&str]); 5] = [
    ("str", &["text", "sentence", "string"]),
    ("int", &["number", "target", "amount"]),
    ("dict", &["data", "prices", "table"]),
    ("list[str]", &["words", "strings", "names"]),
    ("", &["values", "numbers", "items"]),
];

/// Names of a problem, each with the name that stands for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    function: Option<String>,
    arguments: Vec<(String, &'static str)>,
}

impl Names {
    /// The names in the header of a stub.
    pub(super) fn of(stub: &str) -> Self {
        let Some((name, rest)) = stub.split_once("def ").and_then(|(_, header)| header.split_once('('))
        else {
            return Self::default();
        };
        let header = rest.split(')').next().unwrap_or_default();
        let mut names = Self { function: Some(name.trim().to_owned()), arguments: Vec::new() };
        let all: Vec<(&str, &str)> = parameters(header)
            .into_iter()
            .map(|parameter| {
                parameter.split_once(':').map_or((parameter, ""), |(name, kind)| (name.trim(), kind.trim()))
            })
            .collect();
        for (argument, annotation) in &all {
            let taken = |name: &str| {
                all.iter().any(|(other, _)| *other == name)
                    || names.arguments.iter().any(|(_, other)| *other == name)
            };
            let is_name = argument.chars().all(is_part_of_name) && !argument.is_empty();
            if is_name
                && !KNOWN.contains(argument)
                && let Some(known) = of_kind(annotation).iter().find(|name| !taken(name))
            {
                names.arguments.push(((*argument).to_owned(), known));
            }
        }
        names
    }

    /// A text of the problem in names that the model has met.
    pub(super) fn exchanged(&self, text: &str) -> String {
        let called = self.function.as_deref().map_or_else(
            || text.to_owned(),
            |name| replace(text, &format!("{name}("), &format!("{FUNCTION}(")),
        );
        self.arguments.iter().fold(called, |text, (own, known)| replace(&text, own, known))
    }

    /// A program of the model in the problem's names.
    pub(super) fn restored(&self, program: &str) -> String {
        let called = self.function.as_deref().map_or_else(
            || program.to_owned(),
            |name| replace(program, &format!("{FUNCTION}("), &format!("{name}(")),
        );
        self.arguments.iter().fold(called, |text, (own, known)| replace(&text, known, own))
    }
}

fn of_kind(annotation: &str) -> &'static [&'static str] {
    let annotation = annotation.to_lowercase();
    BY_KIND.iter().find(|(kind, _)| annotation.starts_with(kind)).map_or(&[], |(_, names)| names)
}

/// The parameters of a header, cut at commas that stand in no brackets.
fn parameters(header: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let separates = |letter: char| {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        letter == ',' && depth == 0
    };
    header.split(separates).map(|parameter| parameter.split('=').next().unwrap_or_default().trim()).collect()
}

const fn is_part_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// `text` with every `old` that is no part of a longer name replaced.
fn replace(text: &str, old: &str, new: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some((head, tail)) = rest.split_once(old) {
        let start = head.chars().next_back().or(before);
        let is_whole = !start.is_some_and(is_part_of_name)
            && (old.ends_with('(') || !tail.chars().next().is_some_and(is_part_of_name));
        out.push_str(head);
        out.push_str(if is_whole { new } else { old });
        before = old.chars().next_back();
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exchanged_and_restored() {
        let stub = "def total(shopping: List[int], rate: int, xs) -> int:\n    \"\"\"The total of shopping.\n    >>> total([1], 2, [])\n    \"\"\"\n";
        let names = Names::of(stub);
        let exchanged = names.exchanged(stub);
        assert_eq!(
            exchanged,
            "def solve(values: List[int], number: int, xs) -> int:\n    \"\"\"The total of values.\n    >>> solve([1], 2, [])\n    \"\"\"\n"
        );
        let answer =
            "def solve(values, number, xs):\n    resolve(values)\n    return solve(values[1:], number, xs)\n";
        let own = "def total(shopping, rate, xs):\n    resolve(shopping)\n    return total(shopping[1:], rate, xs)\n";
        assert_eq!(names.restored(answer), own);
    }

    #[test]
    fn a_whole_program_has_no_names() {
        assert_eq!(Names::of("\"\"\"Print the sum.\n\"\"\"\n"), Names::default());
        assert_eq!(Names::default().exchanged("solve(x)"), "solve(x)");
    }

    #[test]
    fn parts_of_names_stay() {
        assert_eq!(replace("ab a b_a a.a a", "a", "z"), "ab z b_a z.z z");
        assert_eq!(replace("aaa a", "a", "z"), "aaa z");
    }
}
