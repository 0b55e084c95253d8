//! Where in a JSON text a value stands.

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Line and column, from 1, of the value at `path` in valid JSON; of the last value on the way that is there, where it
/// is not.
pub(super) fn place(text: &str, path: &[Step<'_>]) -> (usize, usize) {
    let mut at = skip_space(text, 0);
    for step in path {
        match find(text, at, *step) {
            Some(found) => at = found,
            None => break,
        }
    }
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Where the member or item begins, of the object or list that begins at `at`.
fn find(text: &str, at: usize, step: Step<'_>) -> Option<usize> {
    let open = byte(text, at)?;
    let (mut at, mut index) = (skip_space(text, at + 1), 0);
    while !matches!(byte(text, at)?, b'}' | b']') {
        let mut key = "";
        if open == b'{' {
            let end = skip_value(text, at);
            key = text.get(at + 1..end.checked_sub(1)?)?;
            at = skip_space(text, skip_space(text, end) + 1);
        }
        match step {
            Step::Key(wanted) if open == b'{' && key == wanted => return Some(at),
            Step::Index(wanted) if open == b'[' && index == wanted => return Some(at),
            _ => {}
        }
        at = skip_space(text, skip_value(text, at));
        if byte(text, at) == Some(b',') {
            at = skip_space(text, at + 1);
        }
        index += 1;
    }
    None
}

/// The end of the value that begins at `at`: past its closing quote or bracket, or its last character.
fn skip_value(text: &str, at: usize) -> usize {
    let (mut depth, mut inside, mut escaped) = (0_usize, false, false);
    for (offset, byte) in text.bytes().enumerate().skip(at) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => {
                inside = !inside;
                if !inside && depth == 0 {
                    return offset + 1;
                }
            }
            _ if inside => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return offset + 1,
            b'}' | b']' if depth == 0 => return offset,
            b'}' | b']' => depth -= 1,
            b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return offset,
            _ => {}
        }
    }
    text.len()
}

fn skip_space(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + (rest.len() - rest.trim_start_matches([' ', '\n', '\r', '\t']).len())
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "{\n  \"v\": 1, \"a\\\"b\": \"}\",\n  \"holes\": [ 7, {\"id\": \"ü\", \"x\":[]}, [1,2] ]\n}";

    #[test]
    fn values_are_found() {
        assert_eq!(place(TEXT, &[]), (1, 1));
        assert_eq!(place(TEXT, &[Step::Key("v")]), (2, 8));
        assert_eq!(place(TEXT, &[Step::Key("holes"), Step::Index(0)]), (3, 14));
        assert_eq!(place(TEXT, &[Step::Key("holes"), Step::Index(1), Step::Key("x")]), (3, 33));
        assert_eq!(place(TEXT, &[Step::Key("holes"), Step::Index(2), Step::Index(1)]), (3, 41));
    }

    #[test]
    fn what_is_not_there_is_where_it_should_be() {
        assert_eq!(place(TEXT, &[Step::Key("holes"), Step::Index(9)]), (3, 12));
        assert_eq!(place(TEXT, &[Step::Key("none"), Step::Index(9)]), (1, 1));
        for text in ["", "{", "[1", "{\"a\"", "{\"a\":", "nonsense", "{\"a\": {"] {
            place(text, &[Step::Key("a"), Step::Index(0), Step::Key("b")]);
        }
    }
}
