//! Configuration: files, variables and flags become one [`Config`], with the origin of every value kept.
//!
//! Layers, from the strongest: flags and `--set`, variables `CODEAGENT_*`, the file of `--config`, the nearest
//! `codeagent.toml` at or above the current directory, the user's own file, defaults. Each layer is checked by
//! itself against the [`schema`], so that a mistake is named where it stands even if a stronger layer hides it.

pub mod check;
pub mod key;
pub mod layer;
pub mod schema;
pub mod trust;
pub mod types;
pub mod units;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Value;

use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use key::Key;
use layer::{Origin, Setting};
use types::Config;
use units::Complaint;

/// The name of a project's file.
pub const PROJECT_FILE: &str = "codeagent.toml";

/// What the command line says about configuration.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The file of `--config`.
    pub file: Option<PathBuf>,
    /// The `key=value` of each `--set`.
    pub set: Vec<String>,
    /// Flags that stand for a setting: the flag's name, the key, and the text.
    pub named: Vec<(&'static str, &'static str, String)>,
}

/// The configuration in force.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// As values.
    pub config: Config,
    /// The user's own file, where it exists.
    pub user_file: Option<PathBuf>,
    /// The project's file, where one was found.
    pub project_file: Option<PathBuf>,
    /// The file of `--config`.
    pub explicit_file: Option<PathBuf>,
    settings: BTreeMap<Key, Setting>,
}

impl Loaded {
    /// The value of a setting with its origin, if it has one.
    #[must_use]
    pub fn setting(&self, key: &Key) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// All settings in the order of their names.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.settings.values()
    }

    /// Adds a layer over what is there.
    fn add(&mut self, layer: Vec<Setting>) {
        for setting in layer {
            // In the free tables of strategies a value may replace a table or the reverse.
            self.settings.retain(|key, _| !key.overlaps(&setting.key));
            self.settings.insert(setting.key.clone(), setting);
        }
    }
}

/// Reads and merges everything.
///
/// # Errors
/// Exit 2, one line: place, reason, remedy.
pub fn load(environment: &Environment, flags: &Flags) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    loaded.add(defaults()?);
    let directory = environment.directory();

    if let Some(path) = environment.user_config().filter(|path| path.exists()) {
        loaded.add(layer::from_file(&path, &path)?);
        loaded.user_file = Some(path);
    }
    if let Some(path) = project_file(directory) {
        let settings = layer::from_file(&path, path.strip_prefix(directory).unwrap_or(&path))?;
        let tree = path.parent().unwrap_or(directory);
        trust::check(&settings, tree, &trusted(&loaded))?;
        loaded.add(settings);
        loaded.project_file = Some(path);
    }
    if let Some(path) = &flags.file {
        loaded.add(layer::from_file(&directory.join(path), path)?);
        loaded.explicit_file = Some(path.clone());
    }
    loaded.add(layer::from_environment(environment)?);
    loaded.add(command_line(flags)?);
    loaded.config = assemble(&loaded)?;
    check::check(&loaded)?;
    Ok(loaded)
}

/// The nearest `codeagent.toml` at or above a folder.
#[must_use]
pub fn project_file(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().map(|folder| folder.join(PROJECT_FILE)).find(|path| path.exists())
}

/// The trusted folders of the layers read so far, which are the defaults and the user's own.
fn trusted(loaded: &Loaded) -> Vec<String> {
    let list =
        loaded.setting(&Key::from(["trusted"].as_slice())).and_then(|setting| setting.value.as_array());
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The built-in values as a layer.
fn defaults() -> Result<Vec<Setting>, Failure> {
    let table = toml::Table::try_from(Config::default()).map_err(|e| internal(&e))?;
    let mut settings = Vec::new();
    flatten(Value::Table(table), Key::default(), &mut settings);
    Ok(settings)
}

fn flatten(value: Value, key: Key, settings: &mut Vec<Setting>) {
    match value {
        Value::Table(table) => table.into_iter().for_each(|(name, value)| {
            let key = key.child(&name);
            flatten(value, key, settings);
        }),
        value => settings.push(Setting { key, value, origin: Origin::Default }),
    }
}

/// Flags and `--set` are one layer: where they disagree neither is stronger.
fn command_line(flags: &Flags) -> Result<Vec<Setting>, Failure> {
    let mut settings = Vec::new();
    for (flag, key, text) in &flags.named {
        let key = Key::parse(key).unwrap_or_default();
        settings.push(Setting::read(key, text, Origin::Flag(flag))?);
    }
    for text in &flags.set {
        let setting = layer::from_assignment(text)?;
        let other = settings.iter().find(|other: &&Setting| {
            matches!(other.origin, Origin::Flag(_))
                && other.key == setting.key
                && other.value != setting.value
        });
        if let Some(other) = other {
            let reason = format!("conflicts with {}", other.origin);
            return Err(setting.complain(Complaint::new(reason, "give one of them")));
        }
        settings.push(setting);
    }
    Ok(settings)
}

/// The settings as one value.
fn assemble(loaded: &Loaded) -> Result<Config, Failure> {
    let mut root = toml::Table::new();
    for setting in loaded.settings() {
        let Some((name, parents)) = setting.key.0.split_last() else { continue };
        let mut table = &mut root;
        for parent in parents {
            let inner = table.entry(parent).or_insert_with(|| Value::Table(toml::Table::new()));
            let Value::Table(inner) = inner else { return Err(internal(&Clash(setting.key.clone()))) };
            table = inner;
        }
        table.insert(name.clone(), setting.value.clone());
    }
    incomplete_prices(loaded, &root)?;
    Config::deserialize(root).map_err(|e| internal(&e))
}

/// The only settings that need each other within a table: a price has two parts.
fn incomplete_prices(loaded: &Loaded, root: &toml::Table) -> Result<(), Failure> {
    let prices = root.get("price").and_then(Value::as_table).into_iter().flatten();
    for (model, price) in prices {
        let missing = ["input", "output"].into_iter().find(|part| price.get(part).is_none());
        let Some(missing) = missing else { continue };
        let parent = Key::from(["price", model].as_slice());
        let near = loaded.settings().find(|setting| setting.key.overlaps(&parent));
        let place = near.map_or_else(|| "price".to_owned(), |setting| setting.origin.to_string());
        return Err(Failure::usage(format!("`{}` is missing", parent.child(missing)))
            .at(place)
            .hint("give `input` and `output`, in USD per million tokens"));
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("the key {0} is both a value and a table")]
struct Clash(Key);

fn internal(error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Internal, "the configuration could not be put together").caused_by(error)
}
