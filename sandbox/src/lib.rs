//! Runs untrusted Python programs under limits and says what happened.
//!
//! A [`Sandbox`] opens contained sessions, a [`Judge`] turns a [`Program`] and its [`Case`]s into a [`Report`] of
//! [`Verdict`]s. The ladder, from the bottom: plain data ([`value`], its codecs [`claim`] and `marshal`, its literals [`literal`]); the
//! seam to the back-ends ([`session`]); one session with the driver inside ([`peer`]), with a whole program run in it
//! ([`mod@run`]) or one loaded to be called ([`loaded`]); the judge ([`judge`]) and what else it can do with a program
//! ([`trace`](mod@trace), [`probe`]); the back-ends `wasm` and `local` on their own.
//!
//! What is absent on purpose: expected values in the process that runs candidate code, and any reading of what
//! candidates print as if it were a result.
//!
//! ```no_run
//! # async fn example(sandbox: std::sync::Arc<dyn codeagent_sandbox::Sandbox>) -> Result<(), codeagent_sandbox::SandboxError> {
//! use codeagent_sandbox::{Case, Checker, Judge, JudgeOptions, Program, Test, Value};
//!
//! let program = Program { source: "def double(n): return 2 * n".into(), entry: Some("double".into()) };
//! let test = Test::Call {
//!     args: vec![Value::from(2)],
//!     kwargs: Vec::new(),
//!     expected: Value::from(4),
//!     checker: Checker::Exact,
//! };
//! let case = Case { name: "double(2) == 4".into(), test, time_limit: std::time::Duration::from_secs(5) };
//! let report = Judge::new(sandbox).judge(&program, &[case], &JudgeOptions::default()).await?;
//! assert_eq!(report.passed(), report.total());
//! # Ok(())
//! # }
//! ```

pub mod case;
pub mod claim;
pub mod conformance;
pub mod error;
pub mod judge;
pub mod limits;
pub mod literal;
pub mod loaded;
#[cfg(target_os = "linux")]
pub mod local;
mod marshal;
pub mod peer;
pub mod probe;
pub mod program;
mod python;
mod retry;
mod rules;
pub mod run;
pub mod session;
pub mod trace;
pub mod value;
pub mod verdict;
#[cfg(feature = "wasm")]
pub mod wasm;

#[cfg(test)]
mod testing;

/// The examples of the crate's front page are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub use case::{Case, Checker, Test};
pub use error::SandboxError;
pub use judge::{CaseResult, Judge, JudgeOptions, Report};
pub use limits::Limits;
pub use loaded::{Called, Loaded, Unloadable};
pub use peer::{Arguments, Claim};
pub use probe::{Probe, Probed};
pub use program::Program;
pub use run::{Outcome, Run, run_program};
pub use session::{Cause, Ending, Exchange, Open, Sandbox, Session};
pub use value::Value;
pub use verdict::{Clock, Failure, Verdict};
