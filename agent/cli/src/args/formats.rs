//! Forms of samples that other programs read and write.

use clap::ValueEnum;

/// A form that samples are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// JSON lines of `task_id` and `completion`.
    HumanEval,
    /// The same with `result` and `passed`.
    HumanEvalResults,
    /// JSON lines of `task_id` and `solution`.
    Evalplus,
    /// A folder of `TASK_ID/N.py`.
    EvalplusDir,
    /// A JSON list of lists of programs, in the order of the data set.
    Bigcode,
    /// A JSON object from the place of a problem in the data set to its programs.
    Apps,
    /// A JSON list of `question_id` and `code_list`.
    Livecodebench,
    /// A folder of `results_TIME.json` and `samples_TASK_TIME.jsonl`.
    LmEval,
    /// A log of Inspect, version 2, as JSON.
    Inspect,
    /// JSON lines of `messages`: programs that passed, for fine-tuning. Needs --dataset.
    Sft,
    /// JSON lines of `prompt`, `chosen` and `rejected`: a program that passed and one that did not. Needs --dataset.
    Dpo,
}

/// A form that results are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResultsFormat {
    /// JSON lines: each sample with `result` and `passed`.
    HumanEval,
    /// That, and when all are judged also the file of evalplus' evaluator, with `base_status` and `plus_status`.
    Evalplus,
}

impl ExportFormat {
    /// Whether it is a folder of files.
    #[must_use]
    pub const fn is_folder(self) -> bool {
        matches!(self, Self::EvalplusDir | Self::LmEval)
    }

    /// Whether it is nothing without the problems' statements.
    #[must_use]
    pub const fn needs_statements(self) -> bool {
        matches!(self, Self::Sft | Self::Dpo)
    }

    /// Whether a program of it can be empty, to stand for a problem without a sample.
    #[must_use]
    pub const fn can_be_completed(self) -> bool {
        !matches!(self, Self::LmEval | Self::Inspect | Self::Sft | Self::Dpo)
    }
}

/// A form that samples are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// JSON lines of `task_id` and `completion`.
    HumanEval,
    /// The same with `result` and `passed`.
    HumanEvalResults,
    /// JSON lines of `task_id`, and `solution` or `completion`.
    Evalplus,
    /// A folder of `TASK_ID/N.py`.
    EvalplusDir,
    /// What the evaluator of evalplus writes: `eval` with `base_status` and `plus_status`.
    EvalplusResults,
    /// A JSON list of lists of programs, in the order of the data set.
    Bigcode,
    /// A JSON object from the place of a problem in the data set to its programs.
    Apps,
    /// A JSON list of `question_id` and `code_list`.
    Livecodebench,
}
