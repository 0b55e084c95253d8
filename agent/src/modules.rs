//! The sub-modules of candidate programs: extraction, equality up to renaming, clustering, and the choice of
//! representatives.
//!
//! Source: Le et al. 2024, *CodeChain: Towards Modular Code Generation Through Chain of Self-revisions with
//! Representative Sub-modules*, section 3. Unlike the original, sub-modules come from the syntax tree and not from
//! code fences, and vectors are hashed syntax features unless an embedding model is at hand.

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

pub use choose::{Offer, representatives, representatives_by};
pub use cluster::{Cluster, cluster, clusters, clusters_by};
pub use codeagent_search::policy::ModuleChoice;
pub use extract::{Module, extract};
pub use features::Vector;
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
