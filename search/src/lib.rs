//! Decides: the search tree, the policies, budgets, and the choice among candidates. Pure: no async, no clock, no
//! I/O and no program text.

pub mod policy;
pub mod tree;
