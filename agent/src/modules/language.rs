//! Languages whose programs can be taken apart, and what their grammars call things.

use std::sync::OnceLock;

use tree_sitter::Node;

use super::syntax::text;

/// Names of a grammar's kinds, by number.
type Kinds = OnceLock<Vec<&'static str>>;

/// A language with a grammar in this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Language {
    /// Python.
    #[default]
    Python,
    /// Rust.
    #[cfg(feature = "grammar-rust")]
    Rust,
    /// JavaScript.
    #[cfg(feature = "grammar-javascript")]
    JavaScript,
}

impl Language {
    /// The languages of this build.
    pub const ALL: &[Self] = &[
        Self::Python,
        #[cfg(feature = "grammar-rust")]
        Self::Rust,
        #[cfg(feature = "grammar-javascript")]
        Self::JavaScript,
    ];

    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            #[cfg(feature = "grammar-rust")]
            Self::Rust => "rust",
            #[cfg(feature = "grammar-javascript")]
            Self::JavaScript => "javascript",
        }
    }

    pub(super) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            #[cfg(feature = "grammar-rust")]
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            #[cfg(feature = "grammar-javascript")]
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        }
    }

    /// The kind of a node, as [`Node::kind`] has it, which reads the whole name each time to find its end.
    pub(super) fn kind(self, node: Node<'_>) -> &'static str {
        static PYTHON: Kinds = Kinds::new();
        #[cfg(feature = "grammar-rust")]
        static RUST: Kinds = Kinds::new();
        #[cfg(feature = "grammar-javascript")]
        static JAVASCRIPT: Kinds = Kinds::new();
        let kinds = match self {
            Self::Python => &PYTHON,
            #[cfg(feature = "grammar-rust")]
            Self::Rust => &RUST,
            #[cfg(feature = "grammar-javascript")]
            Self::JavaScript => &JAVASCRIPT,
        };
        let kinds = kinds.get_or_init(|| {
            let grammar = self.grammar();
            let number = u16::try_from(grammar.node_kind_count()).unwrap_or(u16::MAX);
            (0..number).map(|kind| grammar.node_kind_for_id(kind).unwrap_or_default()).collect()
        });
        // Nodes of errors have a number of their own.
        kinds.get(usize::from(node.kind_id())).copied().unwrap_or_else(|| node.kind())
    }

    /// The name of the function that a node defines.
    pub(super) fn function<'s>(self, node: Node<'_>, source: &'s str) -> Option<&'s str> {
        let field = |name: &str| node.child_by_field_name(name);
        let name = match (self, self.kind(node)) {
            (Self::Python, "function_definition") => field("name"),
            #[cfg(feature = "grammar-rust")]
            (Self::Rust, "function_item" | "function_signature_item") => field("name"),
            #[cfg(feature = "grammar-javascript")]
            (
                Self::JavaScript,
                "function_declaration" | "generator_function_declaration" | "method_definition",
            ) => field("name"),
            #[cfg(feature = "grammar-javascript")]
            (Self::JavaScript, "variable_declarator") => {
                let value = field("value").map(|value| value.kind());
                let is_function =
                    matches!(value, Some("arrow_function" | "function_expression" | "generator_function"));
                field("name").filter(|_| is_function)
            }
            _ => None,
        };
        name.map(|name| text(name, source))
    }

    /// The name of the class that a node defines, or whose methods it holds.
    pub(super) fn class<'s>(self, node: Node<'_>, source: &'s str) -> Option<&'s str> {
        let name = match (self, self.kind(node)) {
            (Self::Python, "class_definition") => node.child_by_field_name("name"),
            #[cfg(feature = "grammar-rust")]
            (Self::Rust, "struct_item" | "enum_item" | "union_item" | "trait_item") => {
                node.child_by_field_name("name")
            }
            #[cfg(feature = "grammar-rust")]
            (Self::Rust, "impl_item") => node.child_by_field_name("type"),
            #[cfg(feature = "grammar-javascript")]
            (Self::JavaScript, "class_declaration") => node.child_by_field_name("name"),
            _ => None,
        };
        name.map(|name| text(name, source))
    }

    /// Whether a node is a name that may mean a definition.
    pub(super) fn is_name(self, node: Node<'_>) -> bool {
        match self {
            Self::Python => self.kind(node) == "identifier",
            #[cfg(feature = "grammar-rust")]
            Self::Rust => matches!(self.kind(node), "identifier" | "field_identifier" | "type_identifier"),
            #[cfg(feature = "grammar-javascript")]
            Self::JavaScript => matches!(self.kind(node), "identifier" | "property_identifier"),
        }
    }

    /// Whether a name in this field of its parent is a member of something: `x.name`, and not `name`.
    pub(super) fn is_member(self, node: Node<'_>, field: Option<&str>) -> bool {
        match self {
            Self::Python => self.kind(node) == "identifier" && field == Some("attribute"),
            #[cfg(feature = "grammar-rust")]
            Self::Rust => self.kind(node) == "field_identifier",
            #[cfg(feature = "grammar-javascript")]
            Self::JavaScript => self.kind(node) == "property_identifier" && field == Some("property"),
        }
    }

    /// Whether docstrings stand in bodies, and not in comments before.
    pub(super) const fn has_docstrings(self) -> bool {
        matches!(self, Self::Python)
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::{parse_as, visit};
    use super::*;

    #[test]
    fn kinds_are_those_of_the_nodes() {
        let source = "@cached\ndef f(x, *y, **z) -> int:\n    return [a.b for a in x if (a := 1)] or f'{x!r}' \"s\"\n\nclass A(B): pass\n\
                      let g = async (a) => { return `t${a}`; };\nfn h<'a>(self: &'a S) -> u8 { S { x: 1 }.y }\n)(";
        for language in Language::ALL {
            let tree = parse_as(source, *language).unwrap();
            let mut nodes = 0;
            visit(tree.root_node(), &mut |node| {
                assert_eq!(language.kind(node), node.kind(), "{language:?}: {node:?}");
                nodes += 1;
            });
            assert!(nodes > 50, "{language:?}: {nodes}");
        }
    }
}
