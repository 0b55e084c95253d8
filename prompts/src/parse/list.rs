//! Numbered and bulleted lists, with items of several lines.

use super::AnswerError;

/// The items of the list in `reply`, without their numbers; lines of an item are joined by line feeds.
///
/// Items are numbered `1.`, `1)`, `(1)`, `Step 1:`, or, in a list without numbers, bulleted. A number starts an item only
/// at the start of a line, before a space, at the indentation of the first item, and when it continues the count:
/// "0.5" in a sentence, years and nested lists do not split an item. What stands before the first item and after the
/// last one's paragraph is left out.
///
/// # Errors
/// [`AnswerError::Empty`] for white space, [`AnswerError::NoItems`] without a list.
pub fn items(reply: &str) -> Result<Vec<String>, AnswerError> {
    if reply.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let numbered = collect(reply, numbered_item);
    let found = if numbered.is_empty() { collect(reply, |line, _| bulleted_item(line)) } else { numbered };
    if found.is_empty() { Err(AnswerError::NoItems) } else { Ok(found) }
}

/// Gathers items: `start(line, items so far)` gives an item's first text where a line starts one.
fn collect(reply: &str, start: impl Fn(&str, usize) -> Option<&str>) -> Vec<String> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    let mut list_indent = 0;
    for line in reply.lines() {
        let indent = indentation(line);
        let inside = found.is_empty() || indent <= list_indent + 1;
        match start(line.trim(), found.len()).filter(|_| inside) {
            Some(text) => {
                if found.is_empty() {
                    list_indent = indent;
                }
                found.push(vec![text]);
            }
            None => {
                if let Some(item) = found.last_mut() {
                    item.push(line);
                }
            }
        }
    }
    if let Some(last) = found.last_mut() {
        drop_closing_prose(last, list_indent);
    }
    found.iter().map(|lines| join(lines)).filter(|item| !item.is_empty()).collect()
}

/// Unindented text after a blank line no longer belongs to the last item.
fn drop_closing_prose(lines: &mut Vec<&str>, list_indent: usize) {
    let end = lines
        .windows(2)
        .position(|pair| matches!(pair, [blank, next] if blank.trim().is_empty() && !next.trim().is_empty() && indentation(next) <= list_indent))
        // An item that is only a heading has its text in the next paragraph.
        .filter(|&at| at > 1 || lines.first().is_some_and(|first| !is_heading(first)));
    if let Some(at) = end {
        lines.truncate(at + 1);
    }
}

fn is_heading(line: &str) -> bool {
    line.is_empty() || line.ends_with(':') || line.ends_with("**")
}

fn join(lines: &[&str]) -> String {
    let text: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    text.join("\n").trim().to_owned()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The text of a line that starts item `count + 1` (or repeats "1.", as lazy markdown does).
fn numbered_item(line: &str, count: usize) -> Option<&str> {
    let line = line.trim_start_matches(['#', '*', '_', ' ']);
    let line = strip_label(line).trim_start_matches('(');
    let digits = line.len() - line.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    let (number, rest) = line.split_at(digits);
    let number: usize = number.parse().ok()?;
    let text = rest.strip_prefix(['.', ')', ':'])?;
    let text = text.strip_prefix("**").unwrap_or(text);
    let separate = text.is_empty() || text.starts_with(char::is_whitespace);
    let continues = number == count + 1 || (number == 1 && count > 0) || (count == 0 && number == 0);
    (separate && continues).then(|| text.trim())
}

/// `Thought 1: ...` without its label.
fn strip_label(line: &str) -> &str {
    const LABELS: [&str; 6] = ["thought ", "strategy ", "step ", "idea ", "reflection ", "approach "];
    LABELS
        .iter()
        .find_map(|label| {
            let (head, tail) = line.split_at_checked(label.len())?;
            head.eq_ignore_ascii_case(label).then_some(tail)
        })
        .unwrap_or(line)
}

fn bulleted_item(line: &str) -> Option<&str> {
    ["- ", "* ", "+ ", "• "].iter().find_map(|mark| line.strip_prefix(mark)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(reply: &str, expected: &[&str]) {
        assert_eq!(items(reply).unwrap(), expected, "{reply:?}");
    }

    #[test]
    fn numbers_start_items() {
        check("1. Sort.\n2. Scan.", &["Sort.", "Scan."]);
        check("Here you go:\n\n1) Sort.\n2) Scan.\n\nHope this helps!", &["Sort.", "Scan."]);
        check("(1) Sort\n(2) Scan", &["Sort", "Scan"]);
        check("**1.** Sort\n**2.** Scan", &["Sort", "Scan"]);
        check("Thought 1: Sort\nThought 2: Scan", &["Sort", "Scan"]);
        check("1. a\n1. b\n1. c", &["a", "b", "c"]);
    }

    #[test]
    fn items_may_have_several_lines() {
        check("1. Sort the list\n   by weight.\n\n2. Scan\nit.", &["Sort the list\nby weight.", "Scan\nit."]);
        check("1. Do both:\n   1. sort\n   2. scan\n2. Stop.", &["Do both:\n1. sort\n2. scan", "Stop."]);
    }

    #[test]
    fn numbers_in_sentences_do_not_split() {
        check(
            "1. Use a rate of\n0.5 per step.\n2. Stop at 2. Then print.",
            &["Use a rate of\n0.5 per step.", "Stop at 2. Then print."],
        );
        check("1. It began in\n1999. That was late.", &["It began in\n1999. That was late."]);
    }

    #[test]
    fn bullets_serve_where_numbers_are_absent() {
        check("- Sort\n- Scan", &["Sort", "Scan"]);
    }

    #[test]
    fn prose_is_no_list() {
        assert_eq!(items("I would sort it."), Err(AnswerError::NoItems));
        assert_eq!(items(" \n "), Err(AnswerError::Empty));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(reply in "(\\PC|\n){0,200}") {
            let _ = items(&reply);
        }

        #[test]
        fn a_written_list_is_read_back(texts in proptest::collection::vec("[a-z]{1,9}( [a-z0-9.]{1,9}){0,5}", 1..9)) {
            let list: String = texts.iter().enumerate().map(|(n, text)| format!("{}. {text}\n", n + 1)).collect();
            prop_assert_eq!(items(&list).unwrap(), texts);
        }
    }
}
