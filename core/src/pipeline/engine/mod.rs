//! A pipeline at work: one sender, a bounded queue, some workers, and the coordinator that waits for them.

mod batch;
mod control;
mod coordinator;
mod handler;
mod message;
mod pace;
mod read;
mod sender;
mod worker;

pub(crate) use batch::Batch;
pub(crate) use control::Settings;
pub(crate) use coordinator::{Outcome, run};
pub(crate) use handler::{Collecting, Each, Folding, Handler};
pub(crate) use pace::Pace;
