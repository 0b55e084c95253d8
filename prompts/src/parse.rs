//! Reads answers: forgiving in form, strict in content. Every function here takes any text whatever, in time linear
//! in its length, and never panics.

pub mod assertions;
pub mod calls;
pub mod code;
pub mod json;
pub mod list;
pub mod number;
pub mod sections;
pub mod verdict;

/// Why an answer could not be read. The text is meant for the model that gave it, too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Nothing but white space.
    #[error("the answer was empty")]
    Empty,
    /// No code at all.
    #[error("the answer contained no code")]
    NoCode,
    /// Code, but not what was asked for.
    #[error("no code in the answer defines `{entry}` at the top level")]
    EntryMissing {
        /// The function that was asked for.
        entry: String,
    },
    /// Code, but no whole program: it neither reads nor prints.
    #[error("the code in the answer is no whole program: it neither reads standard input nor prints")]
    NoProgram,
    /// No JSON value of the wanted shape.
    #[error("the answer contained no readable JSON {wanted}")]
    NoJson {
        /// The wanted shape, such as `list of objects`.
        wanted: &'static str,
    },
    /// JSON nested too deep.
    #[error("the JSON in the answer is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A field is absent.
    #[error("the field `{field}` is missing")]
    FieldMissing {
        /// The field's name.
        field: String,
    },
    /// A field holds something else than it should.
    #[error("the field `{field}` does not hold {wanted}")]
    FieldInvalid {
        /// The field's name.
        field: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// No section of the wanted kind.
    #[error("the answer has no {wanted}")]
    NoSection {
        /// What is missing.
        wanted: &'static str,
    },
    /// Nothing that could be a test input.
    #[error("the answer contained no test inputs")]
    NoInputs,
    /// No test of the entry point.
    #[error("the answer contained no assertion that calls `{entry}`")]
    NoAssertion {
        /// The function that was to be tested.
        entry: String,
    },
    /// No item in what should be a list.
    #[error("the answer contained no list items")]
    NoItems,
    /// No number alone on the last line.
    #[error("the last line of the answer is not a whole number from {least} to {most} alone")]
    NoNumber {
        /// Least number allowed.
        least: u32,
        /// Largest number allowed.
        most: u32,
    },
    /// No verdict word alone on the last line.
    #[error("the last line of the answer is not a verdict word alone")]
    NoVerdict,
}
