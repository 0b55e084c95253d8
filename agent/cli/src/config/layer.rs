//! One source of settings, read and checked: a file, the environment, or the command line.

use std::fmt;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Spanned;
use toml::Value;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::key::Key;
use super::schema::{Node, unknown};
use super::units::Complaint;
use crate::environment::Environment;
use crate::failure::Failure;

/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A file.
    File {
        /// Its path, as shown.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An environment variable of this name.
    Variable(String),
    /// A flag of this name.
    Flag(&'static str),
    /// `--set` with this key.
    Set(Key),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
            Self::Set(key) => write!(f, "--set {key}"),
        }
    }
}

/// A value with its name and origin. Never a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its name.
    pub key: Key,
    /// Its value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

impl Setting {
    /// A setting from a text, read and checked as the schema says.
    ///
    /// # Errors
    /// Exit 2, at the origin.
    pub fn read(key: Key, text: &str, origin: Origin) -> Result<Self, Failure> {
        let node = known(&key).map_err(|complaint| failure(&origin, complaint))?;
        if node.is_table() {
            let complaint = Complaint::new(format!("`{key}` is a table"), "name a setting in it");
            return Err(failure(&origin, complaint));
        }
        let value = node.read(text);
        let setting = Self { key, value, origin };
        node.check(&setting.value).map_err(|complaint| setting.complain(complaint))?;
        Ok(setting)
    }

    /// The failure that a complaint about this setting makes.
    #[must_use]
    pub fn complain(&self, complaint: Complaint) -> Failure {
        let reason = match &self.origin {
            Origin::Set(_) => complaint.reason,
            _ => format!("`{}`: {}", self.key, complaint.reason),
        };
        Failure::usage(reason).at(self.origin.to_string()).hint(complaint.remedy)
    }
}

fn failure(origin: &Origin, complaint: Complaint) -> Failure {
    Failure::usage(complaint.reason).at(origin.to_string()).hint(complaint.remedy)
}

/// The place of a key in the schema.
fn known(key: &Key) -> Result<Node<'static>, Complaint> {
    let mut parent = Key::default();
    let mut node = Node::root();
    for segment in &key.0 {
        node = node.child(segment).ok_or_else(|| unknown(&parent, segment))?;
        parent = parent.child(segment);
    }
    Ok(node)
}

/// The settings of a file. `shown` is its path as error messages name it.
///
/// # Errors
/// Exit 2 with file, line, column, reason and remedy.
pub fn from_file(path: &Path, shown: &Path) -> Result<Vec<Setting>, Failure> {
    let text = read(path).map_err(|complaint| {
        Failure::usage(complaint.reason).at(shown.display().to_string()).hint(complaint.remedy)
    })?;
    let text = text.map_err(|bytes| {
        let origin = position(&bytes, bytes.len(), shown);
        failure(&origin, Complaint::new("not UTF-8 text", "save the file as UTF-8"))
    })?;
    from_text(&text, shown)
}

/// The file's text, or its valid beginning where it is not UTF-8.
fn read(path: &Path) -> Result<Result<String, String>, Complaint> {
    let refused = |reason: String| Complaint::new(reason, "give the path of a readable TOML file");
    // A pipe could block for ever and a device never end.
    let metadata = std::fs::metadata(path).map_err(|e| refused(format!("cannot be read: {e}")))?;
    if !metadata.is_file() {
        return Err(refused("not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| refused(format!("cannot be read: {e}")))?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| refused(format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Complaint::new("larger than 1 MiB", "is this the configuration file?"));
    }
    Ok(String::from_utf8(bytes).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        e.as_bytes().get(..valid).map(String::from_utf8_lossy).unwrap_or_default().into_owned()
    }))
}

