//! A concurrency controller, which finds its number by trial. Pure: measurements are arguments.

pub(crate) mod aimd;
pub(crate) mod event_observer;
pub(crate) mod observer;
