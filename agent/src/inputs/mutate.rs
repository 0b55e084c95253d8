//! Type-directed mutation of inputs: every change keeps the types of what is there, and stays within what was seen.
//!
//! Source: Liu et al. 2023, *EvalPlus*, section 2.2 and table 1: an input is drawn from those at hand, changed by its
//! types, and joins them. Unlike theirs, numbers, characters and lengths stay within bounds taken from the visible
//! inputs, since without a reference solution there is no other way to tell valid inputs.

use std::collections::BTreeSet;

use codeagent_sandbox::value::Text;
use codeagent_sandbox::{Arguments, Value};

use super::bounds::{self, Bounds};
use super::luck::Luck;
use super::{Input, VALUES_MAX, stdin};

/// Draws per input that is wanted: many mutations are nothing new.
const DRAWS: usize = 8;
/// Inputs up to this size are small enough whatever was seen; otherwise none is more than twice the largest.
const SIZE_FLOOR: usize = 32;

/// Up to `count` inputs, fewer where they are long, that are not among `seeds`, each a mutation of one of them or of an earlier mutation.
pub(super) fn inputs(seeds: &[Input], count: usize, seed: u64) -> Vec<Input> {
    let mut luck = Luck::new(seed);
    let bounds = AllBounds::of(seeds);
    let mut seen: BTreeSet<Vec<u8>> = seeds.iter().map(Input::identity).collect();
    let size_max = SIZE_FLOOR + 2 * seeds.iter().map(size).max().unwrap_or(0);
    let mut corpus = seeds.to_vec();
    let mut weight = 0;
    for _ in 0..count.saturating_mul(DRAWS) {
        if corpus.len() >= seeds.len() + count || weight >= VALUES_MAX {
            break;
        }
        let Some(parent) = luck.pick(&corpus) else { break };
        let child = bounds.mutated(&mut luck, parent);
        if size(&child) <= size_max && seen.insert(child.identity()) {
            weight += child.weight();
            corpus.push(child);
        }
    }
    corpus.split_off(seeds.len())
}

fn size(input: &Input) -> usize {
    match input {
        Input::Call(call) => {
            call.args.iter().chain(call.kwargs.iter().map(|(_, value)| value)).map(bounds::size).sum()
        }
        Input::Stdin(text) => text.len(),
    }
}

/// The bounds of every argument, and those of texts.
struct AllBounds {
    positional: Vec<Bounds>,
    named: Vec<(String, Bounds)>,
    stdin: Bounds,
}

impl AllBounds {
    fn of(seeds: &[Input]) -> Self {
        let calls =
            || seeds.iter().filter_map(|seed| if let Input::Call(call) = seed { Some(call) } else { None });
        let texts =
            seeds.iter().filter_map(|seed| if let Input::Stdin(text) = seed { Some(text) } else { None });
        let places = calls().map(|call| call.args.len()).max().unwrap_or(0);
        let at = |place: usize| Bounds::around(calls().filter_map(move |call| call.args.get(place)));
        let names: BTreeSet<&String> =
            calls().flat_map(|call| call.kwargs.iter().map(|(name, _)| name)).collect();
        let by = |name: &String| {
            let values = calls().flat_map(|call| &call.kwargs).filter(|(other, _)| other == name);
            (name.clone(), Bounds::around(values.map(|(_, value)| value)))
        };
        Self {
            positional: (0..places).map(at).collect(),
            named: names.into_iter().map(by).collect(),
            stdin: Bounds::around_tokens(texts.flat_map(|text| text.split_whitespace())),
        }
    }

    /// The input with one change.
    fn mutated(&self, luck: &mut Luck, input: &Input) -> Input {
        match input {
            Input::Call(call) => Input::Call(self.call(luck, call)),
            Input::Stdin(text) => Input::Stdin(stdin::mutated(luck, text, &self.stdin)),
        }
    }

    fn call(&self, luck: &mut Luck, call: &Arguments) -> Arguments {
        let mut changed = call.clone();
        let place = luck.below(call.args.len() + call.kwargs.len());
        if let (Some(value), Some(bounds)) = (changed.args.get_mut(place), self.positional.get(place)) {
            *value = mutated(luck, value, bounds);
        } else if let Some((name, value)) = changed.kwargs.get_mut(place.saturating_sub(call.args.len()))
            && let Some((_, bounds)) = self.named.iter().find(|(other, _)| other == name)
        {
            *value = mutated(luck, value, bounds);
        }
        changed
    }
}