/// The settings of a TOML text.
///
/// # Errors
/// As [`from_file`].
pub fn from_text(text: &str, shown: &Path) -> Result<Vec<Setting>, Failure> {
    let root = DeTable::parse(text).map_err(|e| {
        let origin = position(text, e.span().map_or(0, |span| span.start), shown);
        let reason = e.message().replace('\n', ", ");
        failure(&origin, Complaint::new(format!("not TOML: {reason}"), "see https://toml.io for the form"))
    })?;
    let mut reader = FileReader { text, shown, settings: Vec::new() };
    reader.table(root.get_ref(), Node::root(), &Key::default())?;
    Ok(reader.settings)
}

/// Line and column of a byte offset.
fn position(text: &str, offset: usize, path: &Path) -> Origin {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Origin::File { path: path.to_path_buf(), line, column }
}

struct FileReader<'a> {
    text: &'a str,
    shown: &'a Path,
    settings: Vec<Setting>,
}

impl FileReader<'_> {
    fn table(&mut self, table: &DeTable<'_>, node: Node<'_>, path: &Key) -> Result<(), Failure> {
        // In the order of the file, so that the first mistake is the one that is named.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let origin = self.origin(&name.span());
            let node =
                node.child(name.get_ref()).ok_or_else(|| failure(&origin, unknown(path, name.get_ref())))?;
            self.value(value, node, path.child(name.get_ref()))?;
        }
        Ok(())
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, node: Node<'_>, key: Key) -> Result<(), Failure> {
        let origin = self.origin(&value.span());
        if let DeValue::Table(inner) = value.get_ref()
            && (node.is_table() || node.is_free())
        {
            return self.table(inner, node, &key);
        }
        let plain = Value::deserialize(ValueDeserializer::from(value.clone())).map_err(|_| {
            // The text is well-formed TOML by now; only numbers can still fail.
            let reason = format!("`{key}`: the number does not fit into 64 bits");
            failure(&origin, Complaint::new(reason, "give a smaller one"))
        })?;
        let setting = Setting { key, value: plain, origin };
        node.check(&setting.value).map_err(|complaint| setting.complain(complaint))?;
        self.settings.push(setting);
        Ok(())
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        position(self.text, span.start, self.shown)
    }
}

/// The settings in variables such as `CODEAGENT_BUDGET__CALLS`.
///
/// Names of one level (`CODEAGENT_LOG`) are not settings.
///
/// # Errors
/// Exit 2 naming the variable.
pub fn from_environment(environment: &Environment) -> Result<Vec<Setting>, Failure> {
    let named = environment
        .variables()
        .filter_map(|(name, text)| Some((name, name.strip_prefix("CODEAGENT_")?, text)));
    let mut settings = Vec::new();
    for (name, rest, text) in named {
        let origin = Origin::Variable(name.to_owned());
        if rest.contains("__") {
            let key = Key(rest.split("__").map(str::to_ascii_lowercase).collect());
            settings.push(Setting::read(key, text, origin)?);
        } else if let Some(key) = missing_level(rest) {
            let meant = key.0.join("__").to_ascii_uppercase();
            let complaint = Complaint::new(
                "levels are separated by two underscores",
                format!("did you mean CODEAGENT_{meant}?"),
            );
            return Err(failure(&origin, complaint));
        }
    }
    Ok(settings)
}

/// The setting that a name with single underscores would be, as `BUDGET_CALLS` would be `budget.calls`.
fn missing_level(rest: &str) -> Option<Key> {
    let lower = rest.to_ascii_lowercase();
    let (section, name) = lower.split_once('_')?;
    let table = Node::root().names().find(|known| *known == section)?;
    let found = Node::root().child(table)?.names().find(|known| *known == name)?;
    Some(Key::from([table, found].as_slice()))
}

/// The setting of one `--set key=value`.
///
/// # Errors
/// Exit 2 naming the flag.
pub fn from_assignment(text: &str) -> Result<Setting, Failure> {
    let malformed = |reason| Failure::usage(reason).at("--set").hint("write `--set budget.calls=40`");
    let (name, value) = text.split_once('=').ok_or_else(|| malformed("no `=` in the setting"))?;
    let key = Key::parse(name.trim()).ok_or_else(|| malformed("not the name of a setting before `=`"))?;
    Setting::read(key.clone(), value.trim(), Origin::Set(key))
}
