//! The process's environment, read once, as a value.
//!
//! Every other module takes an [`Environment`], so that tests give their own and nothing reads variables behind the
//! user's back. A `.env` file counts only when it is named with `--env-file`; the real environment wins over it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Variables and the current directory.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Environment {
    /// The environment of this process. Variables that are not Unicode are left out.
    ///
    /// # Errors
    /// Exit 2 if the current directory is gone.
    pub fn of_process() -> Result<Self, Failure> {
        let directory = std::env::current_dir().map_err(|e| {
            Failure::usage("the current directory cannot be read")
                .caused_by(&e)
                .hint("change to a directory that exists")
        })?;
        Ok(Self::new(std::env::vars_os().filter_map(unicode), directory))
    }

    /// An environment of the given variables in the given directory.
    #[must_use]
    pub fn new(variables: impl IntoIterator<Item = (String, String)>, directory: PathBuf) -> Self {
        Self { variables: variables.into_iter().collect(), directory }
    }

    /// The value of a variable; an empty one counts as unset.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables that are not empty, in the order of their names.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| !value.is_empty())
    }

    /// The current directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The user's configuration file: `$XDG_CONFIG_HOME/codeagent/config.toml`, else under `~/.config`.
    #[must_use]
    pub fn user_config(&self) -> Option<PathBuf> {
        self.base("XDG_CONFIG_HOME", ".config").map(|base| base.join("config.toml"))
    }

    /// The folder for files that can be made again: `$CODEAGENT_CACHE_DIR`, `$XDG_CACHE_HOME/codeagent`, or under
    /// `~/.cache`.
    #[must_use]
    pub fn cache_dir(&self) -> Option<PathBuf> {
        let named = self.variable("CODEAGENT_CACHE_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| self.base("XDG_CACHE_HOME", ".cache"))
    }

    /// The folder for runs and reports: `$XDG_STATE_HOME/codeagent`, else under `~/.local/state`.
    #[must_use]
    pub fn state_dir(&self) -> Option<PathBuf> {
        self.base("XDG_STATE_HOME", ".local/state")
    }

    /// The XDG rule: a relative path in the variable is invalid and counts as unset.
    fn base(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        let named = self.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = named.or_else(|| self.variable("HOME").map(|home| Path::new(home).join(under_home)))?;
        Some(base.join("codeagent"))
    }

    /// Values of variables whose names say that they are secret, to be kept out of reports.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.variables()
            .filter(|(name, value)| is_secret_name(name) && value.len() >= 4)
            .map(|(_, value)| value)
    }

    /// Adds the variables of a `.env` file, below those that exist.
    ///
    /// Lines are `NAME=value` with an optional `export`, blank, or comments; values may be quoted.
    ///
    /// # Errors
    /// Exit 2 with the line where the file cannot be read so.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let text = std::fs::read_to_string(self.directory.join(path)).map_err(|e| {
            Failure::usage(format!("the environment file {} cannot be read", path.display()))
                .caused_by(&e)
                .hint("check the path after --env-file")
        })?;
        for (number, line) in (1..).zip(text.lines()) {
            let Some((name, value)) = dotenv_line(line).map_err(|(reason, column)| {
                Failure::usage(reason)
                    .at(format!("{}:{number}:{column}", path.display()))
                    .hint("write `NAME=value`, with quotes around a value that holds spaces or #")
            })?
            else {
                continue;
            };
            self.variables.entry(name).or_insert(value);
        }
        Ok(())
    }
}

fn unicode((name, value): (OsString, OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

/// Whether a name such as `OPENAI_API_KEY` or `api-token` is one that holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS", "AUTH", "SIG"];
    name.to_ascii_uppercase().split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// A line of a `.env` file: nothing, or a variable. The error is a reason and a column, never the line's text,
/// which may be a secret.
fn dotenv_line(line: &str) -> Result<Option<(String, String)>, (&'static str, usize)> {
    let text = line.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
    let Some((name, value)) = text.split_once('=') else { return Err(("no `=` in this line", 1)) };
    let name = name.trim_end();
    if !is_variable_name(name) {
        return Err(("not a variable name before `=`", 1));
    }
    let column = line.find('=').map_or(1, |at| at + 2);
    let value = dotenv_value(value.trim()).ok_or(("a quote is not closed, or text follows it", column))?;
    Ok(Some((name.to_owned(), value)))
}

/// The value without its quotes, or without a trailing comment where it has none.
fn dotenv_value(text: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let (value, after) = rest.split_once(quote)?;
            let after = after.trim_start();
            return (after.is_empty() || after.starts_with('#')).then(|| value.to_owned());
        }
    }
    Some(text.split_once(" #").map_or(text, |(value, _)| value).trim_end().to_owned())
}

/// Whether a text can name an environment variable.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests;
