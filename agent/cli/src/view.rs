//! The viewer: a folder of runs as web pages for one person on this machine, live while another process writes there.
//!
//! [`folder`] holds what is known of the runs, [`routes`] answers requests from it, and [`guard`] stands before all of
//! them. The page itself is three files written by hand (`view/page/`), part of the binary, which get everything else as
//! JSON. Nothing here writes to a run, and nothing is found by a path that a request names: ids are looked up in the store.

pub mod browser;
pub mod folder;
pub mod guard;
pub mod routes;
pub mod server;

mod bounded;
mod summary;
mod totals;

#[cfg(test)]
mod tests;
