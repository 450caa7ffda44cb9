//! The cases, a file for each topic. Their names say what they promise; they are reached through [`suite!`](crate::suite).

#![allow(
    clippy::unit_arg,
    reason = "`Ok(future.await)` is the whole body of many a scope, and a value of its own would say no more"
)]
#![allow(missing_docs, reason = "a case is documented by its name, which is what a failure prints")]

pub mod adoption;
pub mod ambient;
pub mod applied;
pub mod bad_input;
pub mod blocking;
pub mod callbacks;
pub mod callbacks_end;
pub mod cancel;
pub mod cancelled;
pub mod cancelled_below;
pub mod collector;
pub mod context;
pub mod deadlines;
pub mod drop;
pub mod errors;
pub mod flow;
pub mod folding;
pub mod grace;
pub mod in_place;
pub mod inherited_deadlines;
pub mod levels;
pub mod levels_busy;
pub mod notice;
pub mod order;
pub mod own_end;
pub mod panic;
pub mod properties;
pub mod quiescence;
pub mod readiness;
pub mod relations;
pub mod restarts;
pub mod result_errors;
pub mod results;
pub mod root;
pub mod root_adoption;
pub mod runtime_end;
pub mod saturation;
pub mod scope_errors;
pub mod scope_failures;
pub mod scope_stops;
pub mod scopes;
pub mod set_deadline;
pub mod set_ends;
pub mod set_status;
pub mod sets;
pub mod settings;
pub mod shields;
pub mod shields_around;
pub mod shutdown;
pub mod shutdown_kills;
pub mod sources;
pub mod spans;
pub mod spawn;
pub mod status;
pub mod stuck;
pub mod sweeps;
pub mod time;
pub mod timed;
pub mod timeout;
pub mod traces;
pub mod traits;
pub mod tree;
pub mod tree_edges;
pub mod tree_looks;
pub mod values;
pub mod warnings;
