//! Data sets, hidden tests and final judging.
//!
//! This crate knows the tests that the search must not see. [`load_problem`] and [`load_dataset`] read problems in the
//! native form and the rows of published data sets (`docs/data-sets.md`); what comes out is a problem for the search,
//! [`HiddenTests`] that only [`judge_hidden`] and [`verify`] can use, once, when the search is over, and [`References`]
//! that only [`judge_references`] can run, to check a data set.

pub mod batch;
mod bootstrap;
#[cfg(feature = "nats")]
pub mod cluster;
mod compare;
mod datasets;
pub mod formats;
mod hidden;
mod lessons;
mod pass_at_k;
mod pools;
mod protocol;
pub mod queue;
pub mod ranking;
mod references;
pub mod repetition;
pub mod report;
mod samples;
mod verify;

pub use bootstrap::Mean;
pub use compare::{Comparison, Results, compare, holm};
pub use datasets::{
    Dataset, DatasetError, DatasetErrorKind, Format, Loaded, PickleError, Place, ProblemWithHidden,
    add_visible_tests, dataset_hash, easiest_first, load_dataset, load_dataset_under, load_problem,
    load_problem_under, pickled_text, visible_test_line,
};
pub use hidden::{HiddenTests, judge_hidden};
pub use lessons::{Told, lesson_judged, lesson_told};
pub use pass_at_k::{PassAtK, Tally, pass_at_k};
pub use pools::{Drawn, Pool, read_programs, read_tests};
pub use protocol::{Protocol, UnknownProtocol};
pub use references::{References, ReferencesJudged, judge_references};
pub use samples::{Sample, Samples, Text, read_results, read_samples};
pub use verify::{Verification, verify, verify_hidden, verify_visible};
