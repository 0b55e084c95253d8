//! Rows for the tests of the readers.

use std::path::Path;

use super::error::DatasetError;
use super::fields::Row;
use super::recognise::{Format, recognise};
use super::{ProblemWithHidden, read};
use crate::protocol::Protocol;

/// A row whose fields can be changed.
pub(crate) struct Sample {
    /// How it must be recognised.
    pub(crate) format: Format,
    /// A good row.
    pub(crate) row: serde_json::Value,
}

impl Sample {
    /// What is read from the row, with the warnings.
    pub(crate) fn read(&self, protocol: Protocol) -> Result<(ProblemWithHidden, Vec<String>), DatasetError> {
        let text = self.row.to_string();
        let row = Row::parse(Path::new("rows.jsonl"), 1, text.as_bytes())?;
        assert_eq!(recognise(&row)?, self.format);
        let mut warnings = Vec::new();
        read(&row, self.format, protocol, &mut warnings).map(|problem| (problem, warnings))
    }

    /// What is read from the row under the protocol `strict`; there must be no warning.
    pub(crate) fn strict(&self) -> ProblemWithHidden {
        let (problem, warnings) = self.read(Protocol::Strict).unwrap();
        assert_eq!(warnings, [""; 0]);
        problem
    }

    /// The row with one field changed, or taken away by `null`.
    pub(crate) fn with(&self, field: &str, value: serde_json::Value) -> Self {
        let mut row = self.row.clone();
        let fields = row.as_object_mut().unwrap();
        if value.is_null() {
            fields.remove(field);
        } else {
            fields.insert(field.to_owned(), value);
        }
        Self { format: self.format, row }
    }

    /// Each row with such a change must be refused on one line, with a position, and for such a reason.
    pub(crate) fn refuses(&self, changes: &[(&str, serde_json::Value, &str)]) {
        for (field, value, reason) in changes {
            let error = self.with(field, value.clone()).read(Protocol::Strict).expect_err(reason).to_string();
            assert!(error.starts_with("rows.jsonl:1:"), "{error}");
            assert!(error.contains(reason) && error.contains("; ") && !error.contains('\n'), "{error}");
        }
    }
}
