//! Python source cut into its logical lines, without a parser.

/// The statements of `source`, without comments between them, blank lines and white space around them. Lines are
/// joined within brackets and strings and after a backslash; `;` separates. `None` where a string or bracket is never
/// closed.
pub(super) fn statements(source: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0_usize);
    while let Some(char) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let ends = depth == 0 && matches!(char, '\n' | ';' | '#');
        if ends {
            found.extend(source.get(start..at));
        }
        match char {
            '#' => at += source.get(at..)?.find('\n').unwrap_or(source.len() - at),
            '\'' | '"' => at = string_end(source, at)?,
            '\\' => at += 1 + source.get(at + 1..)?.chars().next().map_or(0, char::len_utf8),
            '(' | '[' | '{' => (depth, at) = (depth + 1, at + 1),
            ')' | ']' | '}' => (depth, at) = (depth.checked_sub(1)?, at + 1),
            _ => at += char.len_utf8(),
        }
        if ends {
            start = if char == '#' { at } else { at.max(start) };
        }
    }
    found.extend(source.get(start..).filter(|_| depth == 0));
    (depth == 0).then(|| found.into_iter().map(str::trim).filter(|statement| !statement.is_empty()).collect())
}

/// The statement at the start of `source`, as [`statements`] cuts it; `None` where a string or bracket is never closed.
#[must_use]
pub fn first_statement(source: &str) -> Option<&str> {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(char) = source.get(at..).and_then(|rest| rest.chars().next()) {
        match char {
            '\n' | ';' | '#' if depth == 0 => break,
            '#' => at += source.get(at..)?.find('\n').unwrap_or(source.len() - at),
            '\'' | '"' => at = string_end(source, at)?,
            '\\' => at += 1 + source.get(at + 1..)?.chars().next().map_or(0, char::len_utf8),
            '(' | '[' | '{' => (depth, at) = (depth + 1, at + 1),
            ')' | ']' | '}' => (depth, at) = (depth.checked_sub(1)?, at + 1),
            _ => at += char.len_utf8(),
        }
    }
    source.get(..at).filter(|_| depth == 0).map(str::trim)
}

/// White space before a statement that is a part of `source`, in characters: 0 at the top level. What follows a `;` or
/// stands behind a colon counts as indented.
pub(super) fn indentation(source: &str, statement: &str) -> usize {
    let at = (statement.as_ptr() as usize).saturating_sub(source.as_ptr() as usize);
    let before = source.get(..at).unwrap_or_default();
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    // The first line of `source` stands behind a colon.
    if before.contains('\n') { line.len() } else { line.len() + 1 }
}

/// Where the string that begins at `at` ends. A raw string ends where another would, too.
fn string_end(source: &str, at: usize) -> Option<usize> {
    let rest = source.get(at..)?;
    let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| rest.starts_with(quote))?;
    let mut position = quote.len();
    loop {
        let rest = rest.get(position..)?;
        if rest.starts_with(quote) {
            return Some(at + position + quote.len());
        }
        let char = rest.chars().next().filter(|char| *char != '\n' || quote.len() == 3)?;
        position += char.len_utf8();
        if char == '\\' {
            position += rest.get(1..)?.chars().next()?.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_joined_in_brackets_and_strings() {
        let source = "a = (1,\n 2)\nb = '''x\n# no comment'''  # comment\n\nc; d \\\n e\nf = '#\\''";
        let expected = ["a = (1,\n 2)", "b = '''x\n# no comment'''", "c", "d \\\n e", "f = '#\\''"];
        assert_eq!(statements(source).unwrap(), expected);
    }

    #[test]
    fn what_is_never_closed_is_no_statement() {
        for source in ["f(", "'a\nb'", "'''a", ")", "a = '\\"] {
            assert_eq!(statements(source), None, "{source}");
        }
    }

    #[test]
    fn the_first_statement_ends_where_its_line_does() {
        for (source, expected) in [
            ("a = (1,\n 2)\nb", Some("a = (1,\n 2)")),
            ("a # b", Some("a")),
            ("a \\\n b; c", Some("a \\\n b")),
            ("", Some("")),
            ("f('a\n", None),
            ("f(1, # )\n 2)", Some("f(1, # )\n 2)")),
            ("f(", None),
        ] {
            assert_eq!(first_statement(source), expected, "{source}");
        }
    }

    #[test]
    fn indentation_is_that_of_the_line() {
        let source = " x\n  y; z\nw";
        let found: Vec<_> =
            statements(source).unwrap().into_iter().map(|statement| indentation(source, statement)).collect();
        assert_eq!(found, [2, 2, 5, 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_or_refused(source in "[a-c'\"#;\\\\()\\[\\]\n é]{0,60}") {
            for statement in statements(&source).unwrap_or_default() {
                prop_assert!(source.contains(statement));
                let _ = indentation(&source, statement);
            }
        }
    }
}
