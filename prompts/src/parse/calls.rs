//! Calls of a function in an answer, whatever stands around them.

use super::code::blocks;

/// Longest call that is read, in bytes.
const CALL_MAX: usize = 20_000;
/// Calls that never end, after which no more are looked for, so that any text takes linear time.
const UNENDED_MAX: usize = 20;

/// Every call `name(...)` in the fenced blocks of `reply`, or in all of it where there are none, with balanced brackets, in
/// order. What stands around a call (list marks, `assert`, `==` and a value, comments) is left out. Definitions are no
/// calls. Of `Class.method` the calls of `method`.
#[must_use]
pub fn calls(reply: &str, name: &str) -> Vec<String> {
    let name = name.rsplit('.').next().unwrap_or(name);
    let found = blocks(reply);
    let in_blocks: Vec<String> = found.iter().flat_map(|block| in_text(&block.text, name)).collect();
    if in_blocks.is_empty() { in_text(reply, name) } else { in_blocks }
}

fn in_text(text: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut from, mut unended) = (0, 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(name)).filter(|_| !name.is_empty()) {
        let start = from + at;
        from = start + name.len();
        let starts_word = !text.get(..start).is_some_and(|before| before.ends_with(is_word));
        let defined = text.get(..start).is_some_and(|before| before.trim_end_matches(' ').ends_with("def"));
        let Some(arguments) =
            text.get(from..).filter(|rest| starts_word && !defined && rest.starts_with('('))
        else {
            continue;
        };
        if let Some(end) = balanced(arguments) {
            found.push(format!("{name}{}", arguments.get(..end).unwrap_or_default()));
            from += end;
        } else {
            unended += 1;
            if unended == UNENDED_MAX {
                break;
            }
        }
    }
    found
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// Where the bracket that `text` begins with is closed, just behind it. Brackets in strings do not count.
pub(crate) fn balanced(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, character) in text.char_indices().take_while(|(at, _)| *at < CALL_MAX) {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(reply: &str, expected: &[&str]) {
        assert_eq!(calls(reply, "f"), expected, "{reply:?}");
    }

    #[test]
    fn calls_are_read_wherever_they_stand() {
        check("```python\nf(1)\nf([2,\n   3], x='a)')\n```", &["f(1)", "f([2,\n   3], x='a)')"]);
        check("1. `f(1)`\n2. f((1, 2)) == 3", &["f(1)", "f((1, 2))"]);
        check("assert f(\"\\\")\") == 1\n>>> f({})", &["f(\"\\\")\")", "f({})"]);
        check("prose f(0)\n```\nassert f(1) == f(2)  # f(\n```", &["f(1)", "f(2)"]);
    }

    #[test]
    fn what_is_no_call_is_left_out() {
        for reply in ["", "f", "f (1)", "def f(x): pass", "self_f(1)", "ff(1)", "f(1", "f([1)"] {
            check(reply, &[]);
        }
    }

    #[test]
    fn methods_are_called_by_their_own_name() {
        assert_eq!(calls("Solution().solve(1, 2)", "Solution.solve"), ["solve(1, 2)"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(reply in "(\\PC|f\\(|[)\\]'\"`\n]){0,80}") {
            for call in calls(&reply, "f") {
                let closed = call.ends_with([')', ']', '}']);
                prop_assert!(call.starts_with("f(") && closed, "{}", call);
            }
            let _ = calls(&reply, "");
        }
    }
}
