//! Functions of a program that its entry point reaches.

use std::collections::BTreeMap;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;
use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use super::syntax::{Descend, Step, is_docstring, name_of, parse, text, walk};

/// A function of a program, with the functions nested in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its header on one line, from `def` to before the colon.
    pub signature: String,
    /// Its docstring without quotes and common indentation; empty if it has none.
    pub docstring: String,
    /// Its source with decorators, without the indentation of the place where it stood.
    pub source: String,
    /// Names of the program's other functions and classes that it mentions, in order of first appearance.
    pub calls: Vec<String>,
}

/// The sub-modules of `source`: functions outside of other definitions that can be reached from `entry` (a function, or
/// `Class.method`), or, without one, from the statements of the program.
///
/// Classes and `main` are left out, as in CodeChain, but what they call is reached. The entry point itself is given only
/// if there is no other function. A name counts as a call wherever it is mentioned, so that functions passed as values
/// are found; a local variable of the same name counts, too. Empty if the source does not parse.
#[must_use]
pub fn extract(source: &str, entry: Option<&str>) -> Vec<Module> {
    let Some(tree) = parse(source).filter(|tree| !tree.root_node().has_error()) else { return Vec::new() };
    let definitions = definitions(tree.root_node(), source);
    let graph = CallGraph::new(tree.root_node(), &definitions, source);
    let entry = entry.map(|name| name.split('.').next().unwrap_or(name));
    let reached = graph.reached_from(entry);
    let modules: Vec<Module> = reached
        .into_iter()
        .filter_map(|index| definitions.get(index))
        .filter(|definition| !definition.is_class && definition.name != "main")
        .map(|definition| definition.module(source, &definitions))
        .collect();
    let (own, helpers): (Vec<Module>, Vec<Module>) =
        modules.into_iter().partition(|module| Some(module.name.as_str()) == entry);
    if helpers.is_empty() { own } else { helpers }
}

/// A definition outside of any other one.
struct Definition<'t> {
    name: &'t str,
    is_class: bool,
    node: Node<'t>,
    /// With its decorators.
    whole: Node<'t>,
}

/// In source order; of several with one name only the last, as in Python.
fn definitions<'t>(root: Node<'t>, source: &'t str) -> Vec<Definition<'t>> {
    let mut found: BTreeMap<&str, Definition<'t>> = BTreeMap::new();
    let mut decorated = None;
    walk(root, |step| {
        let Step::Enter(place) = step else { return Descend::Over };
        let node = place.node;
        match node.kind() {
            "decorated_definition" => decorated = Some(node),
            "function_definition" | "class_definition" => {
                let whole = decorated.take().filter(|_| place.field == Some("definition")).unwrap_or(node);
                let name = name_of(node, source);
                let is_class = node.kind() == "class_definition";
                found.insert(name, Definition { name, is_class, node, whole });
                return Descend::Over;
            }
            "decorator" => return Descend::Over,
            _ => {}
        }
        Descend::Into
    });
    let mut definitions: Vec<Definition<'t>> = found.into_values().collect();
    definitions.sort_by_key(|definition| definition.node.start_byte());
    definitions
}

/// Who mentions whom. The program's own statements are one node.
struct CallGraph<'t> {
    graph: DiGraph<Option<usize>, ()>,
    statements: NodeIndex,
    by_name: BTreeMap<&'t str, NodeIndex>,
}

impl<'t> CallGraph<'t> {
    fn new(root: Node<'t>, definitions: &[Definition<'t>], source: &str) -> Self {
        let mut graph = DiGraph::new();
        let statements = graph.add_node(None);
        let mut by_name = BTreeMap::new();
        for (index, definition) in definitions.iter().enumerate() {
            by_name.insert(definition.name, graph.add_node(Some(index)));
        }
        for definition in definitions {
            for name in mentions(definition.whole, source, Below::Everything) {
                if let (Some(&from), Some(&to)) = (by_name.get(definition.name), by_name.get(name)) {
                    graph.update_edge(from, to, ());
                }
            }
        }
        for name in mentions(root, source, Below::NotDefinitions) {
            if let Some(&to) = by_name.get(name) {
                graph.update_edge(statements, to, ());
            }
        }
        Self { graph, statements, by_name }
    }

    /// Indices of the definitions that can be reached, in source order.
    fn reached_from(&self, entry: Option<&str>) -> Vec<usize> {
        let start = entry.and_then(|name| self.by_name.get(name)).copied().unwrap_or(self.statements);
        let mut search = Dfs::new(&self.graph, start);
        let mut reached = Vec::new();
        while let Some(node) = search.next(&self.graph) {
            reached.extend(self.graph.node_weight(node).copied().flatten());
        }
        reached.sort_unstable();
        reached
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    Everything,
    NotDefinitions,
}

/// Identifiers below `root` that may refer to a definition, in order, with repetitions.
pub(super) fn mentions<'s>(root: Node<'_>, source: &'s str, below: Below) -> Vec<&'s str> {
    let mut names = Vec::new();
    walk(root, |step| {
        let Step::Enter(place) = step else { return Descend::Over };
        let is_definition = matches!(place.node.kind(), "function_definition" | "class_definition");
        if below == Below::NotDefinitions && is_definition {
            return Descend::Over;
        }
        // Not attributes, keyword arguments' names, or the names in headers.
        if place.node.kind() == "identifier" && !matches!(place.field, Some("attribute" | "name")) {
            names.push(text(place.node, source));
        }
        Descend::Into
    });
    names
}

impl Definition<'_> {
    fn module(&self, source: &str, definitions: &[Self]) -> Module {
        let body = self.node.child_by_field_name("body");
        let mut calls: Vec<String> = Vec::new();
        for name in mentions(self.whole, source, Below::Everything) {
            let known = name != self.name && definitions.iter().any(|definition| definition.name == name);
            if known && !calls.iter().any(|call| call == name) {
                calls.push(name.to_owned());
            }
        }
        Module {
            name: self.name.to_owned(),
            signature: signature(self.node, body, source),
            docstring: body.map_or_else(String::new, |body| docstring(body, source)),
            source: dedented(text(self.whole, source), self.whole.start_position().column),
            calls,
        }
    }
}

pub(super) fn signature(definition: Node<'_>, body: Option<Node<'_>>, source: &str) -> String {
    let mut end = body.map_or(definition.end_byte(), |body| body.start_byte());
    let mut cursor = definition.walk();
    for child in definition.children(&mut cursor) {
        if child.kind() == ":" {
            end = child.start_byte();
        }
    }
    let header = source.get(definition.start_byte()..end).unwrap_or_default();
    header.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn docstring(body: Node<'_>, source: &str) -> String {
    let Some(string) =
        body.named_child(0).filter(|first| is_docstring(*first)).and_then(|first| first.named_child(0))
    else {
        return String::new();
    };
    let mut cursor = string.walk();
    let content = string.named_children(&mut cursor).find(|part| part.kind() == "string_content");
    let content = content.map_or("", |content| text(content, source));
    let indent = content.lines().skip(1).filter(|line| !line.trim().is_empty()).map(indentation).min();
    dedented(content, indent.unwrap_or(0)).trim().to_owned()
}

/// `text` with up to `columns` spaces or tabs taken from each line but the first.
pub(super) fn dedented(text: &str, columns: usize) -> String {
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        out.push_str(line.get(columns.min(indentation(line))..).unwrap_or(line));
    }
    out
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}
