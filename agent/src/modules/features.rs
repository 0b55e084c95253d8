//! A module as a vector: hashed words of its names and docstring, and hashed paths of its syntax tree.

use tree_sitter::Node;

use super::extract::Module;
use super::language::Language;
use super::syntax::{Descend, Step, parse_as, text, walk};

/// Length of a vector. Collisions are rare at the few hundred features of a function.
pub(super) const DIMENSIONS: usize = 512;

/// What a module is to a clustering: a vector of length 1, or 0 if there is nothing in it.
pub type Vector = Vec<f64>;

/// Counts of hashed features, signed by the hash so that collisions cancel on average, scaled to length 1.
///
/// Features are the words of identifiers and docstring ("hashing trick", Weinberger et al. 2009), and the kinds of one to
/// three nested syntax nodes.
pub(super) fn vector(module: &Module, language: Language) -> Vector {
    let tree = parse_as(&module.source, language);
    let root = tree.as_ref().map(tree_sitter::Tree::root_node);
    features(root, &[], &module.source, &module.docstring, language)
}

/// [`vector`] of a definition as it stands in a tree.
pub(super) fn vector_of(definition: Node<'_>, source: &str, docstring: &str, language: Language) -> Vector {
    // By itself it would stand in a module of its own.
    features(Some(definition), &["module"], source, docstring, language)
}

fn features(
    root: Option<Node<'_>>,
    above: &[&'static str],
    source: &str,
    docstring: &str,
    language: Language,
) -> Vector {
    let mut vector = vec![0.0; DIMENSIONS];
    for word in words(docstring) {
        add(&mut vector, "word", &[&word]);
    }
    let mut path = above.to_vec();
    if !path.is_empty() {
        add_path(&mut vector, &path);
    }
    if let Some(root) = root {
        walk(root, |step| match step {
            Step::Enter(place) => {
                path.push(language.kind(place.node));
                if place.node.is_named() && !place.node.is_extra() {
                    add_path(&mut vector, &path);
                }
                if language.is_name(place.node) {
                    for word in words(text(place.node, source)) {
                        add(&mut vector, "word", &[&word]);
                    }
                }
                Descend::Into
            }
            Step::Leave(_) => {
                path.pop();
                Descend::Over
            }
        });
    }
    scale(&mut vector);
    vector
}

/// The dot product: of two vectors of length 1, their cosine, in `[-1, 1]`.
pub(super) fn product(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Squared Euclidean distance.
///
/// Summed in eight lanes, so that the compiler can use wide registers: clustering is mostly this.
pub(super) fn distance(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left_chunks, right_chunks) = (left.chunks_exact(8), right.chunks_exact(8));
    let rest = left_chunks.remainder().iter().zip(right_chunks.remainder());
    let rest: f64 = rest.map(|(left, right)| (left - right) * (left - right)).sum();
    for (left, right) in left_chunks.zip(right_chunks) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += (left - right) * (left - right);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

fn add_path(vector: &mut [f64], path: &[&str]) {
    for length in 1..=path.len().min(3) {
        if let Some(tail) = path.get(path.len() - length..) {
            add(vector, "path", tail);
        }
    }
}

/// Lower-case words of a text or of a `snake_case` or `camelCase` name.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_lower = false;
    for character in text.chars() {
        let starts_word = previous_lower && character.is_uppercase();
        if (starts_word || !character.is_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty())
        {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
        previous_lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn add(vector: &mut [f64], kind: &str, parts: &[&str]) {
    let mut hash = fnv(FNV_START, kind);
    for part in parts {
        hash = fnv(hash, part);
    }
    let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
    let bucket = usize::try_from(hash & 0xFFFF_FFFF).unwrap_or(0) % DIMENSIONS;
    if let Some(count) = vector.get_mut(bucket) {
        *count += sign;
    }
}

fn scale(vector: &mut [f64]) {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

const FNV_START: u64 = 0xCBF2_9CE4_8422_2325;

/// FNV-1a, then a zero byte as separator.
fn fnv(start: u64, text: &str) -> u64 {
    text.bytes().chain([0]).fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
