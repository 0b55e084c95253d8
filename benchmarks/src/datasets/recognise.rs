//! Which form a row has, told by its fields.

use crate::datasets::error::DatasetError;
use crate::datasets::fields::Row;

/// The forms of problems that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Our own problem file.
    Native,
    /// HumanEval.
    HumanEval,
    /// MBPP as function completion: the fields of HumanEval.
    MbppCompletion,
    /// HumanEval+ or MBPP+: inputs, and a reference that has the answers.
    EvalPlus,
    /// HumanEvalPack: HumanEval with a program to repair.
    HumanEvalPack,
    /// QuixBugs: a program to repair.
    QuixBugs,
    /// MBPP with a list of assertions.
    Mbpp,
    /// APPS in one of its forms.
    Apps,
    /// CodeContests.
    CodeContests,
    /// LiveCodeBench.
    LiveCodeBench,
    /// ClassEval: a class and unit tests of it.
    ClassEval,
}

impl Format {
    /// Its name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::HumanEval => "human-eval",
            Self::MbppCompletion => "mbpp-completion",
            Self::EvalPlus => "evalplus",
            Self::HumanEvalPack => "human-eval-pack",
            Self::QuixBugs => "quixbugs",
            Self::Mbpp => "mbpp",
            Self::Apps => "apps",
            Self::CodeContests => "code-contests",
            Self::LiveCodeBench => "live-code-bench",
            Self::ClassEval => "class-eval",
        }
    }
}

/// Fields that tell a form from those below it.
const MARKS: [(Format, &[&str]); 12] = [
    (Format::EvalPlus, &["task_id", "prompt", "entry_point", "canonical_solution", "base_input"]),
    (Format::HumanEvalPack, &["task_id", "prompt", "entry_point", "test", "buggy_solution"]),
    (Format::HumanEval, &["task_id", "prompt", "entry_point", "test"]),
    (Format::ClassEval, &["task_id", "skeleton", "test", "class_name"]),
    (Format::QuixBugs, &["name", "buggy_program", "tests"]),
    (Format::LiveCodeBench, &["question_id", "question_content", "public_test_cases"]),
    (Format::Mbpp, &["task_id", "test_list", "text"]),
    (Format::Mbpp, &["task_id", "test_list", "prompt"]),
    (Format::Apps, &["question", "input_output"]),
    (Format::Apps, &["description", "test_list"]),
    (Format::CodeContests, &["description", "public_tests", "private_tests", "time_limit"]),
    (Format::Apps, &["description", "public_tests", "private_tests"]),
];

/// The form of a row.
pub(crate) fn recognise(row: &Row<'_>) -> Result<Format, DatasetError> {
    let fields = row.object();
    let has = |names: &[&str]| names.iter().all(|name| fields.contains_key(*name));
    let is_mbpp =
        || fields.get("task_id").and_then(|id| id.as_str()).is_some_and(|id| id.starts_with("Mbpp"));
    match MARKS.iter().find(|(_, names)| has(names)) {
        Some((Format::HumanEval, _)) if is_mbpp() => Ok(Format::MbppCompletion),
        Some((format, _)) => Ok(*format),
        // Less strict than the others, so that the native reader can say what is missing.
        None if !has(&["task_id"])
            && ["entry", "prompt", "public_tests", "v", "id"]
                .iter()
                .any(|name| fields.contains_key(*name)) =>
        {
            Ok(Format::Native)
        }
        None => {
            row.root().object()?;
            let remedy = "give a native problem (`id`, `prompt`, `entry`, `public_tests`) or a row of a data set that docs/data-sets.md names";
            Err(row.root().error("is no problem in a form that is known", remedy))
        }
    }
}
