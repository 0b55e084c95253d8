//! The functions of a program under construction: which one a trial is about, and what is there beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use codeagent_prompts::{Entry, Function};
use codeagent_search::policy::{Operator, Trial};
use codeagent_search::tree::{NodeId, NodeKind, Tree};

use crate::modules::FunctionGraph;
use crate::notebook::{Note, Notebook, Written};
use crate::problem::Problem;

/// Name of the function that a whole program is.
pub(super) const MAIN: &str = "main";

/// What a trial needs to know of functions.
#[derive(Default)]
pub(super) struct Functions {
    /// The function that the trial is about; none for the entry point.
    pub(super) subject: Option<Arc<Note>>,
    /// Whether the trial is about the root.
    at_root: bool,
    /// Implementations above it, which call it, the uppermost first.
    pub(super) above: Vec<Arc<Note>>,
    /// Implementations of finished functions.
    pub(super) parts: Vec<Arc<Note>>,
    /// An implementation that is there already.
    pub(super) draft: Option<Arc<Note>>,
    /// Candidates of earlier requests.
    pub(super) earlier: Vec<Arc<Note>>,
    /// Functions to choose from, or beside the subject.
    pub(super) others: Vec<Arc<Note>>,
    /// The whole program, or the step, that failed before.
    pub(super) after: Option<Arc<Note>>,
    /// Names of all functions that are there or will be.
    pub(super) names: BTreeSet<String>,
}

impl Functions {
    pub(super) fn gather(trial: &Trial, tree: &Tree, notebook: &Notebook) -> Self {
        let note = |node: &NodeId| notebook.note(*node).cloned();
        let notes = |nodes: &[NodeId]| nodes.iter().filter_map(note).collect::<Vec<_>>();
        let mut found = match &trial.operator {
            Operator::Decompose { known, .. } => Self { parts: notes(known), ..Self::default() },
            Operator::Compose { pieces, .. } => Self {
                parts: notes(&pieces.parts),
                draft: pieces.draft.as_ref().and_then(note),
                earlier: notes(&pieces.earlier),
                after: pieces.after.as_ref().and_then(note),
                others: siblings(trial.node, tree).iter().filter_map(note).collect(),
                ..Self::default()
            },
            Operator::Decide { options, after, .. } => {
                Self { others: notes(options), after: after.as_ref().and_then(note), ..Self::default() }
            }
            Operator::BlameHole { holes } => Self { others: notes(holes), ..Self::default() },
            _ => return Self::default(),
        };
        found.at_root = trial.node == NodeId::ROOT;
        found.subject = note(&trial.node).filter(|note| note.function().is_some());
        let mut lineage: Vec<NodeId> = tree.lineage(trial.node).skip(1).map(|node| node.id).collect();
        lineage.reverse();
        found.above = notes(&lineage).into_iter().filter(|note| note.function().is_some()).collect();
        let functions = tree.nodes().filter(|node| node.kind == NodeKind::Module);
        let names = functions.filter_map(|node| Some(notebook.function(node.id)?.function.name.clone()));
        found.names = names.collect();
        found
    }

    /// The function that the trial is about.
    pub(super) fn function(&self, problem: &Problem) -> Option<Function> {
        if self.at_root {
            return Some(entry(problem));
        }
        self.subject.as_ref()?.function().map(|written| written.function.clone())
    }

    /// Parts of the program in the order of their finishing, and the callers where they are wanted.
    pub(super) fn graph(&self, above: Above) -> FunctionGraph {
        let mut graph = FunctionGraph::default();
        if above != Above::No {
            for written in self.above.iter().filter_map(|note| note.function()) {
                put(&mut graph, written, above);
            }
        }
        for written in self.parts.iter().filter_map(|note| note.function()) {
            graph.add(&written.source);
        }
        graph
    }
}

/// Whether, and how, callers are part of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Above {
    No,
    Parts,
    /// As the user has written them.
    Verbatim,
}

/// Adds a caller or a draft.
pub(super) fn put(graph: &mut FunctionGraph, written: &Written, above: Above) {
    if above == Above::Verbatim {
        graph.add_verbatim(&written.source);
    } else {
        graph.add(&written.source);
    }
}

/// The problem's entry point as a function. A whole program is its `main`.
pub(super) fn entry(problem: &Problem) -> Function {
    match &problem.entry {
        Entry::Function { name, signature } => {
            let top = name.split('.').next().unwrap_or(name);
            let signature = signature.clone().filter(|_| top == name);
            let header = if top == name { format!("def {top}(...)") } else { format!("class {top}") };
            Function { name: top.to_owned(), signature: signature.unwrap_or(header), doc: String::new() }
        }
        Entry::Stdio => {
            Function { name: MAIN.to_owned(), signature: format!("def {MAIN}() -> None"), doc: String::new() }
        }
    }
}

/// How a call of the function begins, up to the bracket.
pub(super) fn call(problem: &Problem, function: &Function) -> String {
    match &problem.entry {
        Entry::Function { name, .. } => match name.split_once('.') {
            Some((class, method)) if class == function.name => format!("{class}().{method}"),
            _ => function.name.clone(),
        },
        Entry::Stdio => function.name.clone(),
    }
}

/// The other functions that the same implementation calls.
fn siblings(node: NodeId, tree: &Tree) -> Vec<NodeId> {
    let parent = tree.node(node).and_then(|node| node.parent);
    let all =
        parent.filter(|parent| *parent != NodeId::ROOT).into_iter().flat_map(|parent| tree.children(parent));
    all.map(|child| child.id).filter(|child| *child != node).collect()
}
