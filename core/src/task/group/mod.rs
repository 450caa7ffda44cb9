//! Several tasks: scopes, sets, and work that is started again.

pub(crate) mod restart;
pub(crate) mod scope;
pub(crate) mod set;
