//! What a person does to a sketch between searches. An edit opens what it must, and touches nothing else.

use super::check::fault;
use super::{Hole, HoleState, Sketch, SketchError};
use crate::assertion;
use crate::modules::{PartKind, parts};

/// A change of what a hole promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// What it does, in other words.
    Doc(String),
    /// Its header.
    Signature(String),
    /// Its source, which is then pinned.
    Body(String),
    /// One more thing that it must return.
    Test(String),
}

impl Sketch {
    /// Keeps a hole's body as it is, whatever is edited elsewhere.
    ///
    /// # Errors
    /// [`SketchError`] if there is no such hole, or it has no body.
    pub fn pin(&mut self, id: &str) -> Result<(), SketchError> {
        self.change(id, |hole| hole.state = HoleState::Pinned)
    }

    /// Has a hole filled anew; its body is kept for reading only. The holes that call it stay as they are, for what it
    /// promises is the same.
    ///
    /// # Errors
    /// [`SketchError`] if there is no such hole, or it is the root.
    pub fn reopen(&mut self, id: &str) -> Result<(), SketchError> {
        self.not_root(id)?;
        self.change(id, |hole| {
            hole.state = if hole.body.is_some() { HoleState::Rejected } else { HoleState::Open };
        })
    }

    /// Changes a hole. A new doc or signature changes what it promises: the hole, and every solved hole that calls it,
    /// directly or through others, is open again. A new test opens the hole alone; a new body is pinned, and opens
    /// nothing. Pinned holes that call it stay as they are.
    ///
    /// # Errors
    /// [`SketchError`] if there is no such hole or the new text does not fit; the sketch is then as before.
    pub fn edit(&mut self, id: &str, edit: Edit) -> Result<(), SketchError> {
        match edit {
            Edit::Body(body) => self.change(id, |hole| {
                hole.body = Some(body);
                hole.state = HoleState::Pinned;
            })?,
            Edit::Test(test) => {
                if !assertion::is_about(&test, id) {
                    return Err(refused(
                        format!("`{test}` is no test of `{id}`"),
                        "write a call, `==`, and a literal",
                    ));
                }
                self.not_root(id)?;
                self.change(id, |hole| {
                    hole.tests.push(test);
                    hole.open_again();
                })?;
            }
            Edit::Doc(doc) => self.promise(id, |hole| hole.doc = doc)?,
            Edit::Signature(signature) => self.promise(id, |hole| hole.signature = signature)?,
        }
        self.add_quoted();
        Ok(())
    }

    /// Turns a hole into a sketch with smaller holes: its body is pinned, and each stub in it becomes a hole that is
    /// open. Gives the names of the new holes.
    ///
    /// # Errors
    /// [`SketchError`] if there is no such hole, or the body does not define it; the sketch is then as before.
    pub fn split(&mut self, id: &str, body: &str) -> Result<Vec<String>, SketchError> {
        let before: Vec<String> = self.holes.iter().map(|hole| hole.id.clone()).collect();
        let Some(found) = parts(body) else {
            return Err(refused(format!("the new body of `{id}` has a syntax error"), "correct the code"));
        };
        let mut kept = body.to_owned();
        let mut stubs = Vec::new();
        for part in found.iter().rev() {
            let PartKind::Function(header) = &part.kind else { continue };
            let Some(name) = part.names.first().filter(|name| *name != id && header.is_stub) else {
                continue;
            };
            if let Some(start) = kept.rfind(&part.source) {
                kept.replace_range(start..start + part.source.len(), "");
            }
            stubs.push(Hole {
                id: name.clone(),
                signature: header.signature.clone(),
                doc: header.docstring.clone(),
                ..Hole::default()
            });
        }
        kept.truncate(kept.trim_end().len());
        kept.push('\n');
        self.edit(id, Edit::Body(kept))?;
        for stub in stubs.into_iter().rev() {
            if self.hole(&stub.id).is_none() {
                self.holes.push(stub);
            }
        }
        Ok(self.holes.iter().map(|hole| hole.id.clone()).filter(|hole| !before.contains(hole)).collect())
    }

    /// Changes what a hole promises.
    fn promise(&mut self, id: &str, change: impl FnOnce(&mut Hole)) -> Result<(), SketchError> {
        let callers = self.callers(id);
        let is_root = self.root == id;
        self.change(id, |hole| {
            change(hole);
            if !is_root {
                hole.open_again();
            }
        })?;
        let affected = |hole: &&mut Hole| callers.contains(&hole.id) && hole.state == HoleState::Solved;
        self.holes.iter_mut().filter(affected).for_each(Hole::open_again);
        Ok(())
    }

    /// Changes one hole, if it makes sense afterwards.
    fn change(&mut self, id: &str, change: impl FnOnce(&mut Hole)) -> Result<(), SketchError> {
        let Some(hole) = self.holes.iter_mut().find(|hole| hole.id == id) else {
            return Err(refused(format!("there is no hole `{id}`"), "name one of the sketch's holes"));
        };
        let mut changed = hole.clone();
        change(&mut changed);
        if let Some((_, reason, remedy)) = fault(&changed) {
            return Err(refused(reason, remedy));
        }
        *hole = changed;
        Ok(())
    }

    fn not_root(&self, id: &str) -> Result<(), SketchError> {
        if self.root == id {
            return Err(refused(format!("`{id}` is the sketch itself"), "edit its body instead"));
        }
        Ok(())
    }
}

impl Hole {
    const fn open_again(&mut self) {
        self.state = if self.body.is_some() { HoleState::Rejected } else { HoleState::Open };
    }
}

fn refused(reason: String, remedy: &str) -> SketchError {
    SketchError { line: 0, column: 0, path: String::new(), reason, remedy: remedy.to_owned() }
}
