//! Readers and writers whose use is attributed to the task that uses them.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::metrics::attribution::{begun, operated};

pin_project! {
    /// See [`metered`].
    #[derive(Clone, Debug)]
    pub struct Metered<I> {
        #[pin]
        pub(super) inner: I,
        // When the pending operation began.
        pub(super) reading: Option<Instant>,
        pub(super) writing: Option<Instant>,
    }
}

/// Wraps a reader or writer, of `std::io` or `futures_io`, so that its bytes and operations are
/// attributed to the task that reads or writes: the task that is being polled, or whose blocking work this is. They are in
/// its [`io_usage`](crate::MetricsEnabledTask::io_usage). Outside of a task with metrics this costs one read
/// of a thread-local.
///
/// Wrap the part that calls the system, inside of any buffer: the operations are then those that the system
/// sees. An operation that has to wait lasts from its first poll to its result; the time of one that is given
/// up before counts with the next.
///
/// ```
/// use std::io::Read as _;
/// use sweet_async_core::metrics::metered;
///
/// # fn main() -> std::io::Result<()> {
/// let mut text = String::new();
/// metered("some text".as_bytes()).read_to_string(&mut text)?;
/// # Ok(()) }
/// ```
pub fn metered<I>(inner: I) -> Metered<I> {
    Metered { inner, reading: None, writing: None }
}

impl<I> Metered<I> {
    /// The inner reader or writer.
    pub fn get_ref(&self) -> &I {
        &self.inner
    }

    /// The inner reader or writer. Direct use of it is not counted.
    pub fn get_mut(&mut self) -> &mut I {
        &mut self.inner
    }

    /// Gives back the inner reader or writer.
    pub fn into_inner(self) -> I {
        self.inner
    }
}

/// Records an operation with this `result`, unless the operation is to be tried again.
pub(super) fn record(begun: Option<Instant>, result: &io::Result<usize>, is_read: bool) {
    match result {
        Ok(bytes) => operated(begun, *bytes as u64, is_read),
        Err(error) if is_to_be_tried_again(error) => {}
        Err(_) => operated(begun, 0, is_read),
    }
}

fn is_to_be_tried_again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

impl<I: Read> Read for Metered<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let begun = begun();
        let result = self.inner.read(into);
        record(begun, &result, true);
        result
    }

    fn read_vectored(&mut self, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let begun = begun();
        let result = self.inner.read_vectored(into);
        record(begun, &result, true);
        result
    }
}

impl<I: Write> Write for Metered<I> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let begun = begun();
        let result = self.inner.write(from);
        record(begun, &result, false);
        result
    }

    fn write_vectored(&mut self, from: &[IoSlice<'_>]) -> io::Result<usize> {
        let begun = begun();
        let result = self.inner.write_vectored(from);
        record(begun, &result, false);
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
