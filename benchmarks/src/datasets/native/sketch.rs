//! Checks of a sketch: a program with holes that refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::names::id_fault;

/// Ids must be unique, references must point somewhere, and nothing may depend on itself.
pub(super) fn check(sketch: &Field<'_>) -> Result<(), DatasetError> {
    let mut holes = BTreeMap::new();
    for hole in sketch.required("holes")?.items()? {
        let id = hole.required("id")?;
        let name = id.text()?;
        if let Some(fault) = id_fault(name) {
            return Err(id.error(fault, "give the hole a short name"));
        }
        if holes.insert(name, hole).is_some() {
            return Err(
                id.error(format!("the id `{name}` is given twice"), "give each hole an id of its own")
            );
        }
    }
    let mut needs = BTreeMap::new();
    for (id, hole) in &holes {
        needs.insert(*id, references(hole, id, &holes)?);
    }
    match cyclic(needs) {
        Some(id) => {
            let place = holes.get(id).unwrap_or(sketch);
            Err(place.error(format!("`{id}` depends on itself through others"), "break the circle"))
        }
        None => Ok(()),
    }
}

fn references<'a>(
    hole: &Field<'a>,
    id: &str,
    holes: &BTreeMap<&str, Field<'a>>,
) -> Result<BTreeSet<&'a str>, DatasetError> {
    let Some(list) = hole.present("depends_on")? else { return Ok(BTreeSet::new()) };
    let mut found = BTreeSet::new();
    for reference in list.items()? {
        let target = reference.text()?;
        if target == id {
            return Err(reference.error(format!("`{id}` depends on itself"), "remove it"));
        }
        if !holes.contains_key(target) {
            return Err(reference.error(format!("there is no hole `{target}`"), "add it or correct the name"));
        }
        found.insert(target);
    }
    Ok(found)
}

/// A hole on a circle or behind one, if there is one: what stays when holes without open needs are taken away.
fn cyclic<'a>(mut needs: BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<&'a str> {
    loop {
        let ready: BTreeSet<_> =
            needs.iter().filter(|(_, open)| open.is_empty()).map(|(id, _)| *id).collect();
        if ready.is_empty() {
            return needs.keys().next().copied();
        }
        needs.retain(|id, _| !ready.contains(id));
        for open in needs.values_mut() {
            open.retain(|id| !ready.contains(id));
        }
    }
}
