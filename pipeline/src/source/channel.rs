//! A channel into the pipeline, for events that are sent by hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_channel::Receiver;
use futures_core::Stream;
use futures_sink::Sink;
use pin_project_lite::pin_project;
use sync_wrapper::SyncWrapper;

use crate::source::item_chunks::{Filling, ItemChunks};
use crate::source::plan::Plan;
use crate::source::sources::Sources;
use sweet_async_core::error::AsyncTaskError;

/// Sends events into a pipeline; made by [`Sources::channel`](crate::Sources::channel). Clones send into the
/// same channel, and the source ends once all of them are dropped. Events of one sender keep its order.
///
/// As a [`Sink`] it keeps one event of its own while the channel is full. Flush it before it is dropped, or
/// that event is lost. Closed as a sink, it sends no more, as if it were dropped.
pub struct EventSender<T> {
    /// `None` once it was closed as a sink.
    channel: Option<async_channel::Sender<T>>,
    /// The send of the event that it keeps as a sink. `None` if it keeps none.
    kept: Option<Kept>,
}

type Kept = SyncWrapper<Pin<Box<dyn Future<Output = Result<(), SendError<()>>> + Send>>>;

/// The error of an [`EventSender`]: the pipeline has ended, or the channel was closed. The event comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// The reason why an event was not sent at once. The event comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// The channel is full.
    Full(T),
    /// The pipeline has ended, or the channel was closed.
    Closed(T),
}

/// The most events that a channel has room for: its memory is allocated when it is made.
const MOST_EVENTS: usize = 1 << 20;

impl<T: Send + 'static> Sources<T> {
    /// Events that are sent by hand, through the sender that this returns. The sender closure passes it to
    /// the code that is to send. The source ends once all clones of the sender are dropped, or once one of
    /// them [closes](EventSender::close) the channel. The channel has room for `capacity` events, and as many
    /// may be on their way into a chunk; events that are there go out at once. A capacity of zero, or of more
    /// than 1,048,576, is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// A receiver that keeps a sender keeps its own pipeline from ending.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder};
    /// # use sweet_async_pipeline::{Event, PipelineBuilder};
    /// # async fn sum<R: Runtime>(runtime: R) -> Result<u64, AsyncTaskError> {
    /// let (sum, _summary) = PipelineBuilder::<u64, _>::new(runtime.clone())
    ///     .sender(move |sources| {
    ///         let events = sources.channel(16);
    ///         TaskBuilder::<(), _>::new(runtime)
    ///             .try_spawn(|| async move {
    ///                 for event in 0..100 {
    ///                     events.send(event).await?;
    ///                 }
    ///                 Ok(())
    ///             })
    ///             .detach();
    ///     })
    ///     .fold(|| 0, |sum, event: Event<u64>| *sum += event.take_data(), |left, right| left + right)
    ///     .await?;
    /// # Ok(sum)
    /// # }
    /// ```
    pub fn channel(&mut self, capacity: usize) -> EventSender<T> {
        let (sender, incoming) = EventSender::channel(capacity.min(MOST_EVENTS));
        if (1..=MOST_EVENTS).contains(&capacity) {
            let items = Box::new(Filling::new(Box::pin(incoming)));
            self.plans.push(Plan::Stream(ItemChunks { name: "a channel", items, rows: capacity }));
        } else {
            let range = format!("from 1 to {MOST_EVENTS}");
            self.plans.refuse(AsyncTaskError::out_of_range("`capacity` of a channel", capacity, &range));
        }
        sender
    }
}

impl<T: Send + 'static> EventSender<T> {
    /// A channel with room for `capacity` events, at least one.
    fn channel(capacity: usize) -> (Self, Incoming<T>) {
        let (channel, receiver) = async_channel::bounded(capacity.max(1));
        (Self { channel: Some(channel), kept: None }, Incoming { receiver })
    }

    /// Sends an event, once there is room for it. A sent event waits in the channel; a pipeline that ends
    /// before it reads the event drops it.
    ///
    /// # Errors
    ///
    /// [`SendError`] gives the event back, once the pipeline has ended or the channel was closed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, nothing was sent, and the event is dropped with it.
    pub async fn send(&self, event: T) -> Result<(), SendError<T>> {
        match &self.channel {
            Some(channel) => channel.send(event).await.map_err(|error| SendError(error.0)),
            None => Err(SendError(event)),
        }
    }

    /// Sends an event if there is room for it now.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] gives the event back, with the reason.
    pub fn try_send(&self, event: T) -> Result<(), TrySendError<T>> {
        let Some(channel) = &self.channel else { return Err(TrySendError::Closed(event)) };
        channel.try_send(event).map_err(|error| match error {
            async_channel::TrySendError::Full(event) => TrySendError::Full(event),
            async_channel::TrySendError::Closed(event) => TrySendError::Closed(event),
        })
    }

    /// Ends the source, even while other senders exist: events that have been sent are read, and no more can
    /// be sent.
    pub fn close(&self) {
        if let Some(channel) = &self.channel {
            channel.close();
        }
    }

    /// True if nothing can be sent any more: the pipeline has ended, the channel was closed, or this sender
    /// was closed as a sink.
    pub fn is_closed(&self) -> bool {
        self.channel.as_ref().is_none_or(async_channel::Sender::is_closed)
    }

    fn poll_kept(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        let Some(kept) = &mut self.kept else { return Poll::Ready(Ok(())) };
        let sent = ready!(kept.get_mut().as_mut().poll(cx));
        self.kept = None;
        Poll::Ready(sent)
    }
}

impl<T: Send + 'static> Sink<T> for EventSender<T> {
    type Error = SendError<()>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        ready!(self.poll_kept(cx))?;
        Poll::Ready(if self.is_closed() { Err(SendError(())) } else { Ok(()) })
    }

    fn start_send(mut self: Pin<&mut Self>, event: T) -> Result<(), SendError<()>> {
        let (Some(channel), None) = (self.channel.clone(), &self.kept) else {
            // Closed, or called without `poll_ready`.
            return Err(SendError(()));
        };
        match self.try_send(event) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(SendError(())),
            Err(TrySendError::Full(event)) => {
                let send = async move { channel.send(event).await.map_err(|_| SendError(())) };
                self.kept = Some(SyncWrapper::new(Box::pin(send)));
                Ok(())
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        self.poll_kept(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        let flushed = ready!(self.poll_kept(cx));
        self.channel = None;
        Poll::Ready(flushed)
    }
}

impl<T> Clone for EventSender<T> {
    fn clone(&self) -> Self {
        Self { channel: self.channel.clone(), kept: None }
    }
}

impl<T> fmt::Debug for EventSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSender").finish_non_exhaustive()
    }
}

// As the standard library's: the error has a text whatever the event is.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pipeline takes no more events: it has ended, or the channel was closed")
    }
}

impl<T> std::error::Error for SendError<T> {}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the channel into the pipeline is full"),
            Self::Closed(_) => SendError(()).fmt(f),
        }
    }
}

impl<T> std::error::Error for TrySendError<T> {}

pin_project! {
    /// The receiving end of the channel, as a source. Dropping it closes the channel and drops the events
    /// still in it: senders may outlive the pipeline, and would keep these events.
    struct Incoming<T> {
        #[pin]
        receiver: Receiver<T>,
    }

    impl<T> PinnedDrop for Incoming<T> {
        fn drop(this: Pin<&mut Self>) {
            this.receiver.close();
            while this.receiver.try_recv().is_ok() {}
        }
    }
}

impl<T> Stream for Incoming<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.project().receiver.poll_next(cx)
    }
}
