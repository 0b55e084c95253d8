//! The problem of a question as the code to complete that the embedded model reads.

use super::transcript::blocks;

const ARGUMENTS: [&str; 4] = ["a", "b", "c", "d"];

/// Header and docstring of a function, or the docstring of a whole program. `None` where the question has no problem.
pub(super) fn stub(question: &str) -> Option<String> {
    let problem = question.split("\n# What to do").next()?;
    let blocks = blocks(problem);
    let statement = blocks.iter().find(|block| block.language == "text").map(|block| block.text.as_str());
    let starter = blocks.iter().find(|block| block.language != "text" && !block.label.contains("is wrong"));
    let starter = starter.map(|block| block.text.as_str());
    match (statement, starter) {
        (_, Some(code)) if code.contains("\"\"\"") || code.contains("'''") => {
            Some(format!("{}\n", code.trim_end()))
        }
        (None, code) => code.map(|code| format!("{}\n", code.trim_end())),
        (Some(text), Some(code)) => Some(with_docstring(code.trim_end(), text)),
        (Some(text), None) => match quoted_after(problem, "must define ") {
            Some(name) => Some(with_docstring(&header(problem, name, text), text)),
            None => Some(format!("\"\"\"{}\n\"\"\"\n", without_heading(text).trim_end())),
        },
    }
}

/// The line `def …:` of a function: its signature, or as many arguments as its examples give it.
fn header(problem: &str, name: &str, statement: &str) -> String {
    if let Some(signature) = quoted_after(problem, "with the signature ") {
        return format!("{}:", signature.trim_end_matches(':'));
    }
    let count = arguments_of_call(statement, name).unwrap_or(1);
    let arguments = ARGUMENTS.get(..count).unwrap_or(&ARGUMENTS);
    format!("def {name}({}):", arguments.join(", "))
}

fn with_docstring(header: &str, text: &str) -> String {
    let quote = if text.contains("\"\"\"") { "'''" } else { "\"\"\"" };
    let indented: Vec<String> = format!("{quote}{}", text.trim())
        .lines()
        .map(|line| if line.trim().is_empty() { String::new() } else { format!("    {line}") })
        .collect();
    format!("{header}\n{}\n    {quote}\n", indented.join("\n"))
}

/// The statement of a whole program without the heading above its examples, as in training.
fn without_heading(text: &str) -> String {
    text.replacen("\nExamples:\n\nInput:", "\nInput:", 1)
}

/// What stands in backticks after `before`.
fn quoted_after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("{before}`"))?;
    rest.split('`').next()
}

/// How many arguments the first call of `name` in a text has.
fn arguments_of_call(text: &str, name: &str) -> Option<usize> {
    let (_, call) = text.split_once(&format!("{name}("))?;
    let (mut depth, mut count, mut quote) = (0_usize, 1, None);
    for (at, letter) in call.char_indices() {
        match (quote, letter) {
            (Some(open), _) => quote = (letter != open).then_some(open),
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')') if depth == 0 => return Some(if at == 0 { 0 } else { count }),
            (None, ')' | ']' | '}') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => count += 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_counted_at_the_top_level() {
        assert_eq!(arguments_of_call("f([1, 2], 'a, )', {1: (2, 3)}) == 4", "f"), Some(3));
        assert_eq!(arguments_of_call("f() is 3", "f"), Some(0));
        assert_eq!(arguments_of_call("f(1, 2", "f"), None);
        assert_eq!(arguments_of_call("nothing", "f"), None);
    }
}
