//! Models that the hub's own tools have put on this disk. Nothing is fetched.
//!
//! Source: the cache layout of `huggingface_hub`: `models--OWNER--NAME/{refs/main, snapshots/REVISION/}`.

use std::path::{Path, PathBuf};

/// The folder of a model by its id (`owner/name`) below the hub's cache folder; the revision that `main` names, else the
/// only one there is.
#[must_use]
pub fn find(id: &str, cache: &Path) -> Option<PathBuf> {
    let (owner, name) = id.split_once('/')?;
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    if !plain(owner) || !plain(name) {
        return None;
    }
    let model = cache.join(format!("models--{owner}--{name}"));
    let snapshots = model.join("snapshots");
    let main = std::fs::read_to_string(model.join("refs/main")).ok();
    if let Some(revision) = main.as_deref().map(str::trim).filter(|revision| plain(revision)) {
        let folder = snapshots.join(revision);
        if folder.is_dir() {
            return Some(folder);
        }
    }
    let mut folders = std::fs::read_dir(snapshots).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let only = folders.next()?;
    folders.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_its_id() {
        let cache = tempfile::tempdir().unwrap();
        let model = cache.path().join("models--a--b.c");
        for revision in ["one", "two"] {
            std::fs::create_dir_all(model.join("snapshots").join(revision)).unwrap();
        }
        assert_eq!(find("a/b.c", cache.path()), None);
        std::fs::create_dir_all(model.join("refs")).unwrap();
        std::fs::write(model.join("refs/main"), "two\n").unwrap();
        assert_eq!(find("a/b.c", cache.path()), Some(model.join("snapshots/two")));
        std::fs::write(model.join("refs/main"), "../../../etc").unwrap();
        assert_eq!(find("a/b.c", cache.path()), None);
        for id in ["b.c", "../b.c", "a/../b", "a/", "/b"] {
            assert_eq!(find(id, cache.path()), None, "{id}");
        }
    }
}
