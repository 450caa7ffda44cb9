//! Pulls items out of a stream, chunk by chunk.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::caught;
use crate::time::Sleep;

/// A stream, and what it has given for the next chunk.
pub(crate) struct StreamChunks<T, R: Runtime> {
    pub(crate) stream: Pin<Box<dyn Stream<Item = T> + Send>>,
    /// Most items in a chunk.
    pub(crate) rows: usize,
    /// How long the first item may wait for others while the stream has none.
    pub(crate) delay: Duration,
    pub(crate) items: Vec<T>,
    pub(crate) due: Option<Pin<Box<Sleep<R>>>>,
}

/// Why a chunk is done.
pub(crate) enum Next {
    More,
    Ended,
}

impl<T, R: Runtime> StreamChunks<T, R> {
    /// Fills `items`, which is empty only if the stream has ended or has failed.
    ///
    /// # Errors
    ///
    /// The stream panicked, or the runtime has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropped, what has been given is in `items`.
    pub(crate) async fn next(&mut self, runtime: &R) -> Result<Next, AsyncTaskError> {
        self.due = None;
        let mut first = None;
        poll_fn(|cx| {
            while self.items.len() < self.rows {
                match caught(|| self.stream.as_mut().poll_next(cx)) {
                    Ok(Poll::Ready(Some(item))) => self.items.push(item),
                    Ok(Poll::Ready(None)) => return Poll::Ready(Ok(Next::Ended)),
                    Err(panic) => return Poll::Ready(Err(panic)),
                    Ok(Poll::Pending) if self.items.is_empty() => return Poll::Pending,
                    // What is there goes out: a receiver must not wait for a chunk that may never fill.
                    Ok(Poll::Pending) if self.delay.is_zero() => break,
                    Ok(Poll::Pending) => {
                        let due = self.due.get_or_insert_with(|| {
                            let first = first.unwrap_or_else(|| runtime.now());
                            Box::pin(Sleep::silent(runtime, first.checked_add(self.delay)))
                        });
                        return due.as_mut().poll(cx).map_ok(|()| Next::More);
                    }
                }
                if first.is_none() && !self.delay.is_zero() {
                    first = Some(runtime.now());
                }
            }
            Poll::Ready(Ok(Next::More))
        })
        .await
    }
}
