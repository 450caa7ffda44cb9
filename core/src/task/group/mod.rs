//! Several tasks: scopes, sets, supervised work, and work that is repeated by a schedule.

pub(crate) mod repeat;
pub(crate) mod restart;
pub(crate) mod runs;
pub(crate) mod scope;
pub(crate) mod set;
