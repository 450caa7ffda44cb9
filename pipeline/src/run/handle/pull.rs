//! Events that are pulled, one by one, by who holds the handle.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::vec;

use async_channel::{Receiver, Sender, WeakReceiver};
use futures_core::Stream;

use crate::event::single::Event;
use crate::outcome::final_event::FinalEvent;
use crate::outcome::progress::Progress;
use crate::run::handle::emitting_task::EmittingTask;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::Runtime;

/// What an [`EmittingTask`] holds that is pulled: the events that are on their way to its holder.
pub struct Events<T> {
    // Pinned: as a stream it waits with what is inside it.
    queue: Pin<Box<Receiver<Vec<Event<T>>>>>,
    batch: vec::IntoIter<Event<T>>,
    taken: u64,
    end: Option<End>,
}

/// How it ended.
enum End {
    Whole(FinalEvent),
    /// The error has been given as the last item.
    Failed,
}

// None of them is ever pinned.
impl<T> Unpin for Events<T> {}

impl<T> Events<T> {
    pub(crate) fn new(queue: Receiver<Vec<Event<T>>>) -> Self {
        Self { queue: Box::pin(queue), batch: Vec::new().into_iter(), taken: 0, end: None }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<T>>> {
        loop {
            if let Some(event) = self.batch.next() {
                self.taken += 1;
                return Poll::Ready(Some(event));
            }
            match std::task::ready!(self.queue.as_mut().poll_next(cx)) {
                Some(batch) => self.batch = batch.into_iter(),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Drops what has not been taken, and takes no more.
    fn close(&mut self) {
        self.batch = Vec::new().into_iter();
        drain(&self.queue);
    }
}

/// Takes no more, and drops what is there.
fn drain<T>(queue: &Receiver<T>) {
    queue.close();
    while queue.try_recv().is_ok() {}
}

/// Held by a pipeline as long as it runs: killed, it takes along what has not been pulled.
pub(crate) struct DrainOnKill<T>(Option<(WeakReceiver<T>, Sender<T>)>);

impl<T> DrainOnKill<T> {
    /// With a sender of its own: workers that are killed before it are not to close the queue, which could then not be reached.
    pub(crate) fn new(sender: &Sender<T>, queue: &Receiver<T>) -> Self {
        Self(Some((queue.downgrade(), sender.clone())))
    }

    /// It has come to its end by itself: what was sent is to be pulled.
    pub(crate) fn ended(mut self) {
        self.0 = None;
    }
}

impl<T> Drop for DrainOnKill<T> {
    fn drop(&mut self) {
        if let Some((queue, _sender)) = self.0.take()
            && let Some(queue) = queue.upgrade()
        {
            drain(&queue);
        }
    }
}

/// A pipeline whose events are pulled: see [`PipelineSender::pull`](crate::PipelineSender::pull).
impl<T: Send + 'static, R: Runtime> EmittingTask<FinalEvent, R, Events<T>> {
    /// The next event, an error that has ended the pipeline, or `None` after the end.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    pub async fn next_event(&mut self) -> Option<Result<Event<T>, AsyncTaskError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The next event, if there is one now: `Pending` says that there may be one later, `Ready(None)` that this is the
    /// end.
    pub fn try_next_event(&mut self) -> Poll<Option<Result<Event<T>, AsyncTaskError>>> {
        Pin::new(self).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    /// True once the end has been given: all events, and the error after them if there was one.
    pub fn is_complete(&self) -> bool {
        self.events.end.is_some()
    }

    /// What the pipeline did, once it has come to its end without an error. After an error, [`progress`](Self::progress)
    /// has the counts.
    pub fn summary(&self) -> Option<&FinalEvent> {
        match &self.events.end {
            Some(End::Whole(summary)) => Some(summary),
            _ => None,
        }
    }

    /// Ends it here: no more is read, and what was read and not taken is dropped, and counted as dropped. All of it has
    /// stopped when this returns.
    ///
    /// # Errors
    ///
    /// What ended the pipeline before, unless it was given as the last event: then [`AsyncTaskError::InvalidState`].
    pub async fn finish(mut self) -> Result<FinalEvent, AsyncTaskError> {
        self.events.close();
        if let Some(Err(error)) = self.next_event().await {
            return Err(error);
        }
        match self.events.end.take() {
            Some(End::Whole(summary)) => Ok(summary),
            _ => Err(AsyncTaskError::InvalidState("the pipeline's error was taken before")),
        }
    }

    /// How far it is: events count as handled once they were taken.
    pub fn progress(&self) -> Progress {
        let mut progress = self.counted();
        let Events { queue, batch, taken, .. } = &self.events;
        let waiting = progress.handled.saturating_sub(*taken);
        progress.handled = *taken;
        // Killed: what was sent and is not here will not come.
        if self.is_over() && queue.is_closed() && queue.is_empty() {
            progress.dropped += waiting.saturating_sub(batch.len() as u64);
        }
        progress
    }
}

/// Gives all events, and then the error that has ended the pipeline, if one has.
///
/// # Cancel safety
///
/// What waits for the next item can be dropped at any time; nothing is lost.
impl<T: Send + 'static, R: Runtime> Stream for EmittingTask<FinalEvent, R, Events<T>> {
    type Item = Result<Event<T>, AsyncTaskError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.events.end.is_some() {
            return Poll::Ready(None);
        }
        if let Some(event) = std::task::ready!(this.events.poll_event(cx)) {
            return Poll::Ready(Some(Ok(event)));
        }
        // The pipeline has no more to give: now it is awaited, so that nothing of it is left at the end.
        match std::task::ready!(Pin::new(&mut this.task).poll(cx)) {
            Ok(summary) => {
                this.events.end = Some(End::Whole(summary.with_taken(this.events.taken)));
                Poll::Ready(None)
            }
            Err(error) => {
                this.events.end = Some(End::Failed);
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}
