//! Reading the fields of one row, with errors that say where.

use std::path::Path;

use serde_json::{Map, Value};

use crate::datasets::error::{DatasetError, DatasetErrorKind, Place};
use crate::datasets::json::{self, Step};

/// One JSON document of a file: the whole of it, or a line.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    pub(crate) file: &'a Path,
    /// Number of the line on which the row begins, from 1; 0 for a row that was put together from several files.
    pub(crate) line: usize,
    pub(crate) text: &'a str,
    pub(crate) value: Value,
}

impl<'a> Row<'a> {
    /// Parses a row.
    pub(crate) fn parse(file: &'a Path, line: usize, bytes: &'a [u8]) -> Result<Self, DatasetError> {
        let value = json::parse(bytes).map_err(|error| DatasetError {
            kind: DatasetErrorKind::Syntax,
            place: Box::new(Place {
                file: file.to_path_buf(),
                position: Some((line + error.position.0 - 1, error.position.1)),
                field: String::new(),
            }),
            reason: error.reason,
            remedy: error.remedy.to_owned(),
        })?;
        // What the parser accepted is UTF-8.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        Ok(Self { file, line, text, value })
    }

    /// Parses a row in which Python wrote infinities and NaN; in the values they are 0, in the text they still stand.
    /// `None` if that is not what is wrong with it.
    pub(crate) fn parse_python(file: &'a Path, line: usize, bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let value = json::parse(json::without_infinities(text)?.as_bytes()).ok()?;
        Some(Self { file, line, text, value })
    }

    /// The row itself as a field.
    pub(crate) const fn root(&self) -> Field<'_> {
        Field { row: self, path: Vec::new(), value: &self.value }
    }

    /// The row's object; empty if it is another value.
    pub(crate) fn object(&self) -> &Map<String, Value> {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.value.as_object().unwrap_or(&EMPTY)
    }
}

/// A value of a row and the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    row: &'a Row<'a>,
    path: Vec<Step>,
    pub(crate) value: &'a Value,
}

impl<'a> Field<'a> {
    fn step(&self, step: Step, value: &'a Value) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { row: self.row, path, value }
    }

    /// This place with another value: what a text at this place holds. Places inside it are places of the text.
    pub(crate) fn with_value<'b>(&self, value: &'b Value) -> Field<'b>
    where
        'a: 'b,
    {
        Field { row: self.row, path: self.path.clone(), value }
    }

    /// A field of this object, if it is there and not null.
    pub(crate) fn optional(&self, key: &str) -> Result<Option<Self>, DatasetError> {
        Ok(self.present(key)?.filter(|field| !field.value.is_null()))
    }

    /// A field of this object.
    pub(crate) fn required(&self, key: &str) -> Result<Self, DatasetError> {
        self.present(key)?
            .ok_or_else(|| self.error(format!("the field `{key}` is missing"), format!("add `{key}`")))
    }

    /// A field of this object, if it is there; null is a value then, which nothing takes.
    pub(crate) fn present(&self, key: &str) -> Result<Option<Self>, DatasetError> {
        let value = self.object()?.get(key);
        Ok(value.map(|value| self.step(Step::Key(key.to_owned()), value)))
    }

    /// The items of this array.
    pub(crate) fn items(&self) -> Result<Vec<Self>, DatasetError> {
        let Value::Array(items) = self.value else { return Err(self.expected("a list")) };
        Ok(items.iter().enumerate().map(|(index, item)| self.step(Step::Index(index), item)).collect())
    }

    /// The entries of this object.
    pub(crate) fn object(&self) -> Result<&'a Map<String, Value>, DatasetError> {
        self.value.as_object().ok_or_else(|| self.expected("an object"))
    }

    /// This text.
    pub(crate) fn text(&self) -> Result<&'a str, DatasetError> {
        self.value.as_str().ok_or_else(|| self.expected("a text"))
    }

    /// This number.
    pub(crate) fn number(&self) -> Result<f64, DatasetError> {
        self.value.as_f64().ok_or_else(|| self.expected("a number"))
    }

    /// This whole number, 0 or more.
    pub(crate) fn whole(&self) -> Result<u64, DatasetError> {
        self.value.as_u64().ok_or_else(|| self.expected("a whole number, 0 or more"))
    }

    /// This truth value.
    pub(crate) fn truth(&self) -> Result<bool, DatasetError> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// A text or a whole number, as text: the ids of some data sets are numbers.
    pub(crate) fn label(&self) -> Result<String, DatasetError> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) if number.is_u64() => Ok(number.to_string()),
            _ => Err(self.expected("a text or a whole number")),
        }
    }

    /// Line and column, from 1.
    pub(crate) fn position(&self) -> (usize, usize) {
        let (line, column) = json::locate(self.row.text, &self.path);
        (self.row.line + line - 1, column)
    }

    /// This value as its JSON text, as the file has it.
    pub(crate) fn json(&self) -> &'a str {
        json::slice(self.row.text, &self.path)
    }

    /// This text; `None` where there is `null`.
    pub(crate) fn nullable_text(&self) -> Result<Option<&'a str>, DatasetError> {
        if self.value.is_null() { Ok(None) } else { self.text().map(Some) }
    }

    /// The texts of this list.
    pub(crate) fn texts(&self) -> Result<Vec<&'a str>, DatasetError> {
        self.items()?.iter().map(Self::text).collect()
    }

    /// Where this is.
    pub(crate) fn place(&self) -> Place {
        let field = self.path.iter().fold(String::new(), |path, step| match step {
            Step::Key(key) if path.is_empty() => key.clone(),
            Step::Key(key) => format!("{path}.{key}"),
            Step::Index(index) => format!("{path}[{index}]"),
        });
        let position = (self.row.line > 0).then(|| self.position());
        Place { file: self.row.file.to_path_buf(), position, field }
    }

    /// An error at this field.
    pub(crate) fn error(&self, reason: impl Into<String>, remedy: impl Into<String>) -> DatasetError {
        DatasetError {
            kind: DatasetErrorKind::Field,
            place: Box::new(self.place()),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    fn expected(&self, what: &str) -> DatasetError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.error(format!("expected {what}, found {found}"), format!("give {what}"))
    }
}
