//! Values at the edges, put in the places of the visible inputs: where programs are wrong most often.

use codeagent_sandbox::value::{BigInt, Text};
use codeagent_sandbox::{Arguments, Value};

use crate::inputs::{self, Input};

/// Integers beyond which something changes in some language.
const INTEGERS: [i64; 12] =
    [0, 1, -1, 2, 10, 100, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 32, i64::MAX, -1_000_000];

const FLOATS: [f64; 8] = [0.0, 1.0, -1.0, 0.5, -0.5, 1e-9, 1e9, 2_147_483_648.0];

/// Deepest place that is changed.
const DEPTH: usize = 3;

/// Every input with one value of it replaced by one at the edges, those of whole arguments before those inside; the first
/// `most`, fewer where they are long.
pub(super) fn inputs(seeds: &[Input], most: usize) -> Vec<Input> {
    let all = (0..DEPTH).flat_map(|depth| {
        seeds.iter().flat_map(move |seed| -> Box<dyn Iterator<Item = Input> + '_> {
            match seed {
                Input::Call(call) => Box::new(calls(call, depth)),
                Input::Stdin(text) if depth == 0 => Box::new(texts(text)),
                Input::Stdin(_) => Box::new(std::iter::empty()),
            }
        })
    });
    inputs::held(all.take(most))
}

fn calls(call: &Arguments, depth: usize) -> impl Iterator<Item = Input> + '_ {
    let positional = call.args.iter().enumerate().flat_map(move |(place, value)| {
        at_depth(value, depth).map(move |edge| {
            let mut changed = call.clone();
            changed.args.iter_mut().skip(place).take(1).for_each(|argument| *argument = edge.clone());
            Input::Call(changed)
        })
    });
    let named = call.kwargs.iter().enumerate().flat_map(move |(place, (_, value))| {
        at_depth(value, depth).map(move |edge| {
            let mut changed = call.clone();
            changed.kwargs.iter_mut().skip(place).take(1).for_each(|(_, argument)| *argument = edge.clone());
            Input::Call(changed)
        })
    });
    positional.chain(named)
}

/// The values that `value` can be replaced by, or, deeper, itself with an item of it replaced.
fn at_depth(value: &Value, depth: usize) -> Box<dyn Iterator<Item = Value> + '_> {
    let Some(inner) = depth.checked_sub(1) else { return Box::new(edges(value).into_iter()) };
    let (Value::List(items) | Value::Tuple(items)) = value else { return Box::new(std::iter::empty()) };
    let rebuilt = |items: Vec<Value>| match value {
        Value::Tuple(_) => Value::Tuple(items),
        _ => Value::List(items),
    };
    // The first, the last and one in between stand for all.
    let mut places = vec![0, items.len() / 2, items.len().saturating_sub(1)];
    places.dedup();
    let found = places.into_iter().filter_map(|place| Some((place, items.get(place)?)));
    Box::new(found.flat_map(move |(place, item)| {
        at_depth(item, inner).map(move |edge| {
            let mut changed = items.clone();
            changed.iter_mut().skip(place).take(1).for_each(|item| *item = edge.clone());
            rebuilt(changed)
        })
    }))
}

/// Values of the same type at its edges.
fn edges(value: &Value) -> Vec<Value> {
    match value {
        Value::None | Value::Complex(..) => Vec::new(),
        Value::Bool(value) => vec![Value::Bool(!value)],
        Value::Int(_) => INTEGERS.into_iter().map(|edge| Value::Int(BigInt::from(edge))).collect(),
        Value::Float(_) => FLOATS.into_iter().map(Value::Float).collect(),
        Value::Str(text) => strings(&text.to_string_lossy()),
        Value::Bytes(bytes) => parts(bytes).into_iter().map(Value::Bytes).collect(),
        Value::List(items) => lists(items).into_iter().map(Value::List).collect(),
        // The length of a tuple is part of its type.
        Value::Tuple(_) => Vec::new(),
        Value::Set(items) => parts(items).into_iter().map(Value::Set).collect(),
        Value::FrozenSet(items) => parts(items).into_iter().map(Value::FrozenSet).collect(),
        Value::Dict(pairs) => parts(pairs).into_iter().map(Value::Dict).collect(),
    }
}

fn strings(text: &str) -> Vec<Value> {
    let characters: Vec<char> = text.chars().collect();
    let mut found: Vec<String> =
        lists(&characters).into_iter().map(|part| part.into_iter().collect()).collect();
    found.extend([" ".to_owned(), text.to_uppercase(), text.to_lowercase(), format!(" {text} ")]);
    found.into_iter().map(|text| Value::Str(Text::from(text))).collect()
}

