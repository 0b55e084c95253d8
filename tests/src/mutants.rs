//! Wrong solutions, made from right ones by one small change: the mistakes that are hardest to tell from the truth.

/// What is put in the place of what. Spaces around operators keep signs, comments and arrows apart.
const SWAPS: [(&str, &str); 24] = [
    (" + ", " - "),
    (" - ", " + "),
    (" * ", " + "),
    (" / ", " // "),
    (" // ", " / "),
    (" % ", " // "),
    (" < ", " >= "),
    (" <= ", " < "),
    (" > ", " <= "),
    (" >= ", " > "),
    (" == ", " != "),
    (" != ", " == "),
    (" and ", " or "),
    (" or ", " and "),
    ("if not ", "if "),
    ("True", "False"),
    ("False", "True"),
    ("[::-1]", ""),
    ("range(", "range(1, "),
    ("min(", "max("),
    ("max(", "min("),
    ("sorted(", "list("),
    ("continue", "pass"),
    (".append(", ".count("),
];

/// Every program that differs from `body` in one place, in the order of the text.
#[must_use]
pub fn mutants(body: &str) -> Vec<String> {
    let lines: Vec<&str> = body.split_inclusive('\n').collect();
    let change = |index: usize, line: &str| {
        let line = line.to_owned();
        lines
            .iter()
            .enumerate()
            .map(move |(at, old)| if at == index { line.clone() } else { (*old).to_owned() })
            .collect()
    };
    let code = lines.iter().enumerate().filter(|(_, line)| !line.trim_start().starts_with(['#', '"', '\'']));
    code.flat_map(|(index, line)| changed(line).into_iter().map(move |line| (index, line)))
        .map(|(index, line)| change(index, &line))
        .collect()
}

/// The line with one change, in every way.
fn changed(line: &str) -> Vec<String> {
    let swapped = SWAPS.iter().flat_map(|(from, to)| {
        line.match_indices(from)
            .map(move |(at, _)| format!("{}{to}{}", &line[..at], &line[at + from.len()..]))
    });
    let structural = [dropped_branch(line), replaced_return(line)].into_iter().flatten();
    swapped.chain(off_by_one(line)).chain(structural).collect()
}

/// Every whole number one larger.
fn off_by_one(line: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.\"'".contains(c);
    let changed = |(at, _): (usize, char)| {
        let (before, number) = line.split_at_checked(at)?;
        let (number, after) =
            number.split_at_checked(number.bytes().take_while(u8::is_ascii_digit).count())?;
        let stands_alone = !before.ends_with(is_word) && !after.starts_with(is_word);
        let larger = number.parse::<u64>().ok()? + 1;
        stands_alone.then(|| format!("{before}{larger}{after}"))
    };
    line.char_indices().filter_map(changed).collect()
}

fn dropped_branch(line: &str) -> Option<String> {
    let indent = line.len() - line.trim_start().len();
    let is_branch = line.trim_start().starts_with("if ") && line.trim_end().ends_with(':');
    is_branch.then(|| format!("{}if False:\n", &line[..indent]))
}

fn replaced_return(line: &str) -> Option<String> {
    let indent = line.len() - line.trim_start().len();
    line.trim_start().starts_with("return ").then(|| format!("{}return None\n", &line[..indent]))
}

#[cfg(test)]
mod tests {
    use super::mutants;

    #[test]
    fn every_place_is_changed_by_itself() {
        let body = "    if n < 10:\n        return n + 1\n    # 1 + 1\n    return f(n)\n";
        let expected = [
            "    if n >= 10:\n        return n + 1\n    # 1 + 1\n    return f(n)\n",
            "    if n < 11:\n        return n + 1\n    # 1 + 1\n    return f(n)\n",
            "    if False:\n        return n + 1\n    # 1 + 1\n    return f(n)\n",
            "    if n < 10:\n        return n - 1\n    # 1 + 1\n    return f(n)\n",
            "    if n < 10:\n        return n + 2\n    # 1 + 1\n    return f(n)\n",
            "    if n < 10:\n        return None\n    # 1 + 1\n    return f(n)\n",
            "    if n < 10:\n        return n + 1\n    # 1 + 1\n    return None\n",
        ];
        assert_eq!(mutants(body), expected);
    }

    #[test]
    fn names_and_fractions_keep_their_digits() {
        assert_eq!(mutants("x2 = a1.5\n"), Vec::<String>::new());
    }
}
