//! Finding where a Python literal or a bracket ends, in text that goes on in prose.

use codeagent_sandbox::value::Value;

use crate::datasets::values;

/// The text inside the bracket that `text` begins with, and the text behind it. Strings inside may hold brackets.
pub(crate) fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(character) = text.get(at..)?.chars().next() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((text.get(1..at)?, text.get(at + 1..)?));
                }
            }
            '"' | '\'' => {
                at += string_length(text.get(at..)?)?;
                continue;
            }
            _ => {}
        }
        at += character.len_utf8();
    }
    None
}

/// Length of the string literal that `text` begins with. It must end on its line.
fn string_length(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Length of the bracket or string that `text` begins with, if it begins with one that ends.
pub(crate) fn group_length(text: &str) -> Option<usize> {
    match text.chars().next()? {
        '(' | '[' | '{' => Some(text.len() - bracket(text)?.1.len()),
        '"' | '\'' => string_length(text),
        _ => None,
    }
}

/// The literal that `text` begins with, its source and the text behind it.
pub(crate) fn literal(text: &str) -> Option<(Value, &str, &str)> {
    let is_group = text.starts_with(['(', '[', '{', '"', '\'']);
    let length = if is_group { group_length(text)? } else { word_length(text) };
    let (source, rest) = text.split_at_checked(length)?;
    Some((values::literal(source)?, source, rest))
}

/// Length of a number or name; a full stop that ends a sentence is not part of it.
fn word_length(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
    let word = text.find(|c| !is_word(c)).map_or(text, |end| text.get(..end).unwrap_or_default());
    word.strip_suffix('.').unwrap_or(word).len()
}

/// Skips blanks, but no line ends.
pub(crate) fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// Whether what follows a literal lets it stand as a whole answer: nothing, a comment, an aside in brackets, or the end
/// of a sentence.
pub(crate) fn ends_answer(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    let trimmed = line.trim();
    let spaced = line.starts_with([' ', '\t']);
    trimmed.is_empty()
        || trimmed == "."
        || (spaced && trimmed.starts_with(['#', '(']))
        || trimmed.starts_with('#')
}

/// The name that ends where `before` ends.
pub(crate) fn name_before(before: &str) -> &str {
    let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_'));
    start.map_or(before, |start| {
        let width = before.get(start..).and_then(|tail| tail.chars().next()).map_or(1, char::len_utf8);
        before.get(start + width..).unwrap_or_default()
    })
}
