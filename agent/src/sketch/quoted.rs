//! Holes that stand in the code where they are called: a quoted sentence applied to arguments.

use tree_sitter::Node;

use super::Hole;
use crate::modules::{parsed, visit};

/// Words of a sentence that its name is made of.
const NAME_WORDS: usize = 5;

/// One call of a quoted sentence.
struct Quoted {
    start: usize,
    end: usize,
    sentence: String,
    arguments: Vec<String>,
}

/// The quoted holes of a body, each once.
pub(super) fn holes(body: &str) -> Vec<Hole> {
    let mut holes: Vec<Hole> = Vec::new();
    for quoted in calls(body) {
        let id = name_of(&quoted.sentence);
        if holes.iter().all(|hole| hole.id != id) {
            let signature = format!("def {id}({})", quoted.arguments.join(", "));
            let doc = quoted.sentence;
            holes.push(Hole { id, signature, doc, ..Hole::default() });
        }
    }
    holes
}

/// The body with quoted sentences replaced by the names of their holes, and otherwise as it is.
pub(super) fn named(body: &str) -> String {
    let mut text = body.to_owned();
    for quoted in calls(body).into_iter().rev() {
        text.replace_range(quoted.start..quoted.end, &name_of(&quoted.sentence));
    }
    text
}

/// The calls of quoted sentences, in order.
fn calls(body: &str) -> Vec<Quoted> {
    let Some(tree) = parsed(body) else { return Vec::new() };
    let mut found = Vec::new();
    visit(tree.root_node(), &mut |node| found.extend(quoted(node, body)));
    found
}

fn quoted(call: Node<'_>, body: &str) -> Option<Quoted> {
    let string = call.child_by_field_name("function").filter(|function| function.kind() == "string")?;
    let mut cursor = string.walk();
    let plain = string.named_children(&mut cursor).all(|part| part.kind() != "interpolation");
    let content = string.named_children(&mut cursor).find(|part| part.kind() == "string_content")?;
    let sentence = body.get(content.byte_range()).filter(|_| plain && call.kind() == "call")?;
    let mut arguments: Vec<String> = Vec::new();
    let list = call.child_by_field_name("arguments")?;
    let mut cursor = list.walk();
    for (index, argument) in list.named_children(&mut cursor).enumerate() {
        let text = body.get(argument.byte_range()).unwrap_or_default();
        let is_new = argument.kind() == "identifier" && !arguments.iter().any(|other| other == text);
        arguments.push(if is_new { text.to_owned() } else { format!("argument_{}", index + 1) });
    }
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    (!sentence.is_empty()).then_some(Quoted {
        start: string.start_byte(),
        end: string.end_byte(),
        sentence,
        arguments,
    })
}

/// A name made of the first words of a sentence and a hash of all of it.
fn name_of(sentence: &str) -> String {
    let letters: String = sentence
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' })
        .collect();
    let words: Vec<&str> = letters.split_whitespace().take(NAME_WORDS).collect();
    let hash = blake3::hash(sentence.as_bytes()).to_hex();
    format!("hole_{}_{}", words.join("_"), hash.get(..4).unwrap_or_default()).replace("__", "_")
}
