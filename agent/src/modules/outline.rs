//! Every function, class and method of a program, nested ones too, and who mentions whom.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use petgraph::graph::{DiGraph, NodeIndex};
use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use super::extract::{Module, dedented, docstring, signature};
use super::features::{Vector, product, vector_of};
use super::language::Language;
use super::normalise::hash_of;
use super::syntax::{Descend, Place, Step, parse_as, text, walk};

/// What a definition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// A function outside of classes; inside of other functions too.
    Function,
    /// A class, or what holds methods in another language.
    Class,
    /// A function directly inside of a class.
    Method,
}

/// A definition of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// Its source and what is said of it; `calls` are the paths of the other units that it mentions.
    pub module: Module,
    /// What it is.
    pub kind: UnitKind,
    /// Its name behind those of the definitions around it, such as `Class.method` or `outer.inner`.
    pub path: String,
    /// Line of the program on which it begins, from 1.
    pub line: usize,
    /// Its features, for [`Unit::similarity`] and clustering.
    pub(super) vector: Vector,
}

impl Unit {
    /// How alike two units are in names, docstring and structure: the cosine of their vectors, in `[-1, 1]`, 1 for units
    /// with the same words and the same kinds of nested nodes.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f64 {
        product(&self.vector, &other.vector)
    }

    /// Hash of its syntax tree, equal up to layout, comments and the names of local variables (the latter in Python
    /// only). Computed anew by each call.
    #[must_use]
    pub fn hash(&self, language: Language) -> u64 {
        hash_of(&self.module.source, language)
    }
}

/// The definitions of a program.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// In the order of the source: what is inside of another one follows it.
    pub units: Vec<Unit>,
    /// Who mentions whom, by index. A nested unit's mentions are its own, not those of the one around it.
    pub calls: DiGraph<usize, ()>,
}

/// The outline of a program. `None` if it does not parse.
///
/// A name means the definition of that name that is nearest from the inside out, as scopes have it; the last one of
/// several. A member (`x.name`) means the method of that name in the class around, or the only one in the program. What
/// a name means at run time may differ. In Rust, names in macro calls and of struct literals are not seen.
#[must_use]
pub fn outline(source: &str, language: Language) -> Option<Outline> {
    let tree = parse_as(source, language).filter(|tree| !tree.root_node().has_error())?;
    let mut survey = Survey::new(source, language);
    walk(tree.root_node(), |step| survey.step(step));
    Some(survey.outline())
}

/// A definition while the program is walked.
struct Found<'t> {
    name: &'t str,
    kind: UnitKind,
    /// The definition, and the same with its decorators.
    node: Node<'t>,
    whole: Node<'t>,
    parent: Option<usize>,
}

/// A name in the body of a definition.
struct Mention<'t> {
    name: &'t str,
    by: usize,
    is_member: bool,
}

struct Survey<'t> {
    source: &'t str,
    language: Language,
    /// Definitions that are open, and their nodes.
    open: Vec<(usize, usize)>,
    found: Vec<Found<'t>>,
    mentions: Vec<Mention<'t>>,
    /// Decorators and the like that stand around the next definition.
    before: Option<Node<'t>>,
}

impl<'t> Survey<'t> {
    const fn new(source: &'t str, language: Language) -> Self {
        Self { source, language, open: Vec::new(), found: Vec::new(), mentions: Vec::new(), before: None }
    }

    fn step(&mut self, step: Step<'t>) -> Descend {
        match step {
            Step::Enter(place) => self.enter(place),
            Step::Leave(node) => {
                self.open.pop_if(|(_, open)| *open == node.id());
            }
        }
        Descend::Into
    }

    fn enter(&mut self, place: Place<'t>) {
        let node = place.node;
        if matches!(
            self.language.kind(node),
            "decorated_definition" | "export_statement" | "lexical_declaration"
        ) {
            self.before = Some(node);
        } else if let Some((name, kind)) = self.definition(node) {
            let whole = self.before.take().filter(|around| is_part_of(node, *around)).unwrap_or(node);
            let parent = self.open.last().map(|(index, _)| *index);
            self.open.push((self.found.len(), node.id()));
            self.found.push(Found { name, kind, node, whole, parent });
        } else if self.language.is_name(node) && place.field != Some("name") {
            let by = self.open.last().map(|(index, _)| *index);
            let is_member = self.language.is_member(node, place.field);
            self.mentions.extend(by.map(|by| Mention { name: text(node, self.source), by, is_member }));
        }
    }

    fn definition(&self, node: Node<'t>) -> Option<(&'t str, UnitKind)> {
        if !node.is_named() {
            return None;
        }
        if let Some(name) = self.language.class(node, self.source) {
            return Some((name, UnitKind::Class));
        }
        let name = self.language.function(node, self.source)?;
        let around = self.open.last().and_then(|(index, _)| self.found.get(*index));
        let in_class = around.is_some_and(|around| around.kind == UnitKind::Class);
        Some((name, if in_class { UnitKind::Method } else { UnitKind::Function }))
    }

