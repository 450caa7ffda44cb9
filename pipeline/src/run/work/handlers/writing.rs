//! The handler that writes rows to a file.
//!
//! Each worker makes text of its rows, without the others. Text goes to the file in turn: the worker whose
//! text makes a block full writes the block on the blocking pool, as a job of its own, and the others wait.
//! So the memory is bounded by a block for each worker and one for the file, and rows of one chunk stay
//! together.

use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::output::encoder::Encoder;
use crate::output::rows::{RowFormat, RowText, Shape};
use crate::output::target::Target;
use crate::run::read::blocking_call::BlockingCall;
use crate::run::shared::in_turn::InTurn;
use crate::run::work::completion::Completion;
use crate::run::work::feed::Feed;
use crate::run::work::handlers::handler::Handler;
use crate::run::work::slot::StateSlot;
use crate::source::compression::codec::{Codec, Compression};
use crate::stage::chain::{Chain, MORE};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::DynRuntime;

/// The bytes of one write: enough to make a hop to the blocking pool negligible, few enough to be held for
/// each worker.
const BLOCK: usize = 128 << 10;

/// Writes the rows of all workers to one file, in the format `W`.
pub(crate) struct Writing<W> {
    file: OutputFile,
    format: PhantomData<fn() -> W>,
}

impl<W> Writing<W> {
    pub(crate) fn new(path: PathBuf, compression: Compression) -> Self {
        let file = OutputFile { path, compression, open: InTurn::empty() };
        Self { file, format: PhantomData }
    }
}

impl<T, W> Handler<T> for Writing<W>
where
    T: Send + 'static,
    W: RowFormat<T>,
{
    type Local = W::Text;
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<W::Text> {
        workers.iter().map(|_| W::Text::default()).collect()
    }

    async fn begin(&self, runtime: &DynRuntime) -> Result<(), AsyncTaskError> {
        self.file.open(runtime).await
    }

    async fn handle<X: Chain<Out = T>>(&self, slot: &StateSlot<W::Text>, feed: &mut Feed<'_, X>) -> bool {
        loop {
            // A row that fails after its first value is to leave nothing in the file.
            let more = match X::HAS_STAGES {
                true => feed.whole_rows(|events| add_all(slot, events)).await,
                false => add_each(slot, feed),
            };
            feed.state().rest().await;
            let due = slot.with(|text| {
                let text =
                    text.as_mut().filter(|text| text.bytes() > 0 && (!more || text.bytes() >= BLOCK))?;
                Some((text.take(), text.shape().cloned()))
            });
            if let Some((rows, shape)) = due {
                let control = feed.state().control.clone();
                if !self.file.append(&control.runtime, rows, shape).await {
                    // The pipeline fails with the file's error, and no more rows are wanted.
                    control.limit.stop_at(0);
                    return false;
                }
            }
            if !more {
                return false;
            }
        }
    }

    /// A row is in the file once the file is in its place.
    fn is_final(&self) -> bool {
        false
    }

    fn can_retry(&self) -> bool {
        false
    }

    async fn close(&self, _: Vec<W::Text>, _: &Names) -> (DeferredRejections, ()) {
        (DeferredRejections::failed(self.file.failure()), ())
    }

    async fn complete(&self, runtime: &DynRuntime, completion: Completion) -> Result<(), AsyncTaskError> {
        self.file.finish(runtime, completion.succeeded).await
    }
}

/// Adds the values of rows that have one each, until a slice is full. Returns true if there may be more.
fn add_each<X: Chain, W: RowText<X::Out>>(slot: &StateSlot<W>, feed: &mut Feed<'_, X>) -> bool {
    slot.with(|text| {
        let text = text.get_or_insert_default();
        let add = |(), event: Event<X::Out>| text.add(&event.data).map(|()| MORE);
        feed.slice(|| (), add, |_| ()).unwrap_or(false)
    })
}

/// Adds all values of a row, or none of them.
fn add_all<T, W: RowText<T>>(slot: &StateSlot<W>, events: &mut [Event<T>]) -> Result<(), AsyncTaskError> {
    slot.with(|text| {
        let text = text.get_or_insert_default();
        let before = text.mark();
        let added = caught(|| events.iter().try_for_each(|event| text.add(&event.data)));
        let added = added.and_then(|added| added);
        if added.is_err() {
            text.undo(before);
        }
        added
    })
}

