//! The functions of a program and who calls whom: what programs are assembled from, and what an edit affects.
//!
//! Of several texts, a name that is known keeps its first definition, so that what was tried with the parts that are there
//! is not changed by those that come later. Within one text all definitions of a name are kept, in order, as Python runs
//! them: the last one wins, and may be made of the ones before it (`n = n + 1`, `f = memo(f)`).

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Reversed, VisitMap};
use tree_sitter::Node;

use super::extract::{Below, docstring, mentions, signature};
use super::syntax::{is_docstring, name_of, parse, text};

/// A top-level part of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// The names that it defines.
    pub names: Vec<String>,
    /// Its source, as written.
    pub source: String,
    mentions: BTreeSet<String>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind {
    /// Text that is kept as it is.
    Verbatim,
    /// An import.
    Import,
    /// A function.
    Function(Header),
    /// A class.
    Class,
    /// An assignment or another statement that later parts may need.
    Statement,
}

/// What can be said of a function without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The header without the colon, on one line.
    pub signature: String,
    /// The docstring.
    pub docstring: String,
    /// Names of the parameters, with their stars.
    pub parameters: Vec<String>,
    /// Whether there is no body to speak of.
    pub is_stub: bool,
}

/// Parts and which of them mention which. The order of the parts is that of their adding.
#[derive(Debug, Clone, Default)]
pub struct FunctionGraph {
    graph: DiGraph<Part, ()>,
    /// The parts that define a name: several only if one text had them all.
    by_name: BTreeMap<String, Vec<NodeIndex>>,
}

impl FunctionGraph {
    /// Adds the parts of `source` whose names were not known before. Left out are stubs, assertions, a `__name__` guard,
    /// and bare calls but for those that set up what the program runs in; other statements stay, even if they call
    /// something. Says whether it could be parsed.
    pub fn add(&mut self, source: &str) -> bool {
        let Some(parts) = parts(source) else { return false };
        self.add_parts(parts);
        true
    }

    /// Adds parts of one text, as [`FunctionGraph::add`] does.
    pub(crate) fn add_parts(&mut self, parts: impl IntoIterator<Item = Part>) {
        let new: Vec<Part> =
            parts.into_iter().filter(|part| !part.is_stub() && !self.is_known(part)).collect();
        for part in new {
            self.push(part);
        }
        self.link();
    }

    /// Adds a text as one part that stays as it is, byte for byte. Says whether it could be parsed; what could not be
    /// is there, but defines nothing.
    pub fn add_verbatim(&mut self, source: &str) -> bool {
        let found = parts(source);
        let all = || found.iter().flatten();
        let part = Part {
            kind: PartKind::Verbatim,
            names: all().flat_map(|part| part.names.iter().cloned()).collect(),
            source: source.to_owned(),
            mentions: all().flat_map(|part| part.mentions.iter().cloned()).collect(),
        };
        let names: Vec<String> = part.names.iter().filter(|name| !self.knows(name)).cloned().collect();
        let index = self.graph.add_node(part);
        self.by_name.extend(names.into_iter().map(|name| (name, vec![index])));
        self.link();
        found.is_some()
    }

    /// Whether a part defines `name`.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The program that `entry` needs: imports, what is reached from `entry`, and statements that name nothing.
    #[must_use]
    pub fn assemble(&self, entry: &str) -> String {
        let mut starts: Vec<NodeIndex> = self.by_name.get(entry).into_iter().flatten().copied().collect();
        let needed = |index: &NodeIndex| self.graph.node_weight(*index).is_some_and(Part::is_always_needed);
        starts.extend(self.graph.node_indices().filter(needed));
        let mut dfs = Dfs::empty(&self.graph);
        for start in starts {
            dfs.move_to(start);
            while dfs.next(&self.graph).is_some() {}
        }
        self.written(|index| dfs.discovered.is_visited(&index))
    }

    /// All parts as one text.
    #[must_use]
    pub fn whole(&self) -> String {
        self.written(|_| true)
    }

    /// The names of parts that reach `name`, directly or through others, `name`'s own left out.
    #[must_use]
    pub fn dependents(&self, name: &str) -> BTreeSet<String> {
        let starts = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let mut found = BTreeSet::new();
        let mut dfs = Dfs::empty(Reversed(&self.graph));
        for start in starts {
            dfs.move_to(*start);
            while let Some(index) = dfs.next(Reversed(&self.graph)) {
                if !starts.contains(&index) {
                    let part = self.graph.node_weight(index);
                    found.extend(part.into_iter().flat_map(|part| part.names.iter().cloned()));
                }
            }
        }
        found
    }

