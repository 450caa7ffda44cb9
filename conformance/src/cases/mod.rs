//! The cases, a file for each topic. Their names say what they promise; they are reached through [`suite!`](crate::suite).

#![allow(missing_docs, reason = "a case is documented by its name, which is what a failure prints")]

pub mod ambient;
pub mod bad_input;
pub mod blocking;
pub mod cancel;
pub mod collector;
pub mod drop;
pub mod errors;
pub mod flow;
pub mod folding;
pub mod in_place;
pub mod order;
pub mod panic;
pub mod properties;
pub mod quiescence;
pub mod root;
pub mod runtime_end;
pub mod saturation;
pub mod settings;
pub mod shutdown;
pub mod shutdown_kills;
pub mod sources;
pub mod spans;
pub mod spawn;
pub mod status;
pub mod time;
pub mod timeout;
pub mod values;
pub mod warnings;
