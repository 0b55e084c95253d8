//! Syntax trees of sources, walked with a cursor: no depth of nesting can overflow the stack.

use tree_sitter::{Node, Parser, Tree};

use super::language::Language;

/// Longest source that is parsed, in bytes. Anything longer counts as unparsable.
const SOURCE_BYTES_MAX: usize = 1 << 20;

/// Whether `source` is Python without a syntax error, as far as the grammar knows.
#[must_use]
pub fn parses(source: &str) -> bool {
    parse(source).is_some_and(|tree| !tree.root_node().has_error())
}

/// Whether `source` defines or assigns `name` at the top level; for `Class.method`, whether the class has the method.
#[must_use]
pub fn defines(source: &str, name: &str) -> bool {
    let Some(tree) = parse(source) else { return false };
    let (outer, method) = name.split_once('.').map_or((name, None), |(class, method)| (class, Some(method)));
    let mut found = false;
    walk(tree.root_node(), |step| {
        let Step::Enter(place) = step else { return Descend::Over };
        match place.node.kind() {
            "function_definition" => found |= method.is_none() && name_of(place.node, source) == outer,
            "class_definition" if name_of(place.node, source) == outer => {
                found |= method.is_none_or(|method| has_method(place.node, source, method));
            }
            "class_definition" | "lambda" => {}
            "assignment" => {
                let target = place.node.child_by_field_name("left").map(|left| text(left, source));
                found |= method.is_none() && target == Some(outer);
            }
            _ => return Descend::Into,
        }
        Descend::Over
    });
    found
}

fn has_method(class: Node<'_>, source: &str, method: &str) -> bool {
    let mut found = false;
    walk(class, |step| match step {
        Step::Enter(place) if place.node.kind() == "function_definition" => {
            found |= name_of(place.node, source) == method;
            Descend::Over
        }
        _ => Descend::Into,
    });
    found
}

/// The tree of `source`; errors in it are nodes. `None` past the size limit.
pub(super) fn parse(source: &str) -> Option<Tree> {
    parse_as(source, Language::Python)
}

/// As [`parse`], of another language.
pub(super) fn parse_as(source: &str, language: Language) -> Option<Tree> {
    if source.len() > SOURCE_BYTES_MAX {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).ok()?;
    parser.parse(source, None)
}

/// The tree of a source without syntax errors.
pub(crate) fn parsed(source: &str) -> Option<Tree> {
    parse(source).filter(|tree| !tree.root_node().has_error())
}

/// Every node below and including `root`, in source order.
pub(crate) fn visit<'t>(root: Node<'t>, each: &mut impl FnMut(Node<'t>)) {
    walk(root, |step| {
        if let Step::Enter(place) = step {
            each(place.node);
        }
        Descend::Into
    });
}

/// The line, from 1, of the first syntax error.
pub(crate) fn error_line(source: &str) -> Option<usize> {
    let tree = parse(source)?;
    let mut first = None;
    visit(tree.root_node(), &mut |node| {
        if first.is_none() && (node.is_error() || node.is_missing()) {
            first = Some(node.start_position().row + 1);
        }
    });
    first
}

/// The source text of a node.
pub(super) fn text<'s>(node: Node<'_>, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
}

/// The name of a function or class definition.
pub(super) fn name_of<'s>(definition: Node<'_>, source: &'s str) -> &'s str {
    definition.child_by_field_name("name").map_or("", |name| text(name, source))
}

/// A node and the field of its parent that it stands in.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    pub(super) node: Node<'t>,
    pub(super) field: Option<&'static str>,
}

/// One step of a walk. Every node is entered and left.
#[derive(Clone, Copy)]
pub(super) enum Step<'t> {
    Enter(Place<'t>),
    Leave(Node<'t>),
}

/// Whether the walk goes on below the node that was entered. Of no meaning on leaving.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Descend {
    Into,
    Over,
}

/// Walks the tree below and including `root` in source order.
pub(super) fn walk<'t>(root: Node<'t>, mut visit: impl FnMut(Step<'t>) -> Descend) {
    let mut cursor = root.walk();
    loop {
        let mut node = cursor.node();
        let descend = visit(Step::Enter(Place { node, field: cursor.field_name() }));
        // Asking a leaf for its children costs as much as asking another node.
        if descend == Descend::Into && node.child_count() > 0 && cursor.goto_first_child() {
            continue;
        }
        loop {
            visit(Step::Leave(node));
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return;
            }
            node = cursor.node();
        }
    }
}

/// Whether a node is a statement that consists of a plain string: a docstring, or nothing at all.
pub(super) fn is_docstring(node: Node<'_>) -> bool {
    if node.kind() != "expression_statement" || node.named_child_count() != 1 {
        return false;
    }
    node.named_child(0).is_some_and(|string| {
        let mut cursor = string.walk();
        string.kind() == "string"
            && string.named_children(&mut cursor).all(|part| part.kind() != "interpolation")
    })
}
