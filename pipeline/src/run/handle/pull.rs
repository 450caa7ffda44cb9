//! Events that the holder of the handle pulls one by one.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::vec;

use async_channel::{Receiver, Sender, WeakReceiver};
use futures_core::Stream;

use crate::event::batch::rows;
use crate::event::single::Event;
use crate::outcome::final_event::FinalEvent;
use crate::outcome::progress::Progress;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::feed::Taken;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::Runtime;

/// The events of a pulled [`EmittingTask`] that are on their way to its holder.
pub struct Events<T> {
    // Pinned, since the receiver is polled as a stream and keeps its listener inside itself.
    queue: Pin<Box<Receiver<Taken<T>>>>,
    batch: vec::IntoIter<Event<T>>,
    /// The rows whose last event was taken, and those of which the stages have left no event.
    taken: u64,
    end: Option<End>,
}

/// The end of a pulled pipeline.
enum End {
    Completed(FinalEvent),
    /// The error was returned as the last item.
    Failed,
}

// The events are never pinned.
impl<T> Unpin for Events<T> {}

impl<T> Events<T> {
    pub(crate) fn new(queue: Receiver<Taken<T>>) -> Self {
        Self { queue: Box::pin(queue), batch: Vec::new().into_iter(), taken: 0, end: None }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<T>>> {
        loop {
            if let Some(event) = self.batch.next() {
                let next = self.batch.as_slice().first();
                self.taken += u64::from(next.is_none_or(|next| next.sequence != event.sequence));
                return Poll::Ready(Some(event));
            }
            match std::task::ready!(self.queue.as_mut().poll_next(cx)) {
                Some(taken) => {
                    self.taken += taken.rows - rows(&taken.events);
                    self.batch = taken.events.into_iter();
                }
                None => return Poll::Ready(None),
            }
        }
    }

    /// Takes no more events, and drops those that were not taken.
    fn close(&mut self) {
        self.batch = Vec::new().into_iter();
        drain(&self.queue);
    }
}

/// Closes the queue, and drops its content.
fn drain<T>(queue: &Receiver<T>) {
    queue.close();
    while queue.try_recv().is_ok() {}
}

/// Held by a pipeline as long as it runs. Dropped by a kill, it drops the events that were not pulled.
pub(crate) struct DrainOnKill<T>(Option<(WeakReceiver<T>, Sender<T>)>);

impl<T> DrainOnKill<T> {
    /// Keeps a sender of its own. Without it, workers that are killed earlier would close the queue, which
    /// then could not be reached through its weak receiver.
    pub(crate) fn new(sender: &Sender<T>, queue: &Receiver<T>) -> Self {
        Self(Some((queue.downgrade(), sender.clone())))
    }

    /// The pipeline ended by itself: events that were sent stay, and can be pulled.
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
    /// Returns the next event, then the error that ended the pipeline if there is one, and `None` after the
    /// end.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has taken no event.
    pub async fn next_event(&mut self) -> Option<Result<Event<T>, AsyncTaskError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Returns the next event if one is ready. `Pending`: there may be one later. `Ready(None)`: the end was
    /// reached.
    pub fn try_next_event(&mut self) -> Poll<Option<Result<Event<T>, AsyncTaskError>>> {
        Pin::new(self).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    /// True once the end was returned: all events, and after them the error if there was one.
    pub fn is_complete(&self) -> bool {
        self.events.end.is_some()
    }

    /// The pipeline's summary, once the end was reached without an error. After an error the counts are in
    /// [`progress`](Self::progress).
    pub fn summary(&self) -> Option<&FinalEvent> {
        match &self.events.end {
            Some(End::Completed(summary)) => Some(summary),
            _ => None,
        }
    }

    /// Ends the pipeline here and returns its summary. No more is read; rows that were read and not taken are
    /// dropped, and counted as dropped. The whole pipeline has stopped when this returns.
    ///
    /// # Errors
    ///
    /// The error that ended the pipeline, or [`AsyncTaskError::InvalidState`] if that error was already
    /// returned as the last item.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the handle, which kills the pipeline.
    pub async fn finish(mut self) -> Result<FinalEvent, AsyncTaskError> {
        self.events.close();
        if let Some(Err(error)) = self.next_event().await {
            return Err(error);
        }
        match self.events.end.take() {
            Some(End::Completed(summary)) => Ok(summary),
            _ => Err(AsyncTaskError::InvalidState("the pipeline's error was taken before")),
        }
    }

    /// Returns the progress so far. A row counts as handled once its event was taken: the last of them, where
    /// stages make several of a row. One of which the stages leave none counts with the events around it.
    pub fn progress(&self) -> Progress {
        let mut progress = self.counted();
        let Events { queue, batch, taken, .. } = &self.events;
        let waiting = progress.handled.saturating_sub(*taken);
        progress.handled = *taken;
        // The pipeline was killed: events that were sent and are not here were dropped.
        if self.is_over() && queue.is_closed() && queue.is_empty() {
            progress.dropped += waiting.saturating_sub(rows(batch.as_slice()));
        }
        progress
    }
}

/// Yields all events, and then the error that ended the pipeline if there is one.
///
/// # Cancel safety
///
/// A future that waits for the next item can be dropped at any time; nothing is lost.
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
        // There are no more events. The task is awaited now, so that nothing of the pipeline is left at the
        // end.
        match std::task::ready!(Pin::new(&mut this.task).poll(cx)) {
            Ok(summary) => {
                this.events.end = Some(End::Completed(summary.with_taken(this.events.taken)));
                Poll::Ready(None)
            }
            Err(error) => {
                this.events.end = Some(End::Failed);
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}
