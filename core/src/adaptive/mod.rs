//! The number of things done at the same time, found by trying. Pure: measurements are arguments.

pub(crate) mod aimd;
pub(crate) mod observer;
