//! How hard a problem is said to be: `introductory`, `interview` and `competition` of APPS (Hendrycks et al. 2021, section 3),
//! `easy`, `medium` and `hard` of LiveCodeBench (Jain et al. 2024, section 3), or any other word of a data set.

use std::collections::BTreeMap;

use super::fields::Row;

/// Longest word, in characters. A text that is longer says something else.
const CHARACTERS_MAX: usize = 40;

/// The words that are known, the easiest first.
const KNOWN: [&str; 6] = ["introductory", "easy", "interview", "medium", "competition", "hard"];

/// The word in the field `difficulty` of a row, or of its `meta`; `None` for numbers, whose meaning differs between data sets.
pub(super) fn of(row: &Row<'_>) -> Option<String> {
    let root = row.object();
    let field = root.get("difficulty").or_else(|| root.get("meta")?.get("difficulty"))?;
    let word = field.as_str()?.trim();
    let is_word =
        !word.is_empty() && word.chars().count() <= CHARACTERS_MAX && !word.contains(char::is_control);
    is_word.then(|| word.to_owned())
}

/// Groups by the difficulty that their words stand for, the easiest first; those of unknown words by name behind the others.
#[must_use]
pub fn easiest_first<T>(groups: &BTreeMap<String, T>) -> Vec<(&str, &T)> {
    let mut groups: Vec<(&str, &T)> = groups.iter().map(|(word, group)| (word.as_str(), group)).collect();
    groups.sort_by_key(|(word, _)| KNOWN.iter().position(|known| known == word).unwrap_or(KNOWN.len()));
    groups
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn check(json: &str, expected: Option<&str>) {
        let row = Row::parse(Path::new("f"), 1, json.as_bytes()).unwrap();
        assert_eq!(of(&row).as_deref(), expected, "{json}");
    }

    #[test]
    fn words_are_read_and_nothing_else() {
        check(r#"{"difficulty": " interview "}"#, Some("interview"));
        check(r#"{"meta": {"difficulty": "hard"}}"#, Some("hard"));
        check(r#"{"difficulty": 7}"#, None);
        check(r#"{"difficulty": ""}"#, None);
        check(r#"{"difficulty": "a\u001b[2J"}"#, None);
        check(&format!(r#"{{"difficulty": "{}"}}"#, "x".repeat(41)), None);
        check(r#"{"meta": 3}"#, None);
        check("[]", None);
    }

    #[test]
    fn the_easiest_come_first() {
        let words = ["zen", "hard", "competition", "easy", "art", "introductory"];
        let groups = words.map(|word| (word.to_owned(), ())).into();
        let sorted: Vec<&str> = easiest_first(&groups).into_iter().map(|(word, ())| word).collect();
        assert_eq!(sorted, ["introductory", "easy", "competition", "hard", "art", "zen"]);
    }
}
