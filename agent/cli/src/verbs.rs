//! What the command can do: one file per verb.

pub mod compare;
pub mod completions;
pub mod config;
pub mod datasets;
pub mod doctor;
pub mod estimate;
pub mod eval;
pub mod exec;
pub mod export;
pub mod falsify;
pub mod import;
pub mod man;
pub mod model;
pub mod modules;
pub mod providers;
pub mod rank;
pub mod repeteval;
pub mod report;
pub mod sandbox;
pub mod score;
pub mod scorers;
pub mod show;
pub mod solve;
pub mod verify;
pub mod view;
pub mod watch;
