//! Code that stands in an answer without a fence.

use super::python::{TripleQuotes, starts_code};

/// The longest run of lines that look like Python, or nothing if there is none with a definition, an import or an output.
pub(super) fn code(reply: &str) -> Option<String> {
    let mut best: Option<String> = None;
    let mut run = Run::default();
    for line in reply.lines() {
        if run.takes(line) {
            run.push(line);
        } else {
            keep_longer(&mut best, std::mem::take(&mut run));
        }
    }
    keep_longer(&mut best, run);
    best
}

fn keep_longer(best: &mut Option<String>, run: Run) {
    let text = run.text.trim_end();
    if run.is_code && best.as_ref().is_none_or(|best| text.len() > best.len()) {
        *best = Some(text.to_owned());
    }
}

#[derive(Default)]
struct Run {
    text: String,
    strings: TripleQuotes,
    /// Whether a line was seen that prose does not hold.
    is_code: bool,
}

impl Run {
    fn takes(&self, line: &str) -> bool {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        let started = !self.text.is_empty();
        let blank = line.trim().is_empty();
        let indented = line.starts_with([' ', '\t']);
        !fence
            && (self.strings.inside()
                || (started && (blank || indented))
                || (!blank && !indented && starts_code(line)))
    }

    fn push(&mut self, line: &str) {
        let sure = ["def ", "class ", "import ", "from ", "print(", "async def "];
        self.is_code |= !self.strings.inside() && sure.iter().any(|start| line.starts_with(start));
        self.strings.line(line);
        self.text.push_str(line);
        self.text.push('\n');
    }
}
