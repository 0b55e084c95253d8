//! Decides: the search tree, the policies, budgets, and the choice among candidates.
//!
//! A search method is a [`SearchPolicy`]: asked for trials, told what came of them. [`Search`] pairs it with the
//! [`Tree`] that it grows. Nothing here waits, reads a clock, or sees a program's text: nodes are numbers, programs
//! are counts and hashes ([`Attempt`]), and the caller carries trials out. So a search can be tested in
//! microseconds, replayed from its changes, and continued.
//!
//! - the methods, one file each: [`Adaptive`], [`Resample`], [`Reflexion`], [`RethinkMcts`], [`CodeChain`],
//!   [`CodeTree`], [`MapCoder`], [`Lats`], [`AgentCoder`], [`AlphaCodium`], [`AbMcts`], [`SStar`], [`PlanSearch`],
//!   [`Evolve`], [`FunCoder`], [`TreePlanner`], [`CriticalSampling`], [`Anpl`];
//! - what they share: [`tree`], [`puct`], [`uct`], [`thompson`], [`pool`], [`suite`], and [`choose`], which picks the
//!   program to submit;
//! - [`budget`], what a caller may spend on carrying trials out.
//!
//! Invariants: a tree changes only through [`Tree::apply`]; a policy's decisions depend on the results told so far
//! and on nothing else; results reach a policy in the order of asking; the choice is made over every program found.
//!
//! ```
//! use codeagent_search::{Attempt, Draft, NodeKind, Resample, ResampleConfig, Search, TrialResult};
//!
//! let mut search = Search::new(Box::new(Resample::new(ResampleConfig::default())), 7);
//! while search.stop_reason().is_none() {
//!     for trial in search.ask(4) {
//!         // A real caller asks a model here and runs what it wrote on the visible tests.
//!         let passed = if trial.id.0 == 3 { 2 } else { 1 };
//!         let attempt = Attempt { fingerprint: trial.seed, passed, total: 2, parses: true, ..Default::default() };
//!         let draft = Draft { kind: NodeKind::Solution, prior: None, attempt: Some(attempt) };
//!         search.tell(trial.id, TrialResult::Made { drafts: vec![draft] });
//!     }
//! }
//! let best = search.best().and_then(|node| search.tree().attempt(node)).unwrap();
//! assert!(best.passes_all());
//! ```

pub mod ab_mcts;
pub mod adaptive;
pub mod agentcoder;
pub mod alphacodium;
pub mod anpl;
pub mod attempt;
mod backup;
mod batch;
pub mod budget;
mod checked;
pub mod choose;
pub mod codechain;
pub mod codetree;
pub mod critical;
mod evidence;
pub mod evolve;
pub mod funcoder;
mod grow;
pub mod lats;
pub mod mapcoder;
pub mod plansearch;
pub mod policy;
pub mod pool;
pub mod puct;
pub mod reflexion;
pub mod resample;
pub mod rethink;
pub mod s_star;
pub mod search;
pub mod suite;
#[cfg(test)]
mod testing;
pub mod thompson;
pub mod tree;
pub mod tree_planner;
pub mod trie;
mod turn;
pub mod uct;

pub use ab_mcts::{AbMcts, AbMctsConfig, AbMctsVariant};
pub use adaptive::{Adaptive, AdaptiveConfig, Experience};
pub use agentcoder::{AgentCoder, AgentCoderConfig};
pub use alphacodium::{AlphaCodium, AlphaCodiumConfig};
pub use anpl::{Anpl, AnplConfig};
pub use attempt::{Attempt, Outcome};
pub use budget::{Budget, BudgetLimits, Cost, Refusal, Reservation, Resource};
pub use codechain::{CodeChain, CodeChainConfig};
pub use codetree::{CodeTree, CodeTreeConfig, Order, UnguidedTree, UnguidedTreeConfig};
pub use critical::{CriticalSampling, CriticalSamplingConfig};
pub use evolve::{Evolve, EvolveConfig};
pub use funcoder::{FunCoder, FunCoderConfig};
pub use lats::{Lats, LatsConfig};
pub use mapcoder::{MapCoder, MapCoderConfig};
pub use plansearch::{PlanSearch, PlanSearchConfig};
pub use policy::{
    Combined, Decision, Draft, ModuleChoice, Operator, PastAttempt, Pieces, PlannedStep, Preference,
    ProgramStyle, ReflectionStyle, SearchPolicy, Shown, StopReason, ThoughtStyle, Trial, TrialId,
    TrialResult, VerifyStyle,
};
pub use pool::{Behaviour, Candidate, Pool};
pub use puct::{Puct, PuctFormula};
pub use reflexion::{Reflexion, ReflexionConfig, TestSource};
pub use resample::{Resample, ResampleConfig};
pub use rethink::{RethinkConfig, RethinkMcts, RethinkTarget};
pub use s_star::{SStar, SStarConfig};
pub use search::{Search, Told};
pub use suite::{SuiteRun, TestId, TestOutcome};
pub use tree::{Change, Evaluation, Evaluator, Node, NodeId, NodeKind, Stats, Tree, TreeError};
pub use tree_planner::{TreePlanner, TreePlannerConfig};
pub use uct::Uct;
