//! Which identifiers of a program are local variables, and of which function.
//!
//! A name may be renamed only if doing so everywhere changes nothing that the program does. What is not sure to be a
//! local variable keeps its name: attributes, globals, builtins, imports, names of keyword arguments and whatever a
//! keyword argument might mean, and everything in a program that looks at its own names (`eval`, `locals()`, `f"{x=}"`).

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::syntax::{Descend, Place, Step, is_docstring, text, walk};

/// Deepest nesting of functions and classes that is followed.
const SCOPE_DEPTH_MAX: usize = 64;

/// Functions that see or make names at run time.
const REFLECTION: [&str; 7] = ["eval", "exec", "locals", "globals", "vars", "dir", "compile"];

/// A local variable: the number of its function, and its name.
pub(super) type Local<'s> = (usize, &'s str);

/// For each identifier of the tree, in source order: the local variable that it means, or `None` if its name stays.
/// `None` as a whole if functions are nested too deep.
pub(super) fn locals<'s>(root: Node<'_>, source: &'s str) -> Option<Vec<Option<Local<'s>>>> {
    let mut survey = Survey::new(source);
    walk(root, |step| match step {
        Step::Enter(place) => survey.enter(place),
        Step::Leave(_) => {
            survey.frames.pop();
            Descend::Over
        }
    });
    if survey.too_deep {
        return None;
    }
    Some(survey.identifiers.iter().map(|identifier| survey.resolve(identifier)).collect())
}

/// Nodes whose text says it all: gaps between their children are part of their meaning.
pub(super) fn is_opaque(node: Node<'_>) -> bool {
    matches!(node.kind(), "string_content" | "format_specifier")
}

/// Nodes that mean nothing.
pub(super) fn is_ignored(node: Node<'_>) -> bool {
    node.is_extra() || is_docstring(node)
}

struct Survey<'s> {
    source: &'s str,
    scopes: Vec<Scope<'s>>,
    /// One per open node.
    frames: Vec<Frame>,
    identifiers: Vec<Identifier<'s>>,
    keywords: BTreeSet<&'s str>,
    reflective: bool,
    too_deep: bool,
}

#[derive(Default)]
struct Scope<'s> {
    parent: usize,
    depth: usize,
    is_function: bool,
    bound: BTreeSet<&'s str>,
    /// Names that stay: `global` ones and imports.
    kept: BTreeSet<&'s str>,
    nonlocal: BTreeSet<&'s str>,
}

/// What an open node means for its children.
#[derive(Clone, Copy)]
struct Frame {
    kind: &'static str,
    scope: usize,
    /// The scope that this definition opens.
    inner: Option<usize>,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Use,
    Bind,
    Import,
    Global,
    Nonlocal,
}

struct Identifier<'s> {
    name: &'s str,
    scope: usize,
    fixed: bool,
}

impl<'s> Survey<'s> {
    fn new(source: &'s str) -> Self {
        Self {
            source,
            scopes: vec![Scope::default()],
            frames: Vec::new(),
            identifiers: Vec::new(),
            keywords: BTreeSet::new(),
            reflective: false,
            too_deep: false,
        }
    }

    fn enter(&mut self, place: Place<'_>) -> Descend {
        let node = place.node;
        let parent =
            self.frames.last().copied().unwrap_or(Frame { kind: "", scope: 0, inner: None, role: Role::Use });
        let scope = self.scope_of(place, parent);
        let inner = self.open(node, scope);
        let role = role(place, parent);
        self.frames.push(Frame { kind: node.kind(), scope, inner, role });
        if self.too_deep || is_ignored(node) {
            return Descend::Over;
        }
        self.note_reflection(node, parent);
        if is_opaque(node) {
            return Descend::Over;
        }
        if node.kind() == "identifier" {
            self.identify(place, parent, scope, role);
        }
        Descend::Into
    }