    /// Whether a part need not be added: it is there, or defines what another one defines.
    fn is_known(&self, part: &Part) -> bool {
        let is_there = || self.graph.node_weights().any(|other| other.source == part.source);
        match part.kind {
            PartKind::Import => is_there(),
            PartKind::Statement if part.names.is_empty() => is_there(),
            PartKind::Verbatim => false,
            _ => part.names.iter().any(|name| self.knows(name)),
        }
    }

    fn push(&mut self, part: Part) {
        let names = part.names.clone();
        let index = self.graph.add_node(part);
        for name in names {
            self.by_name.entry(name).or_default().push(index);
        }
    }

    /// A part needs what it mentions, and the other definitions of its own names, of which it may be made.
    fn link(&mut self) {
        let mut edges = Vec::new();
        for index in self.graph.node_indices() {
            let part = self.graph.node_weight(index);
            let needed = part.into_iter().flat_map(|part| part.mentions.iter().chain(&part.names));
            let defined = needed.filter_map(|name| self.by_name.get(name)).flatten();
            edges.extend(defined.filter(|to| **to != index).map(|to| (index, *to)));
        }
        for (from, to) in edges {
            self.graph.update_edge(from, to, ());
        }
    }

    /// Verbatim texts first, for they may import from the future; then imports; then the rest in order.
    fn written(&self, wanted: impl Fn(NodeIndex) -> bool) -> String {
        let rank = |part: &Part| match part.kind {
            PartKind::Verbatim => 0,
            PartKind::Import if part.source.starts_with("from __future__") => 1,
            PartKind::Import => 2,
            _ => 3,
        };
        let mut chosen: Vec<&Part> = self
            .graph
            .node_indices()
            .filter(|index| wanted(*index))
            .filter_map(|index| self.graph.node_weight(index))
            .collect();
        chosen.sort_by_key(|part| rank(part));
        let mut out = String::new();
        let mut last: Option<&Part> = None;
        for part in chosen {
            match last.map(|last| (last.is_line(), part.is_line())) {
                None => {}
                Some((true, true)) if !out.ends_with('\n') => out.push('\n'),
                Some((true, true)) => {}
                Some(_) if out.ends_with('\n') => out.push_str("\n\n"),
                Some(_) => out.push_str("\n\n\n"),
            }
            out.push_str(&part.source);
            last = Some(part);
        }
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }
}

impl Part {
    /// Whether it belongs to the program whatever the program calls.
    fn is_always_needed(&self) -> bool {
        match self.kind {
            PartKind::Verbatim | PartKind::Import => true,
            PartKind::Statement => self.names.is_empty(),
            PartKind::Function(_) | PartKind::Class => false,
        }
    }

    /// Whether it is a function without a body to speak of.
    pub(crate) const fn is_stub(&self) -> bool {
        matches!(&self.kind, PartKind::Function(header) if header.is_stub)
    }

    const fn is_line(&self) -> bool {
        matches!(self.kind, PartKind::Import | PartKind::Statement)
    }
}

/// The top-level parts of a program, in order; `None` if it does not parse.
#[must_use]
pub fn parts(source: &str) -> Option<Vec<Part>> {
    let tree = parse(source).filter(|tree| !tree.root_node().has_error())?;
    let root = tree.root_node();
    let mut cursor = root.walk();
    Some(root.named_children(&mut cursor).filter_map(|node| part(node, source)).collect())
}

/// Line, from 1, of the first top-level statement that runs the program when it is loaded: a `__name__` guard, or a bare
/// call but for those that set up what the program runs in. `None` if there is none, or the text does not parse.
#[must_use]
pub(crate) fn running_line(source: &str) -> Option<usize> {
    let tree = parse(source).filter(|tree| !tree.root_node().has_error())?;
    let root = tree.root_node();
    let mut cursor = root.walk();
    let runs = |node: &Node<'_>| match node.kind() {
        "if_statement" => is_guard(*node, source),
        "expression_statement" => {
            let is_call = node.named_child(0).is_some_and(|inner| matches!(inner.kind(), "call" | "await"));
            is_call && assigned(*node, source).is_none()
        }
        _ => false,
    };
    root.named_children(&mut cursor).find(runs).map(|node| node.start_position().row + 1)
}

