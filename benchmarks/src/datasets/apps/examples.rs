//! Sample inputs and outputs in the statements of stdin problems.
//!
//! Statements are parted by headings such as `-----Examples-----`. Samples follow in one of two forms: lines `Input` and
//! `Output` under one heading, or headings of their own, `-----Sample Input-----` and `-----Sample Output-----`.

/// Pairs of input and output, in order.
pub(super) fn parse(statement: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut input: Option<String> = None;
    for (heading, text) in sections(statement) {
        let heading = heading.trim().trim_end_matches(':').to_lowercase();
        match heading.as_str() {
            "example" | "examples" | "sample" | "samples" => pairs.extend(labelled(text)),
            _ if is_sample(&heading, "input") => input = Some(clean(text)),
            _ if is_sample(&heading, "output") => {
                pairs.extend(input.take().map(|input| (input, clean(text))))
            }
            _ => {}
        }
    }
    pairs
}

fn is_sample(heading: &str, kind: &str) -> bool {
    (heading.contains("sample") || heading.contains("example")) && heading.contains(kind)
}

/// Headings, each with the text below it.
fn sections(statement: &str) -> Vec<(&str, &str)> {
    let mut starts = Vec::new();
    let mut offset = 0;
    for line in statement.split_inclusive('\n') {
        let trimmed = line.trim();
        if let Some(heading) = trimmed.strip_prefix("-----").and_then(|rest| rest.strip_suffix("-----")) {
            starts.push((heading, offset, offset + line.len()));
        }
        offset += line.len();
    }
    let ends = starts.iter().skip(1).map(|(_, start, _)| *start).chain([statement.len()]).collect::<Vec<_>>();
    let text = |((heading, _, start), end)| (heading, statement.get(start..end).unwrap_or_default());
    starts.into_iter().zip(ends).map(text).collect()
}

/// Pairs below lines that say `Input` and `Output`.
fn labelled(text: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(bool, String)> = Vec::new();
    for line in text.lines() {
        match line.trim().trim_end_matches(':').to_lowercase().as_str() {
            "input" | "sample input" => parts.push((true, String::new())),
            "output" | "sample output" => parts.push((false, String::new())),
            _ => {
                if let Some((_, part)) = parts.last_mut() {
                    part.push_str(line);
                    part.push('\n');
                }
            }
        }
    }
    let mut pairs = Vec::new();
    for pair in parts.windows(2) {
        if let [(true, input), (false, output)] = pair {
            pairs.push((clean(input), clean(output)));
        }
    }
    pairs
}

/// Without blank lines around it, and with one line end.
fn clean(text: &str) -> String {
    format!("{}\n", text.trim_matches('\n').trim_end())
}
