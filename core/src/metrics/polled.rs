//! Metered readers and writers of `futures_io`: the counterpart of `io` for those that are polled.

use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};

use crate::metrics::attribution::begun;
use crate::metrics::io::{Metered, record};

/// Polls an operation; `since` is when it began, if it has been polled before.
fn operate(
    since: &mut Option<Instant>,
    is_read: bool,
    poll: impl FnOnce() -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let began = since.or_else(begun);
    let polled = poll();
    *since = match &polled {
        Poll::Pending => began,
        Poll::Ready(result) => {
            record(began, result, is_read);
            None
        }
    };
    polled
}

impl<I: AsyncRead> AsyncRead for Metered<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        operate(this.reading, true, || this.inner.poll_read(cx, into))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        operate(this.reading, true, || this.inner.poll_read_vectored(cx, into))
    }
}

impl<I: AsyncWrite> AsyncWrite for Metered<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        operate(this.writing, false, || this.inner.poll_write(cx, from))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        operate(this.writing, false, || this.inner.poll_write_vectored(cx, from))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_close(cx)
    }
}
