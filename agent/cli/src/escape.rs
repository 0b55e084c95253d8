//! Foreign text on a terminal: control characters are shown, never obeyed.
//!
//! Problem statements, model answers, file names and program output may hold escape sequences that move the cursor,
//! retitle the window or hide text, and bidirectional controls that reorder it.

use std::fmt::Write as _;

/// The text with every control character escaped, line breaks and tabs too: for use inside one line.
#[must_use]
pub fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// The text with every control character but line breaks and tabs escaped: for blocks of text.
#[must_use]
pub fn block(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if !keep(c) => shown.push_str("\\n"),
            '\t' if !keep(c) => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            _ if keep(c) || !is_unsafe(c) => shown.push(c),
            _ => {
                // Writing to a `String` cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    shown
}

/// C0 and C1 controls, DEL, bidirectional controls, zero-width characters and line separators.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// At most `max` characters of the text, escaped for one line, with `…` where it was cut.
#[must_use]
pub fn excerpt(text: &str, max: usize) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(max).collect();
    let cut = if chars.next().is_some() { "…" } else { "" };
    format!("{}{cut}", line(&head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown() {
        assert_eq!(line("a\x1b[31mb\nc\u{7f}"), "a\\u{1b}[31mb\\nc\\u{7f}");
        assert_eq!(block("a\x1b]0;x\x07\n\tb\r"), "a\\u{1b}]0;x\\u{7}\n\tb\\r");
        assert_eq!(line("\u{202e}evil\u{9b}"), "\\u{202e}evil\\u{9b}");
    }

    #[test]
    fn ordinary_text_is_untouched() {
        assert_eq!(line("➞ naïve 你好"), "➞ naïve 你好");
    }

    #[test]
    fn excerpts_are_cut_on_characters() {
        assert_eq!(excerpt("éééé", 3), "ééé…");
        assert_eq!(excerpt("éé", 3), "éé");
    }
}
