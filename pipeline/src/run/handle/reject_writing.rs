//! The writing of rejected rows while a pipeline runs.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;

use async_channel::Receiver;

use crate::output::rejects::{RejectWriter, RejectedRow, Rejects};
use crate::run::read::blocking_call::BlockingCall;
use crate::run::shared::control::Control;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::DynRuntime;

/// The bytes of rows that are written at once, at least.
const BLOCK: usize = 64 << 10;

type Work = Pin<Box<dyn Future<Output = Result<RejectWriter, AsyncTaskError>> + Send>>;

/// The writing of a pipeline's rejected rows; none unless it is asked for.
///
/// # Cancel safety
///
/// Dropped before its end, it leaves no file.
pub(crate) struct RejectWriting(Option<(Work, Receiver<RejectedRow>)>);

impl RejectWriting {
    pub(crate) fn new(
        to: Option<Rejects>,
        rows: Option<Receiver<RejectedRow>>,
        control: &Arc<Control>,
    ) -> Self {
        let work = to.zip(rows).map(|(to, rows)| {
            let work: Work = Box::pin(write_all(to, rows.clone(), control.clone()));
            (work, rows)
        });
        Self(work)
    }

    /// Writes rows as they come. Ends only with an error.
    pub(crate) async fn run<O>(&mut self) -> Result<O, AsyncTaskError> {
        if let Some((work, _)) = &mut self.0 {
            let ended = work.as_mut().await;
            self.0 = None;
            ended?;
        }
        pending().await
    }

    /// Writes the rows that are left, and puts the file in its place. Nothing is rejected any more.
    ///
    /// # Errors
    ///
    /// Those of the destination, and [`AsyncTaskError::Shutdown`] if no thread is available.
    pub(crate) async fn finish(self, runtime: &DynRuntime) -> Result<(), AsyncTaskError> {
        let Some((work, rows)) = self.0 else { return Ok(()) };
        rows.close();
        let writer = work.await?;
        BlockingCall::start(runtime, move || writer.finish())?.await?
    }
}

/// Writes all rows until their channel is closed. Returns the destination, which is still open.
async fn write_all(
    to: Rejects,
    rows: Receiver<RejectedRow>,
    control: Arc<Control>,
) -> Result<RejectWriter, AsyncTaskError> {
    let mut writer = BlockingCall::start(&control.runtime, move || RejectWriter::open(to))?.await??;
    while let Ok(first) = rows.recv().await {
        let (mut bytes, mut block) = (first.size(), vec![first]);
        while bytes < BLOCK
            && let Ok(row) = rows.try_recv()
        {
            bytes += row.size();
            block.push(row);
        }
        let write = move || {
            let written = writer.write(&block);
            (writer, written)
        };
        let (open, written) = BlockingCall::start(&control.runtime, write)?.await?;
        written?;
        writer = open;
        if let Some(queue) = &control.rejects {
            queue.written(bytes);
        }
    }
    Ok(writer)
}