    /// Defaults and annotations belong to the scope around a function, its parameters and body to its own.
    fn scope_of(&self, place: Place<'_>, parent: Frame) -> usize {
        match (parent.inner, place.field) {
            (Some(inner), Some("parameters" | "body")) => inner,
            (None, Some("value" | "type")) if parent.kind.ends_with("_parameter") => {
                self.scopes.get(parent.scope).map_or(0, |scope| scope.parent)
            }
            _ => parent.scope,
        }
    }

    fn open(&mut self, node: Node<'_>, parent: usize) -> Option<usize> {
        let is_function = matches!(node.kind(), "function_definition" | "lambda") && node.is_named();
        if !is_function && node.kind() != "class_definition" {
            return None;
        }
        let depth = self.scopes.get(parent).map_or(0, |scope| scope.depth) + 1;
        self.too_deep |= depth > SCOPE_DEPTH_MAX;
        self.scopes.push(Scope { parent, depth, is_function, ..Scope::default() });
        Some(self.scopes.len() - 1)
    }

    fn note_reflection(&mut self, node: Node<'_>, parent: Frame) {
        self.reflective |= match node.kind() {
            "identifier" => REFLECTION.contains(&text(node, self.source)),
            "=" => parent.kind == "interpolation",
            "format_specifier" => node.named_child_count() > 0,
            _ => false,
        };
    }

    fn identify(&mut self, place: Place<'_>, parent: Frame, scope: usize, role: Role) {
        let name = text(place.node, self.source);
        let is_keyword = parent.kind == "keyword_argument" && place.field == Some("name");
        if is_keyword {
            self.keywords.insert(name);
        }
        let fixed = is_keyword || place.field == Some("attribute") || role == Role::Import;
        if let Some(scope) = self.scopes.get_mut(scope) {
            match role {
                Role::Use => false,
                Role::Bind => scope.bound.insert(name),
                Role::Import | Role::Global => scope.kept.insert(name),
                Role::Nonlocal => scope.nonlocal.insert(name),
            };
        }
        self.identifiers.push(Identifier { name, scope, fixed });
    }

    fn resolve(&self, identifier: &Identifier<'s>) -> Option<Local<'s>> {
        let name = identifier.name;
        if identifier.fixed || self.reflective || self.keywords.contains(name) {
            return None;
        }
        let mut number = identifier.scope;
        loop {
            let scope = self.scopes.get(number).filter(|_| number > 0)?;
            let visible = scope.is_function || number == identifier.scope;
            if visible && !scope.nonlocal.contains(name) {
                if scope.kept.contains(name) || (!scope.is_function && scope.bound.contains(name)) {
                    return None;
                }
                if scope.bound.contains(name) {
                    return Some((number, name));
                }
            }
            number = scope.parent;
        }
    }
}

/// Whether a place binds the identifiers in it.
fn role(place: Place<'_>, parent: Frame) -> Role {
    let field = place.field;
    match parent.kind {
        "import_statement" | "import_from_statement" | "future_import_statement" => Role::Import,
        "global_statement" => Role::Global,
        "nonlocal_statement" => Role::Nonlocal,
        "function_definition" | "named_expression" if field == Some("name") => Role::Bind,
        // The name of a class shows in messages.
        "class_definition" if field == Some("name") => Role::Import,
        "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause"
            if field == Some("left") =>
        {
            Role::Bind
        }
        "parameters" | "lambda_parameters" | "as_pattern_target" => Role::Bind,
        "typed_parameter" if field != Some("type") => Role::Bind,
        "default_parameter" | "typed_default_parameter" if field == Some("name") => Role::Bind,
        "default_parameter" | "typed_default_parameter" | "typed_parameter" => Role::Use,
        "pattern_list"
        | "tuple_pattern"
        | "list_pattern"
        | "list_splat_pattern"
        | "dictionary_splat_pattern"
        | "dotted_name"
        | "aliased_import" => parent.role,
        _ => Role::Use,
    }
}
