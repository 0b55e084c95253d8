//! What can be said of Python text line by line, without parsing it.

/// Whether `code` binds `name` (or the class of `Class.method`) at the top level.
pub(super) fn defines(code: &str, name: &str) -> bool {
    let name = name.split('.').next().unwrap_or(name);
    code.lines().any(|line| binds(line, name))
}

fn binds(line: &str, name: &str) -> bool {
    let after_keyword = ["def ", "class ", "async def "]
        .iter()
        .find_map(|keyword| line.strip_prefix(keyword))
        .map(str::trim_start);
    let rest = after_keyword.unwrap_or(line).strip_prefix(name);
    rest.is_some_and(|rest| {
        let rest = rest.trim_start();
        match after_keyword {
            Some(_) => rest.starts_with(['(', ':', '[']),
            None => rest.starts_with('=') && !rest.starts_with("=="),
        }
    })
}

/// Whether `code` reads or writes: the least that a whole program does.
pub(super) fn talks(code: &str) -> bool {
    ["print(", "input(", "sys.stdin", "sys.stdout", "open(0", "stdin.", "os.read", "__main__"]
        .iter()
        .any(|sign| code.contains(sign))
}

/// Whether an unindented line could start a piece of Python, and not a sentence.
pub(super) fn starts_code(line: &str) -> bool {
    let word = line
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .next()
        .unwrap_or_default();
    let rest = line.get(word.len()..).unwrap_or_default();
    match word {
        "import" => !rest.trim().is_empty() && !line.ends_with('.') && line.split_whitespace().count() <= 8,
        "from" => line.contains(" import "),
        "def" | "class" | "async" => rest.contains(['(', ':']),
        "if" | "for" | "while" | "with" | "elif" => line.contains(':') && !line.ends_with('.'),
        "try" | "else" | "finally" => rest.trim_start().starts_with(':'),
        "except" => line.contains(':'),
        "return" | "assert" | "raise" | "global" | "del" => !line.ends_with('.'),
        "pass" | "break" | "continue" => rest.trim().is_empty(),
        "" => line.starts_with(['@', '#', ')', ']', '}', '"', '\'']) && !line.starts_with("##"),
        _ => is_assignment_or_call(line, rest),
    }
}

fn is_assignment_or_call(line: &str, rest: &str) -> bool {
    if rest.starts_with('(')
        || (rest.starts_with(['.', '[']) && !rest.starts_with(". ") && rest.contains(['(', '=']))
    {
        return true;
    }
    let Some((target, value)) = line.split_once('=') else {
        return false;
    };
    let plain = target
        .trim_end_matches(['+', '-', '*', '/', '%', '|', '&', '^', '<', '>', ':'])
        .chars()
        .all(|character| character.is_alphanumeric() || "_,. []:".contains(character));
    plain
        && !value.trim().is_empty()
        && (target.split_whitespace().count() == 1 || target.contains([',', ':']))
}

/// Keeps track of triple-quoted strings over lines.
#[derive(Debug, Default)]
pub(super) struct TripleQuotes {
    open: Option<&'static str>,
}

impl TripleQuotes {
    /// Whether the next line starts inside a string.
    pub(super) const fn inside(&self) -> bool {
        self.open.is_some()
    }

    /// Reads one line, each byte once.
    pub(super) fn line(&mut self, line: &str) {
        let mut rest = line.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            let quotes = match self.open {
                Some(quotes) => Some(quotes).filter(|quotes| rest.starts_with(quotes.as_bytes())),
                None if byte == b'#' => return,
                None => ["\"\"\"", "'''"].into_iter().find(|quotes| rest.starts_with(quotes.as_bytes())),
            };
            match quotes {
                Some(quotes) => {
                    self.open = if self.open.is_some() { None } else { Some(quotes) };
                    rest = rest.get(quotes.len()..).unwrap_or_default();
                }
                None => rest = tail,
            }
        }
    }
}
