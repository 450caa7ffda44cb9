//! A concurrency controller, which finds its number by trial. Pure: measurements are arguments.

pub(crate) mod aimd;
pub(crate) mod observer;
