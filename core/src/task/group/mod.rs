//! Several tasks: scopes, sets, and supervised work.

pub(crate) mod restart;
pub(crate) mod scope;
pub(crate) mod set;
