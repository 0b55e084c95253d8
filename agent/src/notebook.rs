//! What the nodes of a tree hold: the texts and programs that the search itself never sees.

use std::sync::Arc;

use codeagent_models::Message;
use codeagent_prompts::Function;
use codeagent_prompts::feedback::{self, FeedbackText};
use codeagent_prompts::questions::SimilarProblem;
use codeagent_prompts::trace::BlockVerdict;
use codeagent_sandbox::case::Case;
use codeagent_sandbox::judge::Report;
use codeagent_search::tree::{NodeId, Tree};

use crate::inputs::Input;
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
    /// A recalled problem.
    Exemplar(Box<Exemplar>),
    /// A plan.
    Plan(String),
    /// A reflection on a failed program.
    Reflection(String),
    /// Test inputs without right answers.
    Inputs(Vec<Input>),
    /// A suite of tests that the model wrote.
    Tests(Vec<Case>),
    /// A complete program and what the visible tests said of it.
    Program(Box<Candidate>),
    /// One function of a program, written or still to be.
    Function(Box<Written>),
    /// A critic's remark on another node's program. No node holds one: it is added to what is said of the program.
    Remark(feedback::Note),
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

/// A problem like the one at hand, and how the method works that both need.
#[derive(Debug, Clone)]
pub(crate) struct Exemplar {
    /// The problem with its solution.
    pub(crate) similar: SimilarProblem,
    /// How the method works; may be empty.
    pub(crate) tutorial: String,
}

/// A complete program under search.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// The program as the model wrote it, as shown back to it.
    pub(crate) written: String,
    /// The program as it runs and as it is submitted: with the problem's prelude.
    pub(crate) source: String,
    /// The plan that it follows, where it came with a new one.
    pub(crate) plan: Option<String>,
    /// The judge's report on the visible tests.
    pub(crate) report: Report,
    /// A model's judgement of the blocks that one failed test ran through.
    pub(crate) blocks: Vec<BlockVerdict>,
    /// What critics said of it.
    pub(crate) remarks: Vec<feedback::Note>,
    /// What failed, rendered for models, without remarks; `None` if nothing did.
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

    /// Replaces a node's content, the earlier one staying in its history; a remark is added to it instead.
    pub(crate) fn amend(&mut self, node: NodeId, note: Note) {
        match note.content {
            Content::Remark(remark) => self.remark(node, remark),
            _ => {
                if let Some(page) = self.page_mut(node) {
                    page.push(Arc::new(note));
                }
            }
        }
    }

    /// Puts a note in the place of the one in force, which says the same but for what tests told since.
    pub(crate) fn update(&mut self, node: NodeId, note: Note) {
        if let Some(newest) = self.page_mut(node).and_then(|page| page.last_mut()) {
            *newest = Arc::new(note);
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

    /// Adds a critic's remark to what is said of a node's program. An empty remark, and one on anything else, is lost.
    fn remark(&mut self, node: NodeId, remark: feedback::Note) {
        let page = self.page_mut(node).and_then(|page| page.last_mut());
        if let Some(note) = page
            && let Content::Program(candidate) = &mut Arc::make_mut(note).content
            && !remark.text.trim().is_empty()
        {
            candidate.remarks.push(remark);
        }
    }

    /// What a node holds now.
    pub(crate) fn note(&self, node: NodeId) -> Option<&Arc<Note>> {
        self.pages.get(node.0 as usize)?.last()
    }

    /// The program that a node holds.
    pub(crate) fn program(&self, node: NodeId) -> Option<&Candidate> {
        self.note(node)?.candidate()
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

    /// The thought that a node holds.
    pub(crate) fn thought(&self, node: NodeId) -> Option<&str> {
        match &self.note(node)?.content {
            Content::Thought(text) => Some(text),
            _ => None,
        }
    }

    /// The chain of thoughts from the root down to `node`, the node's own last.
    pub(crate) fn thoughts(&self, tree: &Tree, node: NodeId) -> Vec<String> {
        let mut chain: Vec<String> = std::iter::successors(Some(node), |at| tree.node(*at)?.parent)
            .filter_map(|at| self.thought(at).map(str::to_owned))
            .collect();
        chain.reverse();
        chain
    }

    /// The plan that a node is or follows, as it was last changed.
    pub(crate) fn plan(&self, tree: &Tree, node: NodeId) -> Option<&str> {
        tree.lineage(node).find_map(|node| match &self.note(node.id)?.content {
            Content::Plan(plan) => Some(plan.as_str()),
            Content::Program(candidate) => candidate.plan.as_deref(),
            _ => None,
        })
    }

    /// The recalled problem that a node is or comes from.
    pub(crate) fn exemplar(&self, tree: &Tree, node: NodeId) -> Option<&Exemplar> {
        tree.lineage(node).find_map(|node| match &self.note(node.id)?.content {
            Content::Exemplar(exemplar) => Some(exemplar.as_ref()),
            _ => None,
        })
    }

    fn page_mut(&mut self, node: NodeId) -> Option<&mut Vec<Arc<Note>>> {
        self.pages.get_mut(node.0 as usize)
    }
}

impl Content {
    /// A critic's remark.
    pub(crate) fn remark(author: &str, text: String) -> Self {
        Self::Remark(feedback::Note { author: author.to_owned(), text })
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

    /// The program, where it is one.
    pub(crate) fn candidate(&self) -> Option<&Candidate> {
        match &self.content {
            Content::Program(candidate) => Some(candidate),
            _ => None,
        }
    }

    /// The first line of the content, cut to 100 characters.
    pub(crate) fn summary(&self) -> String {
        let text = match &self.content {
            Content::Problem | Content::Inputs(_) => "",
            Content::Thought(text) | Content::Plan(text) | Content::Reflection(text) => text,
            Content::Exemplar(exemplar) => &exemplar.similar.problem,
            Content::Tests(cases) => cases.first().map_or("", |case| &case.name),
            Content::Program(candidate) => &candidate.written,
            Content::Function(written) => &written.function.signature,
            Content::Remark(remark) => &remark.text,
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
