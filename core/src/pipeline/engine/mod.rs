//! A pipeline at work: one sender, a bounded queue, some workers, and the coordinator that waits for them.

mod control;
mod coordinator;
mod feed;
mod handler;
mod limit;
mod message;
mod pace;
mod pool;
mod pulling;
mod read;
mod scale;
mod sender;
mod slot;
mod tally;
mod worker;

pub(crate) use control::{Batches, Control, Settings};
pub(crate) use coordinator::{Outcome, run};
pub(crate) use feed::{Desk, Feed, Gather};
pub(crate) use handler::{Collecting, Each, Folding, Handler, Receiving};
pub(crate) use pace::Pace;
pub(crate) use pulling::Pulling;
