//! The channels between a task and the one that spawned it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use async_channel::{Receiver, Sender};

use crate::panic::caught;

/// How many messages a channel between two tasks holds before it makes senders wait.
pub const CHANNEL_CAPACITY: usize = 32;

/// Both ends of a bounded channel between a task and the one that spawned it: many may send and many receive, and each
/// message goes to one of them.
///
/// It holds [`CHANNEL_CAPACITY`] messages, and is closed when either task's work has ended: who has it can still receive
/// what is in it. That of a detached task is closed at its own end.
pub struct Channel<M> {
    /// Sends a message; waits while the channel is full. An error gives the message back: the channel is closed.
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

/// A channel that nobody has yet.
pub(crate) fn open<M>() -> Channel<M> {
    let (sender, receiver) = async_channel::bounded(CHANNEL_CAPACITY);
    Channel { sender, receiver }
}

/// A channel of whatever type.
trait Link: Any + Send + Sync {
    fn close(&self);
    fn as_any(&self) -> &dyn Any;
}

impl<M: Send + 'static> Link for Channel<M> {
    fn close(&self) {
        self.sender.close();
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Clone, Default)]
struct Open(Vec<(TypeId, Arc<dyn Link>)>);

/// The channels of one task, each made when it is first asked for.
#[derive(Default)]
pub(crate) struct Links {
    open: ArcSwapOption<Open>,
    closed: AtomicBool,
}

impl Links {
    pub(crate) fn get<Way: 'static, M: Send + 'static>(&self) -> Channel<M> {
        let id = TypeId::of::<(Way, M)>();
        let find = |links: Option<&Arc<Open>>| {
            let (_, link) = links?.0.iter().find(|(other, _)| *other == id)?;
            link.as_any().downcast_ref::<Channel<M>>().cloned()
        };
        let fresh = open::<M>();
        let link: Arc<dyn Link> = Arc::new(fresh.clone());
        // Of two who ask at once, one finds what the other has put in.
        let before = self.open.rcu(|links| match find(links.as_ref()) {
            Some(_) => links.clone(),
            None => {
                let mut more = links.as_deref().cloned().unwrap_or_default();
                more.0.push((id, link.clone()));
                Some(Arc::new(more))
            }
        });
        let channel = find(before.as_ref()).unwrap_or(fresh);
        // Put in first, then look: `close` sets the flag and then goes through what is in.
        if self.closed.load(Ordering::SeqCst) {
            channel.sender.close();
        }
        channel
    }

    /// Closes all. Who waits for a message may wake badly, and a message may be dropped badly: neither is this task's.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(links) = self.open.swap(None) {
            links.0.iter().for_each(|(_, link)| while caught(|| link.close()).is_err() {});
            let _ = caught(|| drop(links));
        }
    }
}
