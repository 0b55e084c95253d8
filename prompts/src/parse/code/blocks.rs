//! Fenced blocks, as models write them: indented, nested, unclosed, on one line.

use super::python::TripleQuotes;

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// First word after the opening fence, lower-case; empty if there is none.
    pub language: String,
    /// What stands between the fences, without the opening fence's indentation.
    pub text: String,
    /// Whether a closing fence ended it.
    pub closed: bool,
}

impl Block {
    /// Whether the language allows that this is a program: Python, or none that we know to be something else. `module`
    /// marks the outlines of CodeChain, whose headers define names without a body.
    pub(super) fn may_be_program(&self) -> bool {
        const OTHERS: [&str; 15] = [
            "text",
            "txt",
            "plaintext",
            "json",
            "bash",
            "sh",
            "shell",
            "console",
            "output",
            "input",
            "yaml",
            "diff",
            "xml",
            "html",
            "module",
        ];
        !OTHERS.contains(&self.language.as_str())
    }
}

/// Every fenced block in `reply`, in order.
///
/// A bare fence closes a block if it is as long as the opening one, of the same mark and not indented deeper; a fence with
/// a language inside a block means that the block before was left unclosed. A fence inside a triple-quoted string is
/// part of the code.
#[must_use]
pub fn blocks(reply: &str) -> Vec<Block> {
    let mut scanner = Scanner::default();
    for line in reply.lines() {
        scanner.line(line, Strings::Respected);
    }
    if scanner.open.as_ref().is_some_and(|open| open.strings.inside()) {
        // The string never ended, so it was none, or the answer was cut: read fences for what they are.
        let mut plain = Scanner::default();
        for line in reply.lines() {
            plain.line(line, Strings::Ignored);
        }
        scanner = plain;
    }
    scanner.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strings {
    Respected,
    Ignored,
}

#[derive(Default)]
struct Scanner {
    done: Vec<Block>,
    open: Option<Open>,
}

struct Open {
    fence: Fence,
    block: Block,
    strings: TripleQuotes,
}

#[derive(Clone, Copy)]
struct Fence {
    indent: usize,
    mark: char,
    length: usize,
}

impl Scanner {
    fn line(&mut self, line: &str, strings: Strings) {
        let Some(open) = &mut self.open else {
            if let Some((fence, info)) = fence(line) {
                self.start(fence, info);
            }
            return;
        };
        let in_string = strings == Strings::Respected && open.strings.inside();
        match fence(line).filter(|_| !in_string) {
            Some((fence, "")) if open.fence.is_closed_by(fence) => {
                open.block.closed = true;
                self.close();
            }
            Some((fence, info)) if !info.is_empty() && open.fence.is_followed_by(fence) => {
                self.close();
                self.start(fence, info);
            }
            _ => match open.fence.glued(line).filter(|_| !in_string) {
                Some(last) => {
                    open.push(last);
                    open.block.closed = true;
                    self.close();
                }
                None => open.push(line),
            },
        }
    }

    fn start(&mut self, fence: Fence, info: &str) {
        let (language, rest) = split_info(info);
        let block = Block { language, text: String::new(), closed: false };
        if let Some(code) = rest.strip_suffix(&fence.mark.to_string().repeat(fence.length)) {
            // The whole block on one line.
            self.done.push(Block { text: format!("{}\n", code.trim()), closed: true, ..block });
            return;
        }
        self.open = Some(Open { fence, block, strings: TripleQuotes::default() });
    }

    fn close(&mut self) {
        self.done.extend(self.open.take().map(|open| open.block));
    }

    fn finish(mut self) -> Vec<Block> {
        self.close();
        self.done
    }
}

impl Open {
    fn push(&mut self, line: &str) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let text = line.get(indent.min(self.fence.indent)..).unwrap_or(line);
        self.strings.line(text);
        self.block.text.push_str(text);
        self.block.text.push('\n');
    }
}

impl Fence {
    const fn is_closed_by(self, other: Self) -> bool {
        self.mark as u32 == other.mark as u32
            && other.length >= self.length
            && other.indent <= self.indent + 3
    }

    /// Whether a fence with a language inside this block is the start of the next one.
    const fn is_followed_by(self, other: Self) -> bool {
        self.is_closed_by(other) && other.length == self.length
    }

    /// The code before a closing fence at the end of the last line, as in "return x```".
    fn glued(self, line: &str) -> Option<&str> {
        let line = line.trim_end();
        let code = line.trim_end_matches(self.mark);
        let length = line.len() - code.len();
        let plain = !code.trim().is_empty() && !code.contains([self.mark, '"', '\'', '#']);
        (self.mark == '`' && length >= self.length && plain).then_some(code)
    }
}

/// The fence that a line consists of, with what follows the mark.
fn fence(line: &str) -> Option<(Fence, &str)> {
    let text = line.trim_start();
    let mark = text.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = text.trim_start_matches(mark);
    let length = text.len() - info.len();
    let fence = Fence { indent: line.len() - text.len(), mark, length };
    (length >= 3).then(|| (fence, info.trim()))
}

/// Language and the rest of an info string.
fn split_info(info: &str) -> (String, &str) {
    let (word, rest) = info.split_once(char::is_whitespace).unwrap_or((info, ""));
    let is_language =
        word.chars().all(|character| character.is_alphanumeric() || "+-#_.{}=".contains(character));
    if is_language { (word.to_ascii_lowercase(), rest.trim()) } else { (String::new(), info) }
}