/// Nothing, one, all alike, in pairs, the other way round.
fn lists<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let mut found = parts(items);
    if let Some(first) = items.first() {
        found.push(vec![first.clone(); 2]);
        found.push(vec![first.clone(); items.len()]);
        found.push(items.iter().flat_map(|item| [item.clone(), item.clone()]).collect());
    }
    found.push(items.iter().rev().cloned().collect());
    found
}

/// Nothing, and the first, and the first two.
fn parts<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    (0..=items.len().min(2)).map(|count| items.iter().take(count).cloned().collect()).collect()
}

/// The text with one number replaced, and with all numbers of a line replaced by the same.
fn texts(text: &str) -> impl Iterator<Item = Input> {
    let numbers = text.split_whitespace().filter(|token| is_number(token)).flat_map(move |token| {
        let at = (token.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + token.len()..).unwrap_or_default();
        INTEGERS.into_iter().map(move |edge| Input::Stdin(format!("{before}{edge}{after}")))
    });
    let several = |line: &&str| line.split(' ').filter(|word| is_number(word)).count() > 1;
    let lines = text.split('\n').filter(several).flat_map(move |line| {
        let at = (line.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + line.len()..).unwrap_or_default();
        INTEGERS.into_iter().map(move |edge| {
            let edge = edge.to_string();
            let words = line.split(' ').map(|word| if is_number(word) { edge.as_str() } else { word });
            Input::Stdin(format!("{before}{}{after}", words.collect::<Vec<_>>().join(" ")))
        })
    });
    numbers.chain(lines)
}

fn is_number(word: &str) -> bool {
    word.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use codeagent_sandbox::literal::parse;

    use super::*;

    fn shown(inputs: &[Input]) -> Vec<String> {
        inputs.iter().map(|input| input.show(Some("f"))).collect()
    }

    #[test]
    fn arguments_go_to_their_edges_and_items_after_them() {
        let args = vec![parse("[5, 7]").unwrap(), parse("'ab'").unwrap()];
        let kwargs = vec![("k".to_owned(), parse("[3, 4]").unwrap())];
        let found = shown(&super::inputs(&[Input::Call(Arguments { args, kwargs })], usize::MAX));
        for expected in [
            "f([], 'ab', k=[3, 4])",
            "f([5, 7], '', k=[3, 4])",
            "f([5, 5], 'ab', k=[3, 4])",
            "f([7, 5], 'ab', k=[3, 4])",
            "f([5, 7], 'ba', k=[3, 4])",
            "f([0, 7], 'ab', k=[3, 4])",
            "f([5, 7], 'ab', k=[])",
            "f([5, 7], 'ab', k=[0, 4])",
        ] {
            assert!(found.iter().any(|input| input == expected), "{expected} in {found:?}");
        }
        let place = |wanted: &str| found.iter().position(|input| input == wanted);
        assert!(place("f([], 'ab', k=[3, 4])") < place("f([0, 7], 'ab', k=[3, 4])"));
    }

    /// Made in full these would take gigabytes.
    #[test]
    fn of_long_inputs_no_more_are_made_than_wanted() {
        let numbers: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
        let list = Input::Call(Arguments {
            args: vec![Value::List((0..20_000_i64).map(Value::from).collect())],
            kwargs: Vec::new(),
        });
        for seed in [list, Input::Stdin(numbers.join(" ")), Input::Stdin(numbers.join("\n"))] {
            let found = super::inputs(&[seed.clone(), seed], 20);
            assert_eq!(found.len(), 20);
        }
    }

    #[test]
    fn of_very_long_inputs_few_are_made() {
        let row = Value::List((0..300_000_i64).map(Value::from).collect());
        let seed = Input::Call(Arguments { args: vec![Value::List(vec![row])], kwargs: Vec::new() });
        let found = super::inputs(&[seed], usize::MAX);
        let weight: usize = found.iter().map(Input::weight).sum();
        assert!(found.len() > 5 && weight < 2 * inputs::VALUES_MAX, "{} of {weight}", found.len());
    }

    #[test]
    fn numbers_of_a_text_go_to_their_edges() {
        let found = shown(&super::inputs(&[Input::Stdin("2\n5 x 7\n".into())], usize::MAX));
        for expected in ["0\n5 x 7\n", "2\n5 x 2147483648\n", "2\n-1 x -1\n"] {
            assert!(found.iter().any(|input| input == expected), "{expected:?} in {found:?}");
        }
    }
}
