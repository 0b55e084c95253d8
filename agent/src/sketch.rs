//! A sketch: a program with holes, which a search fills, and the edits that a person makes between searches.
//!
//! A sketch is a file, `NAME.sketch.json`:
//!
//! ```json
//! {"v": 1, "root": "median",
//!  "holes": [
//!    {"id": "median", "signature": "def median(values)", "state": "pinned",
//!     "body": "def median(values):\n    return middle(sorted(values))\n"},
//!    {"id": "middle", "signature": "def middle(values)", "doc": "The middle value, or the mean of both.",
//!     "state": "open", "tests": ["middle([1, 2, 9]) == 2"]}]}
//! ```
//!
//! The root is the sketch itself: ordinary code that calls holes. A hole that is open, or whose body was rejected, is
//! searched; one that is solved or pinned is part of the program as it is, byte for byte. A hole can also stand in the
//! code where it is called, as a quoted sentence: `"the middle value"(values)`; it gets a name of its own.
//!
//! Source: Huang et al. 2023, *ANPL: Towards Natural Programming with Interactive Decomposition*, section 3. Unlike
//! there, the name of a quoted hole is made from its sentence, so that it is the same every time.

use std::collections::BTreeSet;

use codeagent_prompts::Function;
use serde::{Deserialize, Serialize};

use crate::modules::FunctionGraph;
use crate::problem::{Entry, Problem};

mod check;
mod edit;
mod place;
mod quoted;
#[cfg(test)]
mod tests;

pub use edit::Edit;

/// A program with holes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sketch {
    /// Version of the format: 1.
    #[serde(default = "version")]
    v: u8,
    /// The hole that is the sketch itself: the problem's function, or `main` of a whole program.
    pub root: String,
    /// All functions of the program.
    pub holes: Vec<Hole>,
}

/// One function of a sketch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hole {
    /// The function's name.
    pub id: String,
    /// Its header, such as `def middle(values: list[int]) -> int`.
    pub signature: String,
    /// What it does.
    #[serde(default)]
    pub doc: String,
    /// Whether it is searched.
    #[serde(default)]
    pub state: HoleState,
    /// Its source; helpers that it brings stand in it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Ids of holes that it relies on, beside those that its body calls. They are filled before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// What it must return: comparisons of calls with literals, such as `middle([1, 2, 9]) == 2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
}

/// What becomes of a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoleState {
    /// To be filled.
    #[default]
    Open,
    /// Filled by a search.
    Solved,
    /// Written or approved by a person. No edit of other holes opens it again.
    Pinned,
    /// Filled, and found wrong by a person: to be filled anew.
    Rejected,
}

/// A sketch is malformed, or an edit does not fit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}; {remedy}", shown(.line, .column, .path))]
pub struct SketchError {
    /// Line of the file, from 1; 0 for edits.
    pub line: usize,
    /// Column, from 1, in characters; 0 for edits.
    pub column: usize,
    /// Place in the sketch, such as `holes[1].body`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

const fn version() -> u8 {
    1
}

fn shown(line: &usize, column: &usize, path: &str) -> String {
    match (line, path) {
        (0, _) => String::new(),
        (_, "") => format!("line {line}, column {column}: "),
        _ => format!("line {line}, column {column} ({path}): "),
    }
}

impl Sketch {
    /// Reads a sketch. Holes that stand in the code as quoted sentences are added to the list.
    ///
    /// # Errors
    /// [`SketchError`] with line and column of what is wrong.
    pub fn parse(text: &str) -> Result<Self, SketchError> {
        let sketch: Self = serde_json::from_str(text).map_err(|error| {
            // The parser counts bytes, and an end after a line break as column 0 of a line that is not there.
            let line = error.line().clamp(1, text.lines().count().max(1));
            let known = text.lines().nth(line - 1).unwrap_or_default();
            let bytes = if line == error.line() { error.column().saturating_sub(1) } else { known.len() };
            let column = 1 + known.char_indices().take_while(|(at, _)| *at < bytes).count();
            let remedy = "see docs/sketches.md for the format".to_owned();
            SketchError { line, column, path: String::new(), reason: error.to_string(), remedy }
        })?;
        let mut sketch = check::checked(sketch, text)?;
        sketch.add_quoted();
        Ok(sketch)
    }

    /// The sketch as a file. Reading it gives an equal sketch.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// A hole by its id.
    #[must_use]
    pub fn hole(&self, id: &str) -> Option<&Hole> {
        self.holes.iter().find(|hole| hole.id == id)
    }

