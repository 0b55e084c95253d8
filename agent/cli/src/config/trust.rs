//! What a `codeagent.toml` that happens to lie in the current tree may change.
//!
//! Whoever wrote a repository wrote its file too. It must not send prompts and keys elsewhere, weaken the sandbox
//! or touch files outside, unless the user's own file lists the tree under `trusted`.

use std::path::{Component, Path, PathBuf};

use super::layer::Setting;
use crate::failure::Failure;

/// Checks the settings of a project file that lies in the folder `tree`.
///
/// # Errors
/// Exit 2 at the first setting that an untrusted file must not change.
pub fn check(settings: &[Setting], tree: &Path, trusted: &[String]) -> Result<(), Failure> {
    if is_trusted(tree, trusted) {
        return Ok(());
    }
    let refused = settings.iter().find(|setting| !is_harmless(setting, tree));
    refused.map_or(Ok(()), |setting| {
        Err(Failure::usage(format!("a project file must not set `{}`", setting.key))
            .at(setting.origin.to_string())
            .hint(format!(
                "move it to your own file, or trust the folder there: trusted = [\"{}\"]",
                tree.display()
            )))
    })
}

fn is_trusted(tree: &Path, trusted: &[String]) -> bool {
    let tree = real(tree);
    // A relative or empty entry would trust whatever folder the command is started in.
    trusted.iter().map(Path::new).filter(|path| path.is_absolute()).any(|path| tree.starts_with(real(path)))
}

fn is_harmless(setting: &Setting, tree: &Path) -> bool {
    match setting.key.segments().as_slice() {
        ["model", _, "base_url" | "api_key_env"] | ["sandbox" | "telemetry", ..] => false,
        ["model", _, "path"] | ["scorer", "path"] => {
            setting.value.as_str().is_some_and(|path| is_inside(path, tree))
        }
        ["store", "url"] => setting.value.as_str().is_some_and(|url| match url.strip_prefix("sqlite:") {
            Some(path) => is_inside(path, tree),
            None => url == "sqlite",
        }),
        _ => true,
    }
}

/// Whether a path, seen from the tree, stays in it: after `..` and after links.
fn is_inside(path: &str, tree: &Path) -> bool {
    let mut whole = tree.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => whole.push(name),
            Component::ParentDir if whole.pop() => {}
            Component::RootDir => whole = PathBuf::from("/"),
            Component::ParentDir | Component::Prefix(_) => return false,
        }
        // Checked at each step, since `..` after a link leaves the link's target.
        if !matches!(part, Component::RootDir) && whole.is_symlink() && !real(&whole).starts_with(real(tree))
        {
            return false;
        }
    }
    whole.starts_with(tree) || real(&whole).starts_with(real(tree))
}

/// The path without links where it exists, else as it is.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}
