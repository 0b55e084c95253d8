//! What the nodes of a tree hold: the texts and programs that the search itself never sees.

use std::sync::Arc;

use codeagent_models::Message;
use codeagent_prompts::Function;
use codeagent_prompts::feedback::FeedbackText;
use codeagent_sandbox::judge::Report;
use codeagent_search::tree::{NodeId, Tree};

use crate::probes::Probes;

/// Longest summary of a node, in characters.
const SUMMARY_CHARS: usize = 100;

/// The contents of one tree's nodes, by node.
#[derive(Debug, Default)]
pub(crate) struct Notebook {
    pages: Vec<Vec<Arc<Note>>>,
}

/// What one node holds, and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    /// The question.
    pub(crate) prompt: Vec<Message>,
    /// The model's answer, whole.
    pub(crate) answer: String,
    /// The content.
    pub(crate) content: Content,
}

/// A node's content.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// The root holds nothing but the problem.
    Problem,
    /// A thought.
    Thought(String),
    /// A reflection on a failed program.
    Reflection(String),
    /// A complete program and what the visible tests said of it.
    Program(Box<Candidate>),
    /// One function of a program, written or still to be.
    Function(Box<Written>),
}

/// One function of a program.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// What it is called with and what it is for.
    pub(crate) function: Function,
    /// Its source, with helpers of its own; empty while it is not written.
    pub(crate) source: String,
    /// Tests that it must pass, as assertions.
    pub(crate) tests: Vec<String>,
    /// What it did on inputs, where it was tried.
    pub(crate) probes: Option<Arc<Probes>>,
    /// What went wrong when it was tried, for the next question.
    pub(crate) trouble: Option<String>,
}

/// A complete program under search.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// The program as the model wrote it, as shown back to it.
    pub(crate) written: String,
    /// The program as it runs and as it is submitted: with the problem's prelude.
    pub(crate) source: String,
    /// The judge's report on the visible tests.
    pub(crate) report: Report,
    /// What failed, rendered for models; `None` if nothing did.
    pub(crate) feedback: Option<FeedbackText>,
    /// What it did on inputs whose right answers nobody knows, where it was tried.
    pub(crate) probes: Option<Arc<Probes>>,
}

impl Notebook {
    /// A notebook that knows the root.
    pub(crate) fn new() -> Self {
        let root = Note { prompt: Vec::new(), answer: String::new(), content: Content::Problem };
        Self { pages: vec![vec![Arc::new(root)]] }
    }

    /// Adds the content of a new node. Nodes are added in the order of their ids.
    pub(crate) fn add(&mut self, note: Note) {
        self.pages.push(vec![Arc::new(note)]);
    }

    /// Replaces a node's content; the earlier one stays in its history.
    pub(crate) fn replace(&mut self, node: NodeId, note: Note) {
        if let Some(page) = self.page_mut(node) {
            page.push(Arc::new(note));
        }
    }

    /// Puts the content before the last replacement in force again.
    pub(crate) fn revert(&mut self, node: NodeId) {
        if let Some(page) = self.page_mut(node)
            && page.len() > 1
        {
            page.pop();
        }
    }

    /// What a node holds now.
    pub(crate) fn note(&self, node: NodeId) -> Option<&Arc<Note>> {
        self.pages.get(node.0 as usize)?.last()
    }

    /// The program that a node holds.
    pub(crate) fn program(&self, node: NodeId) -> Option<&Candidate> {
        match &self.note(node)?.content {
            Content::Program(candidate) => Some(candidate),
            _ => None,
        }
    }

    /// The reflection that a node holds.
    pub(crate) fn reflection(&self, node: NodeId) -> Option<&str> {
        match &self.note(node)?.content {
            Content::Reflection(text) => Some(text),
            _ => None,
        }
    }

    /// The function that a node holds.
    pub(crate) fn function(&self, node: NodeId) -> Option<&Written> {
        self.note(node)?.function()
    }

    /// The chain of thoughts from the root down to `node`, the node's own last.
    pub(crate) fn thoughts(&self, tree: &Tree, node: NodeId) -> Vec<String> {
        let mut chain: Vec<String> = std::iter::successors(Some(node), |at| tree.node(*at)?.parent)
            .filter_map(|at| match &self.note(at)?.content {
                Content::Thought(text) => Some(text.clone()),
                _ => None,
            })
            .collect();
        chain.reverse();
        chain
    }

    fn page_mut(&mut self, node: NodeId) -> Option<&mut Vec<Arc<Note>>> {
        self.pages.get_mut(node.0 as usize)
    }
}

impl Note {
    /// The function that it is about.
    pub(crate) fn function(&self) -> Option<&Written> {
        match &self.content {
            Content::Function(written) => Some(written),
            _ => None,
        }
    }

    /// What its program or function did on inputs.
    pub(crate) fn probes(&self) -> Option<&Arc<Probes>> {
        match &self.content {
            Content::Function(written) => written.probes.as_ref(),
            Content::Program(candidate) => candidate.probes.as_ref(),
            _ => None,
        }
    }

    /// The first line of the content, cut to 100 characters.
    pub(crate) fn summary(&self) -> String {
        let text = match &self.content {
            Content::Problem => "",
            Content::Thought(text) | Content::Reflection(text) => text,
            Content::Program(candidate) => &candidate.written,
            Content::Function(written) => &written.function.signature,
        };
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let mut summary: String = line.chars().take(SUMMARY_CHARS).collect();
        if summary.len() < line.len() {
            summary.push('…');
        }
        summary
    }
}

impl Written {
    /// A function that is still to be written.
    pub(crate) const fn stub(function: Function, tests: Vec<String>) -> Self {
        Self { function, source: String::new(), tests, probes: None, trouble: None }
    }

    /// The function as a stub, for people.
    pub(crate) fn as_stub(&self) -> String {
        let Function { signature, doc, .. } = &self.function;
        if doc.is_empty() { signature.clone() } else { format!("{signature}: {doc}") }
    }
}