    /// The holes that a search fills, in the order of the file, but each after those that it depends on.
    pub fn open(&self) -> impl Iterator<Item = &Hole> {
        let mut left: Vec<&Hole> = self.holes.iter().filter(|hole| hole.is_open()).collect();
        let mut ordered = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let waits = |hole: &&Hole| left.iter().any(|other| hole.depends_on.contains(&other.id));
            // There are no circles; if there were, the first would go first.
            let next = left.iter().position(|hole| !waits(hole)).unwrap_or(0);
            ordered.push(left.remove(next));
        }
        ordered.into_iter()
    }

    /// The function that a hole is.
    #[must_use]
    pub fn function(&self, id: &str) -> Option<Function> {
        self.hole(id).map(Hole::function)
    }

    /// Whether the sketch is one of this problem: its root must be what the problem asks for.
    ///
    /// # Errors
    /// [`SketchError`] if it is not.
    pub fn check_problem(&self, problem: &Problem) -> Result<(), SketchError> {
        let wanted = match &problem.entry {
            Entry::Function { name, .. } => name.split('.').next().unwrap_or(name),
            Entry::Stdio => "main",
        };
        if self.root == wanted {
            return Ok(());
        }
        let reason = format!("the root is `{}`, and the problem asks for `{wanted}`", self.root);
        Err(SketchError { line: 1, column: 1, path: "root".into(), reason, remedy: "name it alike".into() })
    }

    /// All bodies that are fixed, as they run: byte for byte, but that quoted holes are called by their names.
    #[must_use]
    pub fn fixed_text(&self) -> String {
        let mut text = String::new();
        for body in self.holes.iter().filter(|hole| !hole.is_open()).filter_map(|hole| hole.body.as_deref()) {
            if !text.is_empty() {
                text.push_str(if text.ends_with('\n') { "\n\n" } else { "\n\n\n" });
            }
            text.push_str(&quoted::named(body));
        }
        text
    }

    /// The sketch with its open holes filled by what `program` has for them. Holes that the program lacks stay open; all
    /// others stay as they are.
    #[must_use]
    pub fn filled(&self, program: &str) -> Self {
        let mut filled = self.clone();
        for hole in filled.holes.iter_mut().filter(|hole| hole.is_open()) {
            if let Some(body) = self.own_text(program, &hole.id) {
                hole.body = Some(body);
                hole.state = HoleState::Solved;
            }
        }
        filled
    }

    /// What of a program belongs to one hole: its function and helpers that belong to no other hole.
    fn own_text(&self, program: &str, id: &str) -> Option<String> {
        let mut fixed = FunctionGraph::default();
        fixed.add_verbatim(&self.fixed_text());
        let is_other = |name: &str| name != id && (self.hole(name).is_some() || fixed.knows(name));
        let mut own = FunctionGraph::default();
        let parts = crate::modules::parts(program)?.into_iter();
        own.add_parts(parts.filter(|part| !part.names.iter().any(|name| is_other(name))));
        own.knows(id).then(|| own.assemble(id))
    }

    /// Holes that call `id`, directly or through others.
    fn callers(&self, id: &str) -> BTreeSet<String> {
        let mut graph = FunctionGraph::default();
        for hole in &self.holes {
            let text = hole.body.as_deref().map_or_else(|| hole.as_stub(), quoted::named);
            graph.add_verbatim(&text);
        }
        let mut found = graph.dependents(id);
        found.insert(id.to_owned());
        let relies = |hole: &&Hole, found: &BTreeSet<String>| {
            !found.contains(&hole.id) && hole.depends_on.iter().any(|needed| found.contains(needed))
        };
        while let Some(hole) = self.holes.iter().find(|hole| relies(hole, &found)) {
            found.extend(graph.dependents(&hole.id));
            found.insert(hole.id.clone());
        }
        found.remove(id);
        self.holes.iter().map(|hole| hole.id.clone()).filter(|hole| found.contains(hole)).collect()
    }

    fn add_quoted(&mut self) {
        let bodies: Vec<String> = self.holes.iter().filter_map(|hole| hole.body.clone()).collect();
        for found in bodies.iter().flat_map(|body| quoted::holes(body)) {
            if self.hole(&found.id).is_none() {
                self.holes.push(found);
            }
        }
    }
}

impl Hole {
    /// The function that the hole is.
    #[must_use]
    pub fn function(&self) -> Function {
        Function { name: self.id.clone(), signature: self.signature.clone(), doc: self.doc.clone() }
    }

    /// Whether a search fills it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, HoleState::Open | HoleState::Rejected)
    }

    fn as_stub(&self) -> String {
        format!("{}:\n    raise NotImplementedError()\n", self.signature.trim().trim_end_matches(':'))
    }
}
