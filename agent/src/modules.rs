//! The sub-modules of candidate programs: extraction, equality up to renaming, clustering, and the choice of
//! representatives.
//!
//! Source: Le et al. 2024, *CodeChain: Towards Modular Code Generation Through Chain of Self-revisions with
//! Representative Sub-modules*, section 3. Unlike the original, sub-modules come from the syntax tree and not from
//! code fences, and vectors from hashed syntax features and not from an embedding model.

mod choose;
mod cluster;
mod extract;
mod features;
mod graph;
mod language;
mod normalise;
mod outline;
mod scopes;
mod silhouette;
mod syntax;

pub use choose::{Offer, representatives};
pub use cluster::{Cluster, cluster, clusters};
pub use codeagent_search::policy::ModuleChoice;
pub use extract::{Module, extract};
pub(crate) use graph::running_line;
pub use graph::{FunctionGraph, Header, Part, PartKind, parameters_of, parts};
pub use language::Language;
pub(crate) use normalise::fingerprint;
pub use normalise::normalised_hash;
pub use outline::{Outline, Unit, UnitKind, outline};
pub use syntax::{defines, parses};
pub(crate) use syntax::{error_line, parsed, visit};

#[cfg(test)]
mod tests;
