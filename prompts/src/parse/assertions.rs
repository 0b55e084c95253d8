//! Assertions in an answer, one per statement, in fences, lists or prose.

use super::AnswerError;

/// Lines that one assertion may have.
const LINES_MAX: usize = 40;

/// The statements `assert ...` in `reply` that call `entry`, in order. One may go on over several lines while a bracket
/// or a string is open; list marks and backticks around it are dropped. `entry` may be `Class.method`.
///
/// # Errors
/// [`AnswerError::Empty`] for white space, [`AnswerError::NoAssertion`] if there is none.
pub fn statements(reply: &str, entry: &str) -> Result<Vec<String>, AnswerError> {
    if reply.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let name = entry.rsplit('.').next().unwrap_or(entry);
    let mut found: Vec<String> = Vec::new();
    let mut open: Option<Statement> = None;
    for line in reply.lines() {
        let begins = start(line);
        let goes_on = open.as_ref().is_some_and(|statement| statement.goes_on()) && begins.is_none();
        if goes_on && !line.trim_start().starts_with("```") {
            if let Some(statement) = &mut open {
                statement.add(line.trim());
            }
        } else {
            found.extend(open.take().map(|statement| statement.text));
            open = begins.map(Statement::new);
        }
    }
    found.extend(open.map(|statement| statement.text));
    found.retain(|statement| calls(statement, name) || calls(statement, "candidate"));
    if found.is_empty() { Err(AnswerError::NoAssertion { entry: entry.to_owned() }) } else { Ok(found) }
}

/// The assertion that a line begins.
fn start(line: &str) -> Option<&str> {
    let text =
        line.trim().trim_start_matches(|mark: char| mark.is_ascii_digit() || "-*+.)>` ".contains(mark));
    let rest = text.strip_prefix("assert")?;
    rest.starts_with([' ', '(']).then(|| text.trim_end_matches('`').trim_end())
}

/// Whether `name` stands in the statement as a word before a parenthesis.
fn calls(statement: &str, name: &str) -> bool {
    statement.match_indices(name).any(|(at, _)| {
        let before = statement.get(..at).and_then(|text| text.chars().next_back());
        let after = statement.get(at + name.len()..).unwrap_or_default();
        !before.is_some_and(|c| c == '_' || c.is_alphanumeric()) && after.trim_start().starts_with('(')
    })
}

/// A statement and what is still open in it.
struct Statement {
    text: String,
    lines: usize,
    brackets: i32,
    quote: Option<char>,
}

impl Statement {
    fn new(line: &str) -> Self {
        let mut statement = Self { text: String::new(), lines: 0, brackets: 0, quote: None };
        statement.add(line);
        statement
    }

    fn add(&mut self, line: &str) {
        if self.lines > 0 {
            self.text.push('\n');
        }
        self.lines += 1;
        self.text.push_str(line);
        let mut escaped = false;
        for character in line.chars() {
            match (self.quote, character) {
                (Some(_), _) if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(quote), _) if quote == character => self.quote = None,
                (Some(_), _) => {}
                (None, '#') => break,
                (None, '\'' | '"') => self.quote = Some(character),
                (None, '(' | '[' | '{') => self.brackets += 1,
                (None, ')' | ']' | '}') => self.brackets -= 1,
                (None, _) => {}
            }
        }
        // Only a string in triple quotes goes on over a line; what else is open there is a mistake.
        if self.brackets <= 0 && !self.text.contains("'''") && !self.text.contains("\"\"\"") {
            self.quote = None;
        }
    }

    const fn goes_on(&self) -> bool {
        self.lines < LINES_MAX && (self.brackets > 0 || self.quote.is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(reply: &str, expected: &[&str]) {
        assert_eq!(statements(reply, "f").unwrap(), expected, "{reply:?}");
    }

    #[test]
    fn assertions_are_found_wherever_they_stand() {
        check(
            "```python\nassert f(1) == 2\nassert f(2) == 3\n```",
            &["assert f(1) == 2", "assert f(2) == 3"],
        );
        check("Basic:\n1. `assert f(1) == 2`\n- assert f(2) == 3", &["assert f(1) == 2", "assert f(2) == 3"]);
        check("def test():\n    assert f(1) == 2, 'one'\n    assert g(1)", &["assert f(1) == 2, 'one'"]);
        check(
            "assert(f(1) == 2)\nassertion f(1)\nassert 3 == candidate(2)",
            &["assert(f(1) == 2)", "assert 3 == candidate(2)"],
        );
    }

    #[test]
    fn an_assertion_may_take_several_lines() {
        check(
            "assert f([\n    1,\n    2,\n]) == 3\nassert f([]) == 0",
            &["assert f([\n1,\n2,\n]) == 3", "assert f([]) == 0"],
        );
        check(
            "assert f('(') == 1\nprose (\nassert f(2) == ')'",
            &["assert f('(') == 1", "assert f(2) == ')'"],
        );
        check("assert f([1, 2\n```\nSorry, that was cut.", &["assert f([1, 2"]);
        check("assert f(1) == 2  # it's (two\nand prose", &["assert f(1) == 2  # it's (two"]);
        check("assert f('''a\nb''') == 1", &["assert f('''a\nb''') == 1"]);
    }

    #[test]
    fn other_answers_hold_none() {
        assert_eq!(statements(" \n", "f"), Err(AnswerError::Empty));
        for reply in ["f(1) == 2", "assert half(1) == 2", "assert f == 1", "I cannot."] {
            assert_eq!(
                statements(reply, "f"),
                Err(AnswerError::NoAssertion { entry: "f".into() }),
                "{reply}"
            );
        }
        assert_eq!(statements("assert C().m(1) == 2", "C.m").unwrap(), ["assert C().m(1) == 2"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(reply in "(assert |f\\(|[\\[\\](){}'\"#`\n]|\\PC){0,80}") {
            let _ = statements(&reply, "f");
        }
    }
}
