//! Checks of a sketch, each with the place of what is wrong.

use super::place::{Step, place};
use super::{Hole, Sketch, SketchError};
use crate::assertion;
use crate::modules::{PartKind, parts, running_line};

/// The sketch, if it makes sense.
pub(super) fn checked(sketch: Sketch, text: &str) -> Result<Sketch, SketchError> {
    let checker = Checker { text };
    if sketch.v != 1 {
        return Err(checker.error(
            &[Step::Key("v")],
            format!("version {} is not known", sketch.v),
            "write 1",
        ));
    }
    let Some(root) = sketch.hole(&sketch.root) else {
        let reason = format!("there is no hole `{}`", sketch.root);
        return Err(checker.error(
            &[Step::Key("root")],
            reason,
            "name one of the holes, which holds the sketch itself",
        ));
    };
    if root.is_open() {
        let reason = format!("the root `{}` is open", sketch.root);
        let remedy = "give it a body that calls the holes, and the state `pinned`";
        return Err(checker.error(&[Step::Key("root")], reason, remedy));
    }
    for (index, hole) in sketch.holes.iter().enumerate() {
        if sketch.holes.iter().take(index).any(|other| other.id == hole.id) {
            let reason = format!("there are two holes `{}`", hole.id);
            return Err(checker.error(&at(index, "id"), reason, "give each a name of its own"));
        }
        checker.hole(index, hole)?;
        checker.references(index, hole, &sketch)?;
    }
    if let Some(index) = on_a_circle(&sketch) {
        let reason = "the hole depends on itself through others".to_owned();
        return Err(checker.error(&at(index, "depends_on"), reason, "break the circle"));
    }
    Ok(sketch)
}

/// Checks of one hole that need no file. The field and what is wrong with it.
pub(super) fn fault(hole: &Hole) -> Option<(&'static str, String, &'static str)> {
    let is_name = !hole.id.starts_with(|c: char| c.is_ascii_digit())
        && !hole.id.is_empty()
        && hole.id.chars().all(|c| c == '_' || c.is_alphanumeric());
    if !is_name {
        return Some(("id", format!("`{}` is no name", hole.id), "use letters, digits and underscores"));
    }
    let header = parts(&hole.as_stub()).and_then(|parts| parts.into_iter().next());
    let names_it = header.is_some_and(|part| {
        matches!(part.kind, PartKind::Function(_) | PartKind::Class) && part.names == [hole.id.as_str()]
    });
    if !names_it {
        let reason = format!("the signature is no header of `{}`", hole.id);
        return Some(("signature", reason, "write `def NAME(PARAMETERS) -> TYPE`"));
    }
    match &hole.body {
        None if !hole.is_open() => {
            let reason = format!("`{}` is fixed and has no body", hole.id);
            Some(("state", reason, "give it a body, or the state `open`"))
        }
        Some(body) => body_fault(hole, body),
        None => None,
    }
}

fn body_fault(hole: &Hole, body: &str) -> Option<(&'static str, String, &'static str)> {
    let Some(found) = parts(body) else {
        let line = crate::modules::error_line(body).unwrap_or(1);
        return Some(("body", format!("the body has a syntax error in its line {line}"), "correct the code"));
    };
    if let Some(line) = running_line(body) {
        let reason = format!("the body runs the program in its line {line}");
        return Some(("body", reason, "leave that out: the search runs the program itself"));
    }
    let defines = found.iter().any(|part| part.names.contains(&hole.id));
    (!defines)
        .then(|| ("body", format!("the body does not define `{}`", hole.id), "write the whole function"))
}

/// A hole that is left when those whose needs are met are taken away, one after the other.
fn on_a_circle(sketch: &Sketch) -> Option<usize> {
    let mut left: Vec<usize> = (0..sketch.holes.len()).collect();
    loop {
        let waits = |index: &usize| {
            let needs = sketch.holes.get(*index).map_or(&[][..], |hole| hole.depends_on.as_slice());
            left.iter().filter_map(|other| sketch.holes.get(*other)).any(|other| needs.contains(&other.id))
        };
        let waiting: Vec<usize> = left.iter().copied().filter(waits).collect();
        if waiting.len() == left.len() {
            return left.first().copied();
        }
        left = waiting;
    }
}

fn at(hole: usize, field: &str) -> [Step<'_>; 3] {
    [Step::Key("holes"), Step::Index(hole), Step::Key(field)]
}

struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn hole(&self, index: usize, hole: &Hole) -> Result<(), SketchError> {
        if let Some((field, reason, remedy)) = fault(hole) {
            return Err(self.error(&at(index, field), reason, remedy));
        }
        for (number, test) in hole.tests.iter().enumerate() {
            if !assertion::is_about(test, &hole.id) {
                let [holes, hole_at, tests] = at(index, "tests");
                let reason = format!("`{test}` is no test of `{}`", hole.id);
                let remedy = "write a call with literal arguments, `==`, and a literal";
                return Err(self.error(&[holes, hole_at, tests, Step::Index(number)], reason, remedy));
            }
        }
        Ok(())
    }

    fn references(&self, index: usize, hole: &Hole, sketch: &Sketch) -> Result<(), SketchError> {
        for (number, needed) in hole.depends_on.iter().enumerate() {
            if *needed == hole.id || sketch.hole(needed).is_none() {
                let [holes, hole_at, list] = at(index, "depends_on");
                let reason = format!("`{}` can't depend on `{needed}`", hole.id);
                let path = [holes, hole_at, list, Step::Index(number)];
                return Err(self.error(&path, reason, "name another hole of the sketch"));
            }
        }
        Ok(())
    }

    fn error(&self, path: &[Step<'_>], reason: String, remedy: &str) -> SketchError {
        let (line, column) = place(self.text, path);
        let mut shown = String::new();
        for step in path {
            match step {
                Step::Key(key) if shown.is_empty() => shown.push_str(key),
                Step::Key(key) => shown.push_str(&format!(".{key}")),
                Step::Index(index) => shown.push_str(&format!("[{index}]")),
            }
        }
        SketchError { line, column, path: shown, reason, remedy: remedy.to_owned() }
    }
}