/// The value with one change somewhere in it. What can't be changed within its type and bounds stays.
pub(super) fn mutated(luck: &mut Luck, value: &Value, bounds: &Bounds) -> Value {
    match value {
        Value::None | Value::Complex(..) => value.clone(),
        Value::Bool(value) => Value::Bool(!value),
        Value::Int(value) => {
            Value::Int(value.to_i64().map_or_else(|| value.clone(), |small| int(luck, small, bounds).into()))
        }
        Value::Float(value) => Value::Float(float(luck, *value, bounds)),
        Value::Str(text) => Value::Str(
            text.as_str().map_or_else(|| text.clone(), |text| Text::from(string(luck, text, bounds))),
        ),
        Value::Bytes(bytes) => Value::Bytes(items(luck, bytes, bounds.length, |luck, byte| {
            let other = luck.pick(bytes).copied();
            other.filter(|other| other != byte).unwrap_or(byte ^ 1)
        })),
        Value::List(list) if is_uniform(list) => {
            Value::List(items(luck, list, bounds.length, |luck, item| mutated(luck, item, bounds)))
        }
        Value::List(list) => Value::List(one_changed(luck, list, bounds)),
        // The length of a tuple is part of its type.
        Value::Tuple(tuple) => Value::Tuple(one_changed(luck, tuple, bounds)),
        Value::Set(set) => {
            Value::set(items(luck, set, bounds.length, |luck, item| mutated(luck, item, bounds)))
        }
        Value::FrozenSet(set) => {
            let changed = items(luck, set, bounds.length, |luck, item| mutated(luck, item, bounds));
            match Value::set(changed) {
                Value::Set(distinct) => Value::FrozenSet(distinct),
                other => other,
            }
        }
        Value::Dict(pairs) => {
            Value::dict(items(luck, pairs, bounds.length, |luck, (key, value)| match luck.below(3) {
                0 => (mutated(luck, key, bounds), value.clone()),
                _ => (key.clone(), mutated(luck, value, bounds)),
            }))
        }
    }
}

/// Another integer: near, at the edges, double, half, or anywhere in the bounds.
pub(super) fn int(luck: &mut Luck, value: i64, bounds: &Bounds) -> i64 {
    let other = match luck.below(8) {
        0 | 1 => value.saturating_add(1),
        2 | 3 => value.saturating_sub(1),
        4 => value.saturating_mul(2),
        5 => value / 2,
        6 => {
            if value == 0 {
                1
            } else {
                0
            }
        }
        _ => luck.between(bounds.low, bounds.high),
    };
    let other = if bounds.low < 0 && luck.below(6) == 0 { other.saturating_neg() } else { other };
    other.clamp(bounds.low, bounds.high)
}

#[expect(clippy::cast_precision_loss, reason = "bounds need not be exact")]
fn float(luck: &mut Luck, value: f64, bounds: &Bounds) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let other = match luck.below(7) {
        0 => value + 1.0,
        1 => value - 1.0,
        2 => value * 2.0,
        3 => value / 2.0,
        4 => value.trunc(),
        5 => 0.0,
        _ => value + luck.between(-100, 100) as f64 / 100.0,
    };
    let other = if bounds.low < 0 && luck.below(6) == 0 { -other } else { other };
    other.clamp(bounds.low as f64, bounds.high as f64)
}

/// Another string of the characters that were seen.
pub(super) fn string(luck: &mut Luck, text: &str, bounds: &Bounds) -> String {
    let characters: Vec<char> = text.chars().collect();
    let changed = items(luck, &characters, bounds.length, |luck, old| {
        luck.pick(&bounds.alphabet).copied().unwrap_or(*old)
    });
    changed.into_iter().collect()
}

/// One item changed, removed, doubled with a change, or two swapped; the order reversed. At most `longest` items.
fn items<T: Clone>(
    luck: &mut Luck,
    old: &[T],
    longest: usize,
    mut change: impl FnMut(&mut Luck, &T) -> T,
) -> Vec<T> {
    let mut new = old.to_vec();
    let (at, to) = (luck.below(old.len()), luck.below(old.len()));
    let Some(item) = old.get(at) else { return new };
    match luck.below(8) {
        0 | 1 if old.len() < longest => new.insert(to, change(luck, item)),
        2 => drop(new.remove(at)),
        3 => new.swap(at, to),
        4 => new.reverse(),
        5 if old.len() < longest => new.insert(to, item.clone()),
        _ => {
            if let Some(place) = new.get_mut(at) {
                *place = change(luck, item);
            }
        }
    }
    new
}

fn one_changed(luck: &mut Luck, old: &[Value], bounds: &Bounds) -> Vec<Value> {
    let mut new = old.to_vec();
    let at = luck.below(old.len());
    if let Some(item) = new.get_mut(at) {
        *item = mutated(luck, item, bounds);
    }
    new
}

/// Whether the items are all of one type, as in a list of things and unlike a record.
fn is_uniform(items: &[Value]) -> bool {
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::Float(_));
    let alike = |one: &Value, other: &Value| {
        std::mem::discriminant(one) == std::mem::discriminant(other) || number(one) && number(other)
    };
    items.windows(2).all(|pair| matches!(pair, [one, other] if alike(one, other)))
}
