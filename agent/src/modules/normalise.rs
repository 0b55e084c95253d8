//! Equality of programs up to the names of local variables, comments, docstrings and layout.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::language::Language;
use super::scopes::{Local, is_ignored, is_opaque, locals};
use super::syntax::{Descend, Step, parse, parse_as, text, walk};
use crate::digest::number;

/// A hash of the program's syntax tree in which local variables are numbered in order of appearance. Equal programs up
/// to comments, docstrings, layout and the names of local variables have equal hashes; names that could matter stay
/// (see `scopes`). Of a text that does not parse: a hash of the text.
///
/// Depends on nothing but the text, so that it may be stored.
#[must_use]
pub fn normalised_hash(source: &str) -> u64 {
    fingerprint(source).hash
}

/// As [`normalised_hash`], of a text in another language. There all names stay: the rules of scopes are Python's.
pub(super) fn hash_of(source: &str, language: Language) -> u64 {
    if language == Language::Python {
        return normalised_hash(source);
    }
    match parse_as(source, language).filter(|tree| !tree.root_node().has_error()) {
        Some(tree) => tree_hash(tree.root_node(), source, &[]),
        None => text_hash(source),
    }
}

/// What one look at a program's syntax says of it.
pub(crate) struct Fingerprint {
    /// [`normalised_hash`].
    pub(crate) hash: u64,
    /// Whether it is free of syntax errors, as [`super::parses`] says.
    pub(crate) parses: bool,
}

pub(crate) fn fingerprint(source: &str) -> Fingerprint {
    let tree = parse(source).filter(|tree| !tree.root_node().has_error());
    let parses = tree.is_some();
    let from_tree = tree.and_then(|tree| {
        let locals = locals(tree.root_node(), source)?;
        Some(tree_hash(tree.root_node(), source, &locals))
    });
    let hash = from_tree.unwrap_or_else(|| text_hash(source));
    Fingerprint { hash, parses }
}

fn text_hash(source: &str) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("codeagent text of a program");
    hasher.update(source.trim().as_bytes());
    number(&hasher.finalize())
}

fn tree_hash<'s>(root: Node<'_>, source: &'s str, locals: &[Option<Local<'s>>]) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("codeagent syntax tree of a program");
    let mut numbers: BTreeMap<Local<'s>, u32> = BTreeMap::new();
    let mut identifiers = locals.iter();
    walk(root, |step| {
        let node = match step {
            Step::Enter(place) => place.node,
            Step::Leave(node) => {
                if !is_ignored(node) {
                    hasher.update(&[CLOSE]);
                }
                return Descend::Over;
            }
        };
        if is_ignored(node) {
            return Descend::Over;
        }
        write(&mut hasher, OPEN, node.kind());
        let leaf = node.child_count() == 0 || is_opaque(node);
        if node.kind() == "identifier" {
            match identifiers.next().copied().flatten() {
                Some(local) => {
                    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                    let number = *numbers.entry(local).or_insert(next);
                    hasher.update(&[LOCAL]).update(&number.to_le_bytes());
                }
                None => write(&mut hasher, TEXT, text(node, source)),
            }
        } else if leaf {
            write(&mut hasher, TEXT, text(node, source));
        }
        if leaf { Descend::Over } else { Descend::Into }
    });
    number(&hasher.finalize())
}

const OPEN: u8 = 0;
const CLOSE: u8 = 1;
const TEXT: u8 = 2;
const LOCAL: u8 = 3;

/// A tagged text with its length, so that no two sequences of writes look alike.
fn write(hasher: &mut blake3::Hasher, tag: u8, text: &str) {
    hasher.update(&[tag]).update(&text.len().to_le_bytes()).update(text.as_bytes());
}
