//! Smaller inputs: what is tried in place of an input that makes a program fail.
//!
//! Every one of them has fewer parts or a smaller part, so that taking one after the other comes to an end; what is left
//! when none makes the program fail is minimal: no single item, character or line can be left out, no number halved or
//! brought nearer to 0 by one. Of long inputs only some are tried, so that they fit in memory; what is left of these may
//! not be minimal.
//!
//! Source: Zeller and Hildebrandt 2002, *Simplifying and Isolating Failure-Inducing Input*.

use codeagent_sandbox::value::Text;
use codeagent_sandbox::{Arguments, Value};

use crate::inputs::{Input, VALUES_MAX};

/// Smaller inputs, those with the largest parts left out first.
pub(super) fn smaller(input: &Input) -> Vec<Input> {
    // Candidates of one kind.
    let most = (VALUES_MAX / input.weight()).max(1);
    match input {
        Input::Call(call) => calls(call, most),
        Input::Stdin(text) => texts(text, most).into_iter().map(Input::Stdin).collect(),
    }
}

fn calls(call: &Arguments, most: usize) -> Vec<Input> {
    let mut found = Vec::new();
    let mut replaced = |change: &dyn Fn(&mut Arguments, Value), value: &Value| {
        for smaller in values(value, most) {
            let mut changed = call.clone();
            change(&mut changed, smaller);
            found.push(Input::Call(changed));
        }
    };
    for (place, value) in call.args.iter().enumerate() {
        replaced(
            &|call, smaller| {
                if let Some(argument) = call.args.get_mut(place) {
                    *argument = smaller;
                }
            },
            value,
        );
    }
    for (place, (_, value)) in call.kwargs.iter().enumerate() {
        replaced(
            &|call, smaller| {
                if let Some((_, argument)) = call.kwargs.get_mut(place) {
                    *argument = smaller;
                }
            },
            value,
        );
    }
    found
}

/// Smaller values of the same type, about `most` of each kind.
fn values(value: &Value, most: usize) -> Vec<Value> {
    let inner = |value: &Value| values(value, most);
    match value {
        Value::None | Value::Complex(..) => Vec::new(),
        Value::Bool(value) => value.then_some(Value::Bool(false)).into_iter().collect(),
        Value::Int(number) => match number.to_i64() {
            Some(number) => numbers(number).into_iter().map(Value::from).collect(),
            None => vec![Value::from(i64::MAX), Value::from(0)],
        },
        Value::Float(number) => floats(*number),
        Value::Str(text) => strings(&text.to_string_lossy(), most),
        Value::Bytes(bytes) => without_parts(bytes, most).into_iter().map(Value::Bytes).collect(),
        Value::List(items) => lists(items, most, inner).into_iter().map(Value::List).collect(),
        Value::Tuple(items) => with_one_smaller(items, most, inner).into_iter().map(Value::Tuple).collect(),
        Value::Set(items) => without_parts(items, most).into_iter().map(Value::Set).collect(),
        Value::FrozenSet(items) => without_parts(items, most).into_iter().map(Value::FrozenSet).collect(),
        Value::Dict(pairs) => {
            let pair = |(key, value): &(Value, Value)| {
                inner(value).into_iter().map(|value| (key.clone(), value)).collect()
            };
            lists(pairs, most, pair).into_iter().map(Value::Dict).collect()
        }
    }
}

/// Numbers nearer to 0, the nearest first.
fn numbers(number: i64) -> Vec<i64> {
    let step = number.signum();
    let mut found = vec![0, number / 2, number.saturating_sub(step)];
    if number < 0 && number > i64::MIN {
        found.insert(1, -number);
    }
    found.retain(|other| order(*other) < order(number));
    found.dedup();
    found
}

/// Smaller numbers are nearer to 0; of two as near, the one above it.
fn order(number: i64) -> (u64, bool) {
    (number.unsigned_abs(), number < 0)
}

fn floats(number: f64) -> Vec<Value> {
    let mut found = vec![0.0, number.trunc(), (number / 2.0).trunc()];
    found.retain(|other| other.abs() < number.abs());
    found.dedup();
    found.into_iter().map(Value::Float).collect()
}

fn strings(text: &str, most: usize) -> Vec<Value> {
    let characters: Vec<char> = text.chars().collect();
    // `a` is the smallest letter, `0` the smallest digit.
    let plainer = |character: &char| match character {
        '1'..='9' => vec!['0'],
        'b'..='z' => vec!['a'],
        'A'..='Z' => vec![character.to_ascii_lowercase()],
        _ => Vec::new(),
    };
    let all = lists(&characters, most, plainer).into_iter();
    all.map(|text| Value::Str(Text::from(text.into_iter().collect::<String>()))).collect()
}

fn lists<T: Clone + PartialEq>(items: &[T], most: usize, smaller: impl Fn(&T) -> Vec<T>) -> Vec<Vec<T>> {
    let mut found = without_parts(items, most);
    found.extend(with_one_smaller(items, most, &smaller));
    found.extend(with_alike_smaller(items, most, &smaller));
    found
}

/// Items that occur several times made smaller together, since they may have to stay alike.
fn with_alike_smaller<T: Clone + PartialEq>(
    items: &[T],
    most: usize,
    smaller: impl Fn(&T) -> Vec<T>,
) -> Vec<Vec<T>> {
    let mut found = Vec::new();
    // Looking for items that are alike takes time, too.
    for (place, item) in items.iter().enumerate().take(most) {
        if found.len() >= most {
            break;
        }
        let before = items.iter().take(place).any(|other| other == item);
        let after = items.iter().skip(place + 1).any(|other| other == item);
        for replacement in if after && !before { smaller(item) } else { Vec::new() } {
            let changed = |other: &T| if other == item { replacement.clone() } else { other.clone() };
            found.push(items.iter().map(changed).collect());
        }
    }
    found
}

