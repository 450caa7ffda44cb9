//! Readers and writers that are charged to the task that uses them.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::metrics::charge::{begun, operated};

pin_project! {
    /// See [`metered`].
    #[derive(Clone, Debug)]
    pub struct Metered<I> {
        #[pin]
        pub(super) inner: I,
        // When the operation that is waited for began.
        pub(super) reading: Option<Instant>,
        pub(super) writing: Option<Instant>,
    }
}

/// A reader or writer, of `std` or polled, whose bytes and operations are charged to the task that reads or writes, in its
/// [`io_usage`](crate::MetricsEnabledTask::io_usage): the one that is polled, or whose blocking work this is. Outside of a
/// task with metrics it costs a look at a thread-local.
///
/// Wrap what the system is asked through, inside of any buffer: then operations are those that the system sees. One that
/// has to wait lasts from its first poll to its answer; one that is given up before counts with the next.
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
    /// What is inside.
    pub fn get_ref(&self) -> &I {
        &self.inner
    }

    /// What is inside. What is done with it directly is not counted.
    pub fn get_mut(&mut self) -> &mut I {
        &mut self.inner
    }

    /// What is inside.
    pub fn into_inner(self) -> I {
        self.inner
    }
}

/// Charges for `result`, unless it says that the operation is to be tried again.
pub(super) fn charge(begun: Option<Instant>, result: &io::Result<usize>, is_read: bool) {
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
        charge(begun, &result, true);
        result
    }

    fn read_vectored(&mut self, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let begun = begun();
        let result = self.inner.read_vectored(into);
        charge(begun, &result, true);
        result
    }
}

impl<I: Write> Write for Metered<I> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let begun = begun();
        let result = self.inner.write(from);
        charge(begun, &result, false);
        result
    }

    fn write_vectored(&mut self, from: &[IoSlice<'_>]) -> io::Result<usize> {
        let begun = begun();
        let result = self.inner.write_vectored(from);
        charge(begun, &result, false);
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
