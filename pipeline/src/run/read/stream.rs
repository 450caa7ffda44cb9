//! Chunks of items that are pulled out of a stream.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::outcome::progress::Counters;
use crate::source::item_chunks::{Items, PollItems};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Sleep;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::{DynRuntime, Runtime as _};

/// A stream, and the items that it has yielded for the next chunk.
pub(crate) struct StreamChunks {
    stream: Box<dyn PollItems>,
    /// The most items in a chunk.
    rows: usize,
    /// The longest time that the first item waits for others.
    delay: Duration,
    /// The time at which the first item came, where that matters.
    first: Option<Instant>,
    due: Option<Pin<Box<Sleep<DynRuntime>>>>,
}

/// The state of a chunk after a slice.
pub(crate) enum Next {
    /// The chunk is not full.
    More,
    /// The chunk is to be sent.
    Full,
    /// The stream has ended: this chunk is the last.
    Ended,
}

impl StreamChunks {
    pub(crate) fn new(stream: Box<dyn PollItems>, rows: usize, delay: Duration) -> Self {
        Self { stream, rows, delay, first: None, due: None }
    }

    /// Takes the items given so far, for a chunk. `None` if there are none.
    pub(crate) fn take(&mut self) -> Option<Items> {
        (self.first, self.due) = (None, None);
        (self.stream.count() > 0).then(|| self.stream.take())
    }

    /// Takes at most `most` items, and counts them as read. A chunk that is to be sent is empty only if the
    /// stream has ended or failed.
    ///
    /// # Errors
    ///
    /// The stream panicked, or the runtime has ended.
    ///
    /// # Cancel safety
    ///
    /// After a drop, the items that were yielded are still there to be taken.
    pub(crate) async fn next(
        &mut self,
        runtime: &DynRuntime,
        counters: &Counters,
        most: usize,
    ) -> Result<Next, AsyncTaskError> {
        let upto = self.rows.min(self.stream.count().saturating_add(most));
        poll_fn(|cx| {
            let before = self.stream.count();
            let next = loop {
                if self.stream.count() >= upto {
                    break Poll::Ready(Ok(self.after_slice(runtime)));
                }
                match caught(|| self.stream.poll_item(cx)) {
                    Ok(Poll::Ready(true)) => {}
                    Ok(Poll::Ready(false)) => break Poll::Ready(Ok(Next::Ended)),
                    Err(panic) => break Poll::Ready(Err(panic)),
                    Ok(Poll::Pending) if self.stream.count() == 0 => break Poll::Pending,
                    // A chunk that is not full goes out: a receiver must not wait for one that may never
                    // fill.
                    Ok(Poll::Pending) if self.delay.is_zero() => break Poll::Ready(Ok(Next::Full)),
                    Ok(Poll::Pending) => {
                        let due = self.due.get_or_insert_with(|| {
                            let first = self.first.unwrap_or_else(|| runtime.now());
                            Box::pin(Sleep::silent(runtime, first.checked_add(self.delay)))
                        });
                        break due.as_mut().poll(cx).map_ok(|()| Next::Full);
                    }
                }
                if self.first.is_none() && !self.delay.is_zero() {
                    self.first = Some(runtime.now());
                }
            };
            // Counted here and not where they are sent: items of a sender that is killed were read as well.
            counters.read.add((self.stream.count() - before) as u64);
            next
        })
        .await
    }

    /// The state after a slice. A stream that is always ready never reaches the timer, so the clock is
    /// checked here.
    fn after_slice(&self, runtime: &DynRuntime) -> Next {
        let is_due = || {
            let due = self.first.and_then(|first| first.checked_add(self.delay));
            due.is_some_and(|due| runtime.now() >= due)
        };
        if self.stream.count() >= self.rows || is_due() { Next::Full } else { Next::More }
    }
}
