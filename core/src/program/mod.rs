//! The life of a runtime: what a program asks of it, how it is owned, how it is shut down, and the signals that do so.

pub(crate) mod ext;
pub(crate) mod owned;
pub(crate) mod shutdown;
pub(crate) mod termination;
