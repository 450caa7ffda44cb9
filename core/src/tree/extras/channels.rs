//! The channels between a task and the task that spawned it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use async_channel::{Receiver, Sender};

use crate::panic::caught;
use crate::sync::{ArcSwapOption, AtomicBool, Ordering};

/// The number of messages that a channel between two tasks holds before senders have to wait.
pub const CHANNEL_CAPACITY: usize = 32;

/// Both ends of a bounded channel between a task and the task that spawned it. There may be many senders and
/// many receivers, and each message goes to one of these.
///
/// It holds [`CHANNEL_CAPACITY`] messages. It is closed when the work of either task has ended; the messages
/// in it can still be received. The channel of a detached task is closed at that task's own end.
pub struct Channel<M> {
    /// Sends a message; waits while the channel is full. An error gives the message back: the channel is
    /// closed.
    pub sender: Sender<M>,
    /// Receives the next message; an error says that none will come.
    pub receiver: Receiver<M>,
}

impl<M> Clone for Channel<M> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), receiver: self.receiver.clone() }
    }
}

impl<M> fmt::Debug for Channel<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (waiting, closed) = (self.sender.len(), self.sender.is_closed());
        f.debug_struct("Channel").field("waiting", &waiting).field("closed", &closed).finish()
    }
}

/// Makes a channel.
pub(crate) fn open<M>() -> Channel<M> {
    let (sender, receiver) = async_channel::bounded(CHANNEL_CAPACITY);
    Channel { sender, receiver }
}

/// A channel with its type of message erased.
trait AnyChannel: Any + Send + Sync {
    fn close(&self);
    fn as_any(&self) -> &dyn Any;
}

impl<M: Send + 'static> AnyChannel for Channel<M> {
    fn close(&self) {
        self.sender.close();
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Clone, Default)]
struct Open(Vec<(TypeId, Arc<dyn AnyChannel>)>);

/// The channels of one task, each made on first use.
#[derive(Default)]
pub(crate) struct Channels {
    open: ArcSwapOption<Open>,
    closed: AtomicBool,
}

impl Channels {
    pub(crate) fn get<Direction: 'static, M: Send + 'static>(&self) -> Channel<M> {
        let id = TypeId::of::<(Direction, M)>();
        let find = |channels: Option<&Arc<Open>>| {
            let (_, erased) = channels?.0.iter().find(|(other, _)| *other == id)?;
            erased.as_any().downcast_ref::<Channel<M>>().cloned()
        };
        let fresh = open::<M>();
        let erased: Arc<dyn AnyChannel> = Arc::new(fresh.clone());
        // Of two concurrent calls, one finds the channel that the other has put in.
        let before = self.open.rcu(|channels| match find(channels.as_ref()) {
            Some(_) => channels.clone(),
            None => {
                let mut more = channels.as_deref().cloned().unwrap_or_default();
                more.0.push((id, erased.clone()));
                Some(Arc::new(more))
            }
        });
        let channel = find(before.as_ref()).unwrap_or(fresh);
        // Put in first, then look: `close` sets the flag first, and then closes the channels that are in.
        if self.closed.load(Ordering::SeqCst) {
            channel.sender.close();
        }
        channel
    }

    /// Closes all channels. The waker of a receiver may panic, and so may the destructor of a message:
    /// neither panic is this task's.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(channels) = self.open.swap(None) {
            channels.0.iter().for_each(|(_, erased)| while caught(|| erased.close()).is_err() {});
            let _ = caught(|| drop(channels));
        }
    }
}
