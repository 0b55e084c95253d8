//! Takes machine paths out of error messages: they help no model, name users, and make equal prompts differ.

/// Directories whose content says something about this machine and nothing about the program.
const ROOTS: [&str; 14] = [
    "/home/",
    "/Users/",
    "/root/",
    "/tmp/",
    "/var/",
    "/private/",
    "/usr/",
    "/opt/",
    "/nix/",
    "/mnt/",
    "/proc/",
    "/dev/shm/",
    "/lib/",
    "/run/",
];

/// Directories that hold temporary files, whose names are random.
const TEMPORARY: [&str; 5] = ["/tmp/", "/var/", "/private/", "/dev/shm/", "/run/"];

/// `message` with each machine path replaced by its file name, and each temporary script by `program.py`.
///
/// Only paths below well-known roots are touched, so that a path which the program itself computed mostly stays.
pub(crate) fn scrub(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    let mut previous = ' ';
    while let Some(character) = rest.chars().next() {
        let length = if starts_path(rest, previous) { path_length(rest) } else { 0 };
        let (taken, tail) = rest.split_at(if length > 0 { length } else { character.len_utf8() });
        if length > 0 {
            out.push_str(&file_name(taken));
        } else {
            out.push_str(taken);
        }
        previous = taken.chars().next_back().unwrap_or(' ');
        rest = tail;
    }
    out
}

fn starts_path(text: &str, previous: char) -> bool {
    let boundary = !previous.is_alphanumeric() && !matches!(previous, '.' | '_' | '-' | '/' | '\\');
    boundary && (ROOTS.iter().any(|root| text.starts_with(root)) || is_windows_path(text))
}

fn is_windows_path(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|drive| drive.is_ascii_alphabetic())
        && characters.next() == Some(':')
        && characters.next() == Some('\\')
}

/// Bytes up to the first character that no path in a message holds.
fn path_length(text: &str) -> usize {
    let ends = |character: char| {
        character.is_whitespace() || matches!(character, '"' | '\'' | '`' | ',' | ';' | ')' | ']' | '>' | '<')
    };
    // The colon of a drive is part of the path, one before a line number is not.
    let from = if is_windows_path(text) { 2 } else { 0 };
    text.char_indices()
        .find(|&(at, character)| at >= from && (ends(character) || character == ':'))
        .map_or(text.len(), |(at, _)| at)
}

fn file_name(path: &str) -> String {
    let name = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    let script = std::path::Path::new(name).extension().is_some_and(|extension| extension == "py");
    let library = path.contains("site-packages") || path.contains("/python");
    let temporary = TEMPORARY.iter().any(|root| path.starts_with(root)) || path.contains("\\Temp\\");
    if script && temporary && !library { "program.py".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        assert_eq!(scrub(message), expected);
    }

    #[test]
    fn machine_paths_go() {
        check("File \"/tmp/run-x91/candidate_77.py\", line 3, in f", "File \"program.py\", line 3, in f");
        check("/home/jane doe", "jane doe");
        check("see /home/jane/tree/solve.py:12: oops", "see solve.py:12: oops");
        check("/usr/lib/python3.12/random.py, line 1", "random.py, line 1");
        check(r"C:\Users\jane\AppData\Local\Temp\x1.py failed", "program.py failed");
        check("(/root/a.txt)", "(a.txt)");
    }

    #[test]
    fn everything_else_stays() {
        for message in ["ValueError: /a/b/c", "1/tmp/2", "http://x.org/home/", "", "größer /ünder", "a: b\\c"]
        {
            check(message, message);
        }
    }
}