/// The parameters of a header such as `def f(a: int, b=2) -> int`; `None` if it is none.
#[must_use]
pub fn parameters_of(signature: &str) -> Option<Vec<String>> {
    let found = parts(&format!("{}:\n    pass\n", signature.trim().trim_end_matches(':')))?;
    match found.into_iter().next()?.kind {
        PartKind::Function(header) => Some(header.parameters),
        _ => None,
    }
}

fn part(node: Node<'_>, source: &str) -> Option<Part> {
    let definition =
        if node.kind() == "decorated_definition" { node.child_by_field_name("definition")? } else { node };
    let (kind, names) = match definition.kind() {
        "import_statement" | "import_from_statement" | "future_import_statement" => {
            (PartKind::Import, Vec::new())
        }
        "function_definition" => {
            (PartKind::Function(header(definition, source)), vec![name_of(definition, source).to_owned()])
        }
        "class_definition" => (PartKind::Class, vec![name_of(definition, source).to_owned()]),
        "expression_statement" => (PartKind::Statement, assigned(definition, source)?),
        "if_statement" if is_guard(definition, source) => return None,
        "comment" | "assert_statement" | "print_statement" | "pass_statement" => return None,
        _ => (PartKind::Statement, Vec::new()),
    };
    let mentioned = mentions(node, source, Below::Everything);
    let mentions =
        mentioned.into_iter().filter(|name| names.iter().all(|own| own != name)).map(str::to_owned);
    Some(Part { kind, mentions: mentions.collect(), names, source: text(node, source).to_owned() })
}

/// Whether an `if` asks for `__name__`.
fn is_guard(statement: Node<'_>, source: &str) -> bool {
    statement.child_by_field_name("condition").is_some_and(|asked| text(asked, source).contains("__name__"))
}

/// Calls that set up what the program runs in.
const SETTINGS: [&str; 4] = ["sys.set", "threading.stack_size", "random.seed", "decimal.getcontext"];

/// The names that an expression statement defines: none if it changes what another statement has made (`n += 1`,
/// `table[0] = 1`), or is a call such as `sys.setrecursionlimit(9999)`; `None` if it only runs the program.
fn assigned(statement: Node<'_>, source: &str) -> Option<Vec<String>> {
    let inner = statement.named_child(0)?;
    match inner.kind() {
        "augmented_assignment" => Some(Vec::new()),
        "assignment" => {
            let left = inner.child_by_field_name("left")?;
            if matches!(left.kind(), "subscript" | "attribute") {
                return Some(Vec::new());
            }
            Some(mentions(left, source, Below::Everything).into_iter().map(str::to_owned).collect())
        }
        "call" => {
            let function = inner.child_by_field_name("function")?;
            let name = text(function, source);
            SETTINGS.iter().any(|setting| name.starts_with(setting)).then(Vec::new)
        }
        _ => None,
    }
}

fn header(definition: Node<'_>, source: &str) -> Header {
    let body = definition.child_by_field_name("body");
    let list = definition.child_by_field_name("parameters");
    let mut parameters = Vec::new();
    if let Some(list) = list {
        let mut cursor = list.walk();
        for parameter in list.named_children(&mut cursor).filter(|node| node.kind() != "comment") {
            let text = text(parameter, source);
            parameters.push(text.split([':', '=']).next().unwrap_or_default().trim().to_owned());
        }
    }
    Header {
        signature: signature(definition, body, source),
        docstring: body.map_or_else(String::new, |body| docstring(body, source)),
        parameters,
        is_stub: body.is_none_or(|body| is_stub(body, source)),
    }
}

/// Whether a body is empty but for its docstring, `pass`, `...` or `raise NotImplementedError`.
fn is_stub(body: Node<'_>, source: &str) -> bool {
    let mut cursor = body.walk();
    body.named_children(&mut cursor).all(|statement| match statement.kind() {
        "comment" | "pass_statement" => true,
        "expression_statement" => is_docstring(statement) || text(statement, source) == "...",
        "raise_statement" => text(statement, source).contains("NotImplementedError"),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
