//! A pipeline at work: one sender, a bounded queue, some workers, and the coordinator that waits for them.

mod claims;
mod control;
mod coordinator;
mod feed;
mod gathered;
mod handler;
mod idle;
mod intake;
mod items;
mod lane;
mod lease;
mod limit;
mod look;
mod message;
mod outlet;
mod overdue;
mod pace;
mod pool;
mod pulling;
mod read;
mod scale;
mod sender;
mod slot;
mod stream;
mod tally;
mod texts;
mod visit;
mod worker;

pub(crate) use control::{Batches, Control, Settings};
pub(crate) use coordinator::{Outcome, run};
pub(crate) use feed::{Desk, Feed, Gather};
pub(crate) use handler::{Collecting, Each, Folding, Handler, Receiving};
pub(crate) use pace::Pace;
pub(crate) use pulling::Pulling;
