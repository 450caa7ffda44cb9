//! The handler that passes values on to a sink.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_lite::future::or;
use futures_sink::Sink;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::event::batch::rows;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::run::shared::control::Control;
use crate::run::shared::in_turn::InTurn;
use crate::run::work::completion::Completion;
use crate::run::work::feed::{Feed, Taken};
use crate::run::work::handlers::handler::Handler;
use crate::run::work::slot::StateSlot;
use crate::stage::chain::Chain;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::DynRuntime;

/// The number of values from which on they are passed on together, by a worker that then has the sink: enough
/// to make taking it negligible, few enough to be held for each worker.
const BATCH: usize = 256;

/// Passes the values of all workers on to one sink, one worker at a time.
pub(crate) struct Forwarding<K> {
    open: InTurn<Open<K>>,
}

/// One of the poll methods of a sink.
type PollSink<K, E> = fn(Pin<&mut K>, &mut Context<'_>) -> Poll<Result<(), E>>;

/// A sink, and its error once it has failed.
struct Open<K> {
    sink: Pin<Box<K>>,
    failure: Option<AsyncTaskError>,
}

impl<K> Forwarding<K> {
    pub(crate) fn new(sink: K) -> Self {
        let open = InTurn::empty();
        open.put(Open { sink: Box::pin(sink), failure: None });
        Self { open }
    }
}

impl<T, K> Handler<T> for Forwarding<K>
where
    T: Send + 'static,
    K: Sink<T, Error: Into<BoxError>> + Send + 'static,
{
    type Local = ();
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<()> {
        vec![(); workers.len()]
    }

    async fn handle<X: Chain<Out = T>>(&self, _: &StateSlot<()>, feed: &mut Feed<'_, X>) -> bool {
        let mut taken = Taken::default();
        loop {
            let more = feed.take(&mut taken).await;
            feed.state().rest().await;
            if taken.events.len() >= BATCH || !more {
                let Taken { events, rows: all } = std::mem::take(&mut taken);
                let control = feed.state().control.clone();
                let sent = &mut feed.state().counts.handled;
                // The stages have left no value of some rows.
                *sent += all - rows(&events);
                if !events.is_empty() && !self.pass_on(events, &control, sent).await {
                    return false;
                }
            }
            if !more {
                return false;
            }
        }
    }

    fn can_retry(&self) -> bool {
        false
    }

    async fn close(&self, _: Vec<()>, _: &Names) -> (DeferredRejections, ()) {
        let mut open = self.open.take_for_good();
        let failure = open.as_mut().and_then(|open| open.failure.take());
        // After a failure the sink is not used again.
        if let (Some(open), None) = (open, &failure) {
            self.open.put(open);
        }
        (DeferredRejections::failed(failure), ())
    }

    async fn complete(&self, _: &DynRuntime, completion: Completion) -> Result<(), AsyncTaskError> {
        match self.open.take_for_good() {
            Some(mut open) if completion.succeeded => open.until(<K as Sink<T>>::poll_close).await,
            // The destructor of a sink is user code.
            open => caught(|| drop(open)),
        }
    }
}

impl<K> Forwarding<K> {
    /// Passes values on, and counts the rows whose last value the sink has taken. Returns false if no more are wanted.
    async fn pass_on<T>(&self, events: Vec<Event<T>>, control: &Control, sent: &mut u64) -> bool
    where
        K: Sink<T, Error: Into<BoxError>>,
    {
        let first = events.first().map_or(0, Event::sequence);
        let Some(mut held) = wanted(control, first, self.open.take()).await else { return false };
        let Some(open) = held.get().filter(|open| open.failure.is_none()) else { return false };
        match open.send_all(events, control, sent).await {
            Ok(is_wanted) => is_wanted,
            Err(error) => {
                open.failure = Some(error);
                // The pipeline fails with the sink's error, and no more rows are wanted.
                control.limit.stop_at(0);
                false
            }
        }
    }
}

impl<K> Open<K> {
    async fn send_all<T>(
        &mut self,
        events: Vec<Event<T>>,
        control: &Control,
        sent: &mut u64,
    ) -> Result<bool, AsyncTaskError>
    where
        K: Sink<T, Error: Into<BoxError>>,
    {
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            let ready = self.until(<K as Sink<T>>::poll_ready);
            let sequence = event.sequence;
            match wanted(control, sequence, ready).await {
                Some(ready) => ready?,
                None => return Ok(false),
            }
            caught(|| self.sink.as_mut().start_send(event.data))?.map_err(AsyncTaskError::failure)?;
            let next = events.as_slice().first();
            *sent += u64::from(next.is_none_or(|next| next.sequence != sequence));
        }
        self.until(<K as Sink<T>>::poll_flush).await?;
        Ok(true)
    }

    /// Polls the sink until it is ready.
    async fn until<E: Into<BoxError>>(&mut self, poll: PollSink<K, E>) -> Result<(), AsyncTaskError> {
        poll_fn(|cx| match caught(|| poll(self.sink.as_mut(), cx)) {
            Ok(polled) => polled.map_err(AsyncTaskError::failure),
            Err(panic) => Poll::Ready(Err(panic)),
        })
        .await
    }
}

/// Waits for `future`, as long as the row at `sequence` is wanted.
async fn wanted<F: Future>(control: &Control, sequence: u64, future: F) -> Option<F::Output> {
    let unwanted = async {
        control.limit.excludes(sequence).await;
        None
    };
    or(async { Some(future.await) }, unwanted).await
}
