//! The tree of live tasks: parents and children, the way of a cancellation down, and of an end up.
//!
//! A task is a `node` with a `state`, one atomic whose flags settle every race. It lists its `children`, each
//! of which has a weak link to it, and `pending_children` counts those that have not ended; `daemons` are
//! children that it stops once the others have ended. Rarely used state is in `extras`, allocated on first
//! use. `current` is the task that a thread polls, `overdue` marks a thread that drops work at a time limit,
//! `root` is the scope that all tasks of an executor belong to. `usage` has the figures of the tasks. No user
//! future and no type of a value is known here.

pub(crate) mod children;
pub(crate) mod current;
pub(crate) mod daemons;
pub(crate) mod ending;
pub(crate) mod entered;
pub(crate) mod extras;
pub(crate) mod node;
pub(crate) mod overdue;
pub(crate) mod pending_children;
pub(crate) mod priority;
pub(crate) mod root;
pub(crate) mod span;
pub(crate) mod state;
pub(crate) mod usage;
