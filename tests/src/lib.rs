//! What the end-to-end tests share: a scripted model server, a model that acts with a given skill, searches against a
//! simulated model, the real binary, and the shared data sets where they are to be had; wrong solutions, and ways to be paid for them.

pub mod binary;
pub mod cheats;
pub mod collector;
#[cfg(unix)]
pub mod driven;
pub mod http;
pub mod jobs;
pub mod looping;
pub mod mutants;
#[cfg(unix)]
pub mod nats;
pub mod pool;
#[cfg(unix)]
pub mod postgres;
pub mod server;
pub mod shared;
pub mod simulate;
pub mod skill;
pub mod viewer;
