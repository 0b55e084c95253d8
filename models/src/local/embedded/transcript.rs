//! Fenced blocks of our own questions, each with the line above it.
//!
//! Only for texts of this workspace's templates, whose fences are longer than any run inside them.

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// The last line before it that is not empty.
    pub(super) label: &'a str,
    /// What stands after the opening fence.
    pub(super) language: &'a str,
    /// Its lines.
    pub(super) text: String,
}

/// The blocks of a text, in order.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut label = "";
    let mut open: Option<(&str, Block<'_>)> = None;
    for line in text.lines() {
        match open.take() {
            Some((fence, block)) if line == fence => found.push(block),
            Some((fence, mut block)) => {
                if !block.text.is_empty() {
                    block.text.push('\n');
                }
                block.text.push_str(line);
                open = Some((fence, block));
            }
            None => match fence(line) {
                Some((fence, language)) => {
                    open = Some((fence, Block { label, language, text: String::new() }))
                }
                None if line.trim().is_empty() => {}
                None => label = line,
            },
        }
    }
    found
}

fn fence(line: &str) -> Option<(&str, &str)> {
    let length = line.len() - line.trim_start_matches('`').len();
    (length >= 3).then(|| line.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_with_the_line_above() {
        let text = "One:\n\n````text\n```\na\n```\n````\nTwo:\n```python\n```\nrest\n```text\nnever closed";
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Block { label: "One:", language: "text", text: "```\na\n```".into() });
        assert_eq!(found[1], Block { label: "Two:", language: "python", text: String::new() });
    }
}
