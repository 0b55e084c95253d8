//! Sections of an answer, by their headings. Lines in fences are never headings: a comment may start with `#`.

/// A heading and what stands below it, up to the next heading of any level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading in lower case, without marks, numbers and closing punctuation.
    pub heading: String,
    /// The text below it; may be empty.
    pub text: String,
}

/// The sections of `reply` in order. What stands before the first heading has an empty heading.
///
/// A heading is a line that starts with `#`, one that is wholly bold, or, where `words` has it, a line of such a word
/// alone with a colon at its end.
#[must_use]
pub fn sections(reply: &str, words: &[&str]) -> Vec<Section> {
    let mut found: Vec<Section> = vec![Section { heading: String::new(), text: String::new() }];
    let mut fence: Option<&str> = None;
    for line in reply.lines() {
        let bare = line.trim();
        match (fence, fence_mark(bare)) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if mark.len() >= open.len() && bare.len() == mark.len() => fence = None,
            _ => {}
        }
        match heading(bare, words).filter(|_| fence.is_none() && fence_mark(bare).is_none()) {
            Some((heading, rest)) => found.push(Section { heading, text: rest.to_owned() }),
            None => push_line(&mut found, line),
        }
    }
    for section in &mut found {
        section.text = section.text.trim().to_owned();
    }
    found
}

fn push_line(found: &mut [Section], line: &str) {
    if let Some(last) = found.last_mut() {
        last.text.push('\n');
        last.text.push_str(line);
    }
}

/// The run of backticks that a line starts with, if it is long enough for a fence.
fn fence_mark(line: &str) -> Option<&str> {
    let length = line.len() - line.trim_start_matches('`').len();
    line.get(..length).filter(|mark| mark.len() >= 3)
}

/// The heading that a line is, and what stands after it on the line.
fn heading<'a>(line: &'a str, words: &[&str]) -> Option<(String, &'a str)> {
    let marked =
        line.starts_with('#') || (line.starts_with("**") && line.trim_end_matches(':').ends_with("**"));
    let (head, rest) = line.split_once(':').unwrap_or((line, ""));
    let name = normal(head);
    let is_word = line.contains(':') && words.iter().any(|word| name == *word);
    if marked && !name.is_empty() || is_word {
        return Some((name, rest.trim_matches(['*', ' '])));
    }
    None
}

/// Lower case, without marks and numbers: `### 2. Problem 3` is `problem`.
fn normal(text: &str) -> String {
    let mark = |character: char| !character.is_alphabetic();
    text.trim_matches(mark).to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(reply: &str, expected: &[(&str, &str)]) {
        let found = sections(reply, &["plan", "code"]);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|section| (section.heading.as_str(), section.text.as_str()))
            .filter(|pair| *pair != ("", ""))
            .collect();
        assert_eq!(found, expected, "{reply:?}");
    }

    #[test]
    fn headings_are_read_in_many_forms() {
        check(
            "Sure.\n# Problem 1\nAdd.\n## Plan\n1. Add.",
            &[("", "Sure."), ("problem", "Add."), ("plan", "1. Add.")],
        );
        check("**Problem 2:**\nAdd.\n**Plan**\nAdd.", &[("problem", "Add."), ("plan", "Add.")]);
        check("Plan: add.\nThen print.\nCode:\nx", &[("plan", "add.\nThen print."), ("code", "x")]);
        check("### 3. The Algorithm: greedy", &[("the algorithm", "greedy")]);
    }

    #[test]
    fn comments_in_fences_and_sentences_with_colons_are_no_headings() {
        check(
            "# Code\n```python\n# Plan\nx = 1\n```\n# Plan\nGo.",
            &[("code", "```python\n# Plan\nx = 1\n```"), ("plan", "Go.")],
        );
        check("Plan\nNote: go on.", &[("", "Plan\nNote: go on.")]);
        check("````\n```\n# a\n```\n````\n# Plan", &[("", "````\n```\n# a\n```\n````"), ("plan", "")]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(reply in "(\\PC|\n|#|`|\\*|:){0,120}") {
            prop_assert!(!sections(&reply, &["plan"]).is_empty());
        }
    }
}
