//! The life of a runtime: its methods for programs, its ownership, its shutdown, and the signals that request
//! one.

pub(crate) mod ext;
pub(crate) mod owned;
pub(crate) mod shutdown;
pub(crate) mod termination;