/// The items without a part of them: all, each half, each quarter, down to each single one.
fn without_parts<T: Clone>(items: &[T], most: usize) -> Vec<Vec<T>> {
    let mut found = Vec::new();
    let mut length = items.len();
    while length > 0 {
        for start in (0..items.len()).step_by(length) {
            if found.len() >= most {
                return found;
            }
            let rest = items.iter().enumerate().filter(|(at, _)| *at < start || *at >= start + length);
            found.push(rest.map(|(_, item)| item.clone()).collect());
        }
        length /= 2;
    }
    found
}

fn with_one_smaller<T: Clone>(items: &[T], most: usize, smaller: impl Fn(&T) -> Vec<T>) -> Vec<Vec<T>> {
    let mut found = Vec::new();
    for (place, item) in items.iter().enumerate() {
        for replacement in smaller(item) {
            if found.len() >= most {
                return found;
            }
            let mut changed = items.to_vec();
            if let Some(item) = changed.get_mut(place) {
                *item = replacement;
                found.push(changed);
            }
        }
    }
    found
}

/// The text without lines, without words, and with smaller numbers.
fn texts(text: &str, most: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let end = if text.ends_with('\n') { "\n" } else { "" };
    let joined = |lines: Vec<String>| format!("{}{end}", lines.join("\n"));
    let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut found: Vec<String> =
        without_parts(&lines, most).into_iter().map(|lines| joined(owned(lines))).collect();
    let words = |line: &&str| -> Vec<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &&str| -> Vec<String> {
            let number = word.parse::<i64>().ok();
            number.map(|number| numbers(number).iter().map(i64::to_string).collect()).unwrap_or_default()
        };
        let mut shorter: Vec<String> =
            without_parts(&words, most).into_iter().map(|words| words.join(" ")).collect();
        let longest = shorter.len().saturating_add(most);
        for (place, word) in words.iter().enumerate() {
            if shorter.len() >= longest {
                break;
            }
            for smaller in number(word) {
                let mut changed = owned(words.clone());
                if let Some(word) = changed.get_mut(place) {
                    *word = smaller;
                }
                shorter.push(changed.join(" "));
            }
        }
        shorter
    };
    // A line that is long has as many candidates as all the others together.
    let longest = found.len().saturating_add(most.saturating_mul(2));
    for (place, line) in lines.iter().enumerate() {
        if found.len() >= longest {
            break;
        }
        for shorter in words(line) {
            let mut changed = owned(lines.clone());
            if let Some(line) = changed.get_mut(place) {
                *line = shorter;
            }
            found.push(joined(changed));
        }
    }
    found.retain(|other| other != text);
    found
}

#[cfg(test)]
mod tests {
    use codeagent_sandbox::literal::parse;
    use codeagent_sandbox::value::repr;

    use super::*;

    fn check(value: &str, expected: &[&str]) {
        let found: Vec<String> = values(&parse(value).unwrap(), 1_000).iter().map(repr).collect();
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn values_get_smaller_within_their_types() {
        check("7", &["0", "3", "6"]);
        check("-2", &["0", "2", "-1"]);
        check("0", &[]);
        check("2.5", &["0.0", "2.0", "1.0"]);
        check("[1, 2]", &["[]", "[2]", "[1]", "[0, 2]", "[1, 0]", "[1, 1]"]);
        check("[1, 1]", &["[]", "[1]", "[1]", "[0, 1]", "[1, 0]", "[0, 0]"]);
        check("(1, 'b')", &["(0, 'b')", "(1, '')", "(1, 'a')"]);
        check("{'x': 1}", &["{}", "{'x': 0}"]);
        check("None", &[]);
        check("True", &["False"]);
    }

    #[test]
    fn texts_lose_lines_words_and_size() {
        let found = texts("2\n5 3\n", 1_000);
        for expected in ["\n", "5 3\n", "2\n", "0\n5 3\n", "2\n3\n", "2\n5 0\n", "2\n2 3\n"] {
            assert!(found.iter().any(|text| text == expected), "{expected:?} in {found:?}");
        }
    }

    /// Made in full these would take gigabytes.
    #[test]
    fn of_long_inputs_only_some_are_made() {
        let numbers: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
        let call = |value| Input::Call(Arguments { args: vec![value], kwargs: Vec::new() });
        let row = |from: i64| Value::List((from..from + 2_000).map(Value::from).collect());
        for input in [
            call(Value::List((0..20_000_i64).map(Value::from).collect())),
            call(Value::List((0..10).map(row).collect())),
            call(Value::from(numbers.concat().as_str())),
            Input::Stdin(numbers.join(" ")),
            Input::Stdin(numbers.join("\n")),
        ] {
            let found = smaller(&input);
            let weight: usize = found.iter().map(Input::weight).sum();
            assert!(found.len() > 50 && weight < 8 * VALUES_MAX, "{} of {weight}", found.len());
        }
    }

    /// Taking any smaller value again and again comes to an end.
    #[test]
    fn shrinking_ends() {
        let mut value = parse("[[3, -5], 'Zy9', {'k': (2.75, [8])}, -9]").unwrap();
        let mut steps = 0;
        while let Some(next) = values(&value, 1_000).pop() {
            value = next;
            steps += 1;
            assert!(steps < 1_000, "{}", repr(&value));
        }
    }
}