/// The file, and the rows that wait to be written.
struct OutputFile {
    path: PathBuf,
    compression: Compression,
    /// Empty before the file is opened.
    open: InTurn<Open>,
}

struct Open {
    /// `None` while a write is under way, and after one that failed.
    encoder: Option<Encoder>,
    /// The text that is not written yet: less than a block.
    text: Vec<u8>,
    /// Set once there are rows that have a shape.
    shape: Option<Shape>,
    failure: Option<AsyncTaskError>,
}

impl OutputFile {
    async fn open(&self, runtime: &DynRuntime) -> Result<(), AsyncTaskError> {
        let codec = self.codec()?;
        let path = self.path.clone();
        let created = BlockingCall::start(runtime, move || Target::create(&path))?.await?;
        let target = created.map_err(|error| self.failed("creating", error))?;
        let encoder = Some(Encoder::new(target, codec));
        self.open.put(Open { encoder, text: Vec::new(), shape: None, failure: None });
        Ok(())
    }

    fn codec(&self) -> Result<Option<Codec>, AsyncTaskError> {
        self.compression.codec(Some(&self.path))
    }

    /// Adds rows, and writes a block if there is one. Returns false once the file has failed.
    async fn append(&self, runtime: &DynRuntime, rows: Vec<u8>, shape: Option<Shape>) -> bool {
        let mut held = self.open.take().await;
        let Some(open) = held.get() else { return false };
        if open.failure.is_some() {
            return false;
        }
        if let Err(error) = self.add(open, rows, shape, runtime).await {
            open.failure = Some(error);
            return false;
        }
        true
    }

    async fn add(
        &self,
        open: &mut Open,
        mut rows: Vec<u8>,
        shape: Option<Shape>,
        runtime: &DynRuntime,
    ) -> Result<(), AsyncTaskError> {
        match (&open.shape, shape) {
            (None, Some(shape)) => {
                open.text.extend_from_slice(&shape.header);
                open.shape = Some(shape);
            }
            (Some(first), Some(shape)) if *first != shape => {
                let error =
                    io::Error::new(io::ErrorKind::InvalidData, "its rows do not all have the same columns");
                return Err(self.failed("writing", error));
            }
            _ => {}
        }
        match open.text.is_empty() {
            true => open.text = rows,
            false => open.text.append(&mut rows),
        }
        if open.text.len() < BLOCK {
            return Ok(());
        }
        let Some(mut encoder) = open.encoder.take() else { return Err(LOST) };
        let text = std::mem::take(&mut open.text);
        let write = move || {
            let written = encoder.write_all(&text);
            // A file that has failed is removed on this thread.
            written.map(|()| encoder)
        };
        let written = BlockingCall::start(runtime, write)?.await?;
        open.encoder = Some(written.map_err(|error| self.failed("writing", error))?);
        Ok(())
    }

    /// The error of the file, if it has failed. Called after all workers have ended.
    fn failure(&self) -> Option<AsyncTaskError> {
        let mut open = self.open.take_for_good()?;
        let failure = open.failure.take();
        if failure.is_none() {
            self.open.put(open);
        }
        failure
    }

    /// Writes the rest, and puts the file in its place; or removes it, if the pipeline has failed.
    async fn finish(&self, runtime: &DynRuntime, succeeded: bool) -> Result<(), AsyncTaskError> {
        let open = self.open.take_for_good();
        if !succeeded {
            return BlockingCall::start(runtime, move || drop(open))?.await;
        }
        let Some(Open { encoder: Some(mut encoder), text, .. }) = open else { return Err(LOST) };
        let given_up = Arc::new(AtomicBool::new(false));
        // Where the time limit passes meanwhile, the pipeline has failed, and the older file is to stay.
        let _give_up = GiveUpOnDrop(given_up.clone());
        let commit = move || {
            encoder.write_all(&text)?;
            encoder.commit(|| !given_up.load(Ordering::Acquire))
        };
        let committed = BlockingCall::start(runtime, commit)?.await?;
        committed.map_err(|error| self.failed("writing", error))
    }

    fn failed(&self, doing: &str, error: io::Error) -> AsyncTaskError {
        AsyncTaskError::Io { context: format!("{doing} {}", self.path.display()).into(), error }
    }
}

/// Notes the end of the wait for a job.
struct GiveUpOnDrop(Arc<AtomicBool>);

impl Drop for GiveUpOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The worker that was writing has ended in between.
const LOST: AsyncTaskError =
    AsyncTaskError::InvalidState("the file that is written was dropped with its worker");
