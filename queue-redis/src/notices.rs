//! The notices of a queue: a count of changes that the server raises, and those that wait for it to rise.
//!
//! Notices have a connection of their own. The server closes a connection that is subscribed once 32 MiB of answers
//! wait in it (`client-output-buffer-limit pubsub`), and a claim may have more. They are passed on as they arrive, by
//! the client's own task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use async_lock::Mutex;
use event_listener::Event;
use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind};

/// The notices that have arrived, and the connection that they come from, once somebody waits for them.
pub(crate) struct Notices {
    client: Client,
    config: AsyncConnectionConfig,
    channel: String,
    hints: Arc<Hints>,
    current: ArcSwapOption<Subscribed>,
    /// Held while subscribing, so that there is one connection for all that wait. True once there has been one.
    subscribing: Mutex<bool>,
}

#[derive(Default)]
struct Hints {
    changes: AtomicU64,
    changed: Event,
}

impl Hints {
    fn raise(&self) {
        // With the load in `count`: a listener that the event does not wake loads after this.
        self.changes.fetch_add(1, Ordering::Release);
        self.changed.notify(usize::MAX);
    }

    fn count(&self) -> u64 {
        // With the addition in `raise`.
        self.changes.load(Ordering::Acquire)
    }
}

/// A connection that lives as long as this.
struct Subscribed {
    _connection: MultiplexedConnection,
    /// False once the connection is lost.
    is_alive: Arc<AtomicBool>,
}

/// The receiver of a connection's notices, dropped with the connection.
struct Receiver {
    hints: Arc<Hints>,
    is_alive: Arc<AtomicBool>,
}

impl Receiver {
    fn receive(&self, notice: &PushInfo) {
        match notice.kind {
            PushKind::Message => self.hints.raise(),
            PushKind::Disconnection => self.lose(),
            _ => {}
        }
    }

    fn lose(&self) {
        // A flag on its own: nothing else depends on it.
        self.is_alive.store(false, Ordering::Relaxed);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.lose();
    }
}

impl Notices {
    pub(crate) fn new(client: Client, config: AsyncConnectionConfig, channel: String) -> Self {
        let (hints, current, subscribing) = (Arc::default(), ArcSwapOption::empty(), Mutex::new(false));
        Self { client, config, channel, hints, current, subscribing }
    }

    /// Returns the number of changes so far.
    pub(crate) fn count(&self) -> u64 {
        self.hints.count()
    }

    fn is_subscribed(&self) -> bool {
        self.current.load().as_ref().is_some_and(|current| current.is_alive.load(Ordering::Relaxed))
    }

    /// Subscribes, unless that is done. Returns false where there is no connection.
    ///
    /// A future that is dropped closes its connection, if it has one: it is kept once it is subscribed.
    async fn subscribe(&self) -> bool {
        if self.is_subscribed() {
            return true;
        }
        let mut has_been = self.subscribing.lock().await;
        if self.is_subscribed() {
            return true;
        }
        let is_alive = Arc::new(AtomicBool::new(true));
        let receiver = Receiver { hints: self.hints.clone(), is_alive: is_alive.clone() };
        let config = self.config.clone().set_push_sender(move |notice| {
            receiver.receive(&notice);
            Ok::<(), SendError>(())
        });
        let Ok(mut connection) = self.client.get_multiplexed_async_connection_with_config(&config).await
        else {
            return false;
        };
        match connection.subscribe(&self.channel).await {
            Err(error) if error.is_io_error() => return false,
            // Without the right to the channel there are no notices. The connection is kept, so that this is not tried
            // time and again.
            Ok(()) | Err(_) => {}
        }
        self.current.store(Some(Arc::new(Subscribed { _connection: connection, is_alive })));
        if !std::mem::replace(&mut *has_been, true) {
            // A change between the first claim and the subscription was missed. Later on that is left to the poll, or a
            // connection that is lost again and again would make a loop of it.
            self.hints.raise();
        }
        true
    }
}

/// The changes that a handle has seen.
#[derive(Debug)]
pub(crate) struct Seen(AtomicU64);

impl Seen {
    pub(crate) fn new(count: u64) -> Self {
        Self(AtomicU64::new(count))
    }

    /// A claim that began at `count` has found nothing. Another one of the same handle may have begun earlier.
    pub(crate) fn found_nothing_at(&self, count: u64) {
        // Here and below: the count is a number on its own, on which no other memory depends.
        self.0.fetch_min(count, Ordering::Relaxed);
    }

    /// Waits for a change since those that were seen. It is ready once for a change, and so never in a loop without
    /// one. Without a connection it stays pending.
    pub(crate) async fn changed(&self, notices: &Notices) {
        if !notices.subscribe().await {
            std::future::pending::<()>().await;
        }
        // Listens, then looks: no change is missed.
        let listening = notices.hints.changed.listen();
        let count = notices.count();
        if self.0.swap(count, Ordering::Relaxed) < count {
            return;
        }
        listening.await;
        self.0.store(notices.count(), Ordering::Relaxed);
    }
}

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self::new(self.0.load(Ordering::Relaxed))
    }
}
