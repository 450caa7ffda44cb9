//! The tree of live tasks: who is alive, who waits for whom, how a cancellation goes down and an end goes up.
//!
//! A task is a `node` with a `state`, one atomic whose flags settle every race. Its `children` are found through the links that
//! they keep to it, and `pending_children` counts those that have not ended. What few tasks need is in `extras`, allocated on
//! first use. `current` is the task that a thread polls, `root` the scope that all tasks of an executor belong to. No future of
//! a user's and no type of a value is known here.

pub(crate) mod callbacks;
pub(crate) mod channels;
pub(crate) mod children;
pub(crate) mod current;
pub(crate) mod ending;
pub(crate) mod extras;
pub(crate) mod kills;
pub(crate) mod metering;
pub(crate) mod node;
pub(crate) mod on_cancel;
pub(crate) mod pending_children;
pub(crate) mod permits;
pub(crate) mod priority;
pub(crate) mod recovery;
pub(crate) mod root;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod span;
pub(crate) mod state;
pub(crate) mod statistics;
pub(crate) mod totals;
pub(crate) mod trace;
pub(crate) mod values;
