//! Answers as numbers that are equal for answers that are.

use codeagent_sandbox::value::{Value, repr};
use codeagent_sandbox::{CaseResult, Claim, Failure, Verdict};

/// A number for a value, equal for values that Python finds equal: `1`, `1.0` and `True` are one, members of sets and
/// keys of dictionaries have no order. Floats that differ after the tenth digit count as equal, since programs that sum
/// in another order do the same.
#[must_use]
pub fn digest(value: &Value) -> u64 {
    let mut hasher = blake3::Hasher::new();
    write(&mut hasher, value);
    first_eight(&hasher)
}

/// The answer of a call; `None` of none.
pub(super) fn answer(claim: &Option<Claim>) -> Option<u64> {
    match claim {
        Some(Claim::Value { value, .. }) => Some(digest(value)),
        _ => None,
    }
}

/// What a stdin program printed for a test, as far as it is kept; `None` where it did not come to its end.
pub(super) fn printed(result: &CaseResult) -> Option<u64> {
    let came_to_its_end =
        matches!(result.verdict, Verdict::Passed | Verdict::Failed { failure: Failure::Wrong { .. } });
    let text = || result.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    came_to_its_end.then(|| digest(&Value::str(text())))
}

fn write(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Bool(value) => text(hasher, "number", if *value { "1" } else { "0" }),
        Value::Float(value) => text(hasher, "number", &number(*value)),
        Value::Int(_) => text(hasher, "number", &repr(value)),
        Value::List(items) => items_of(hasher, "list", items),
        Value::Tuple(items) => items_of(hasher, "tuple", items),
        Value::Set(items) | Value::FrozenSet(items) => unordered(hasher, "set", items.iter().map(digest)),
        Value::Dict(pairs) => {
            let pair = |(key, value): &(Value, Value)| digest(&Value::Tuple(vec![key.clone(), value.clone()]));
            unordered(hasher, "dict", pairs.iter().map(pair));
        }
        other => text(hasher, "other", &repr(other)),
    }
}

/// A float as the integer that it equals, else to ten digits.
fn number(value: f64) -> String {
    /// Largest float below which every integer is one.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let rounded = format!("{value:.9e}").parse::<f64>().unwrap_or(value);
    if rounded.fract() == 0.0 && rounded.abs() < EXACT_MAX {
        format!("{rounded:.0}").replace("-0", "0")
    } else {
        rounded.to_string()
    }
}

fn items_of(hasher: &mut blake3::Hasher, kind: &str, items: &[Value]) {
    text(hasher, kind, &items.len().to_string());
    items.iter().for_each(|item| write(hasher, item));
}

fn unordered(hasher: &mut blake3::Hasher, kind: &str, digests: impl Iterator<Item = u64>) {
    let mut digests: Vec<u64> = digests.collect();
    digests.sort_unstable();
    text(hasher, kind, &digests.len().to_string());
    for digest in digests {
        hasher.update(&digest.to_le_bytes());
    }
}

/// A tagged text with its length, so that no two sequences of writes look alike.
fn text(hasher: &mut blake3::Hasher, kind: &str, text: &str) {
    hasher.update(kind.as_bytes()).update(&[0]).update(&text.len().to_le_bytes()).update(text.as_bytes());
}

fn first_eight(hasher: &blake3::Hasher) -> u64 {
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use codeagent_sandbox::literal::parse;

    use super::*;

    fn check(one: &str, other: &str, equal: bool) {
        let found = digest(&parse(one).unwrap()) == digest(&parse(other).unwrap());
        assert_eq!(found, equal, "{one} and {other}");
    }

    #[test]
    fn what_python_finds_equal_is_one_answer() {
        check("1", "True", true);
        check("[1, 2.0]", "[1.0, 2]", true);
        check("0", "-0.0", true);
        check("-10.0", "-10", true);
        check("{1, 2, 3}", "{3, 1.0, 2}", true);
        check("{'a': 1, 'b': [2]}", "{'b': [2], 'a': True}", true);
        check("0.30000000000000004", "0.3", true);
        check("1e300", "1e300", true);
    }

    #[test]
    fn what_differs_is_not() {
        for (one, other) in [
            ("1", "2"),
            ("1", "'1'"),
            ("[1, 2]", "(1, 2)"),
            ("[1, 2]", "[2, 1]"),
            ("[[1], 2]", "[1, [2]]"),
            ("{}", "set()"),
            ("'ab', 'c'", "'a', 'bc'"),
            ("None", "False"),
            ("0.1", "0.1001"),
            ("-10", "10"),
            ("12345678901234567890", "12345678901234567891"),
        ] {
            check(&format!("[{one}]"), &format!("[{other}]"), false);
        }
    }
}
