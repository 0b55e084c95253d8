//! Errors of reading problems: one line with file, position, reason and remedy.

use std::fmt;
use std::path::{Path, PathBuf};

/// A file of problems or samples could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}; {remedy}")]
pub struct DatasetError {
    /// What kind of fault it is.
    pub kind: DatasetErrorKind,
    /// Where it is.
    pub place: Box<Place>,
    /// What is wrong.
    pub reason: String,
    /// What the user can do.
    pub remedy: String,
}

/// What kind of fault a [`DatasetError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatasetErrorKind {
    /// The file cannot be read at all.
    Unreadable,
    /// The text is not JSON.
    Syntax,
    /// A field is missing or does not hold what it should.
    Field,
    /// The file holds no such problem, or several and none was chosen.
    Selection,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line and column (in characters), both from 1, where known.
    pub position: Option<(usize, usize)>,
    /// The field, such as `public_tests[0].in`; empty where no field is meant.
    pub field: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if self.field.is_empty() { Ok(()) } else { write!(f, ": `{}`", self.field.escape_debug()) }
    }
}

impl DatasetError {
    /// A fault of the whole file.
    pub(crate) fn unreadable(file: &Path, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        let place = Box::new(Place { file: file.to_path_buf(), ..Place::default() });
        Self { kind: DatasetErrorKind::Unreadable, place, reason: reason.into(), remedy: remedy.into() }
    }

    /// The wrong number of problems.
    pub(crate) fn selection(file: &Path, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: DatasetErrorKind::Selection, ..Self::unreadable(file, reason, remedy) }
    }
}