    fn outline(self) -> Outline {
        let names = Names::new(&self.found);
        let mut calls = DiGraph::new();
        for index in 0..self.found.len() {
            calls.add_node(index);
        }
        for mention in &self.mentions {
            if let Some(meant) = names.meant(mention).filter(|meant| *meant != mention.by) {
                calls.update_edge(NodeIndex::new(mention.by), NodeIndex::new(meant), ());
            }
        }
        let paths = paths(&self.found);
        let unit = |(index, found): (usize, &Found<'t>)| {
            let mut called: Vec<usize> =
                calls.neighbors(NodeIndex::new(index)).map(NodeIndex::index).collect();
            called.sort_unstable();
            let called = called.into_iter().filter_map(|called| paths.get(called).cloned()).collect();
            self.unit(found, paths.get(index).cloned().unwrap_or_default(), called)
        };
        Outline { units: self.found.iter().enumerate().map(unit).collect(), calls }
    }

    fn unit(&self, found: &Found<'t>, path: String, calls: Vec<String>) -> Unit {
        let body = body_of(found.node);
        let docstring = if self.language.has_docstrings() {
            body.map_or_else(String::new, |body| docstring(body, self.source))
        } else {
            remarks(found.whole, self.source)
        };
        let vector = vector_of(found.whole, self.source, &docstring, self.language);
        let module = Module {
            name: found.name.to_owned(),
            signature: signature(found.node, body, self.source),
            docstring,
            source: dedented(text(found.whole, self.source), found.whole.start_position().column),
            calls,
        };
        Unit { module, kind: found.kind, path, line: found.whole.start_position().row + 1, vector }
    }
}

/// Whether the text of a definition is that of the node around it. A declaration may hold other things, too, of which
/// only its variables are definitions by themselves.
fn is_part_of(node: Node<'_>, around: Node<'_>) -> bool {
    let contains = around.start_byte() <= node.start_byte() && node.end_byte() <= around.end_byte();
    contains && (around.kind() != "lexical_declaration" || node.kind() == "variable_declarator")
}

/// The body of a definition, or of the function that is a variable's value.
fn body_of(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("body")
        .or_else(|| node.child_by_field_name("value")?.child_by_field_name("body"))
}

/// Comments right before a definition, without their marks.
fn remarks(definition: Node<'_>, source: &str) -> String {
    let mut lines = Vec::new();
    let mut before = definition.prev_sibling();
    while let Some(comment) = before.filter(|node| node.kind().ends_with("comment")) {
        let own = text(comment, source).lines().map(|line| {
            line.trim().trim_start_matches(['/', '*', '!']).trim_end_matches("*/").trim().to_owned()
        });
        lines.splice(0..0, own);
        before = comment.prev_sibling();
    }
    lines.join("\n").trim().to_owned()
}

fn paths(found: &[Found<'_>]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::with_capacity(found.len());
    for definition in found {
        let around = definition.parent.and_then(|parent| paths.get(parent));
        paths.push(match around {
            Some(around) => format!("{around}.{}", definition.name),
            None => definition.name.to_owned(),
        });
    }
    paths
}

/// Definitions by name.
struct Names<'f, 't> {
    found: &'f [Found<'t>],
    /// By the definition around, and the name.
    inside: BTreeMap<(Option<usize>, &'t str), usize>,
    /// Methods by name; `None` where there are several.
    methods: BTreeMap<&'t str, Option<usize>>,
}

impl<'f, 't> Names<'f, 't> {
    fn new(found: &'f [Found<'t>]) -> Self {
        let mut names = Self { found, inside: BTreeMap::new(), methods: BTreeMap::new() };
        for (index, definition) in found.iter().enumerate() {
            names.inside.insert((definition.parent, definition.name), index);
            if definition.kind == UnitKind::Method {
                names.methods.entry(definition.name).and_modify(|only| *only = None).or_insert(Some(index));
            }
        }
        names
    }

    fn meant(&self, mention: &Mention<'t>) -> Option<usize> {
        if mention.is_member {
            let method = |class| self.inside.get(&(Some(class), mention.name)).copied();
            let own = self.around(mention.by).find(|class| self.is_class(*class)).and_then(method);
            return own.or_else(|| self.methods.get(mention.name).copied().flatten());
        }
        // A class's names are not seen from its methods, except by the class itself.
        let seen = |scope: &usize| *scope == mention.by || !self.is_class(*scope);
        let scopes = self.around(mention.by).filter(seen).map(Some).chain([None]);
        scopes.into_iter().find_map(|scope| self.inside.get(&(scope, mention.name)).copied())
    }

    /// A definition and those around it, from the inside out.
    fn around(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(index), |index| self.found.get(*index)?.parent)
    }

    fn is_class(&self, index: usize) -> bool {
        self.found.get(index).is_some_and(|definition| definition.kind == UnitKind::Class)
    }
}
