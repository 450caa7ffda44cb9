//! Records of 1 GiB, with and without an end.

use std::io::{self, Read};

use crate::library::pipeline::TextSource;

use super::Scale;
use super::system::{mebibytes, peak};
use crate::Flavour;
use crate::kit::prelude::*;
use crate::kit::{Raw, collect_rows};

/// The most memory that one record may add: the limit of 4 MiB, some blocks and their copies.
const BOUND: u64 = 32 << 20;

/// A reader of two rows with one row of any size between or after them.
struct Huge {
    before: &'static [u8],
    /// The bytes of filling that are still to come.
    left: u64,
    after: &'static [u8],
}

impl Read for Huge {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.before.is_empty() {
            return self.before.read(into);
        }
        let n = u64::try_from(into.len()).unwrap_or(u64::MAX).min(self.left) as usize;
        if n == 0 {
            return self.after.read(into);
        }
        if let Some(room) = into.get_mut(..n) {
            room.fill(b'x');
        }
        self.left -= n as u64;
        Ok(n)
    }
}

/// Row 22: each huge record is one rejected row, and the memory stays bounded.
pub(super) fn in_memory(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let bytes = scale.of(1 << 30) as u64;
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let mut grown = Vec::new();
        // The text before the filling, the text after it, the number of sound rows, and the reason for the
        // rejection.
        let tried: [(&[u8], &[u8], usize, &str); 4] = [
            (b"a,1\nb,", b",2\nc,3\n", 2, "larger than the limit"),
            (b"a,1\nb,\"", b"\",2\nc,3\n", 2, "larger than the limit"),
            (b"a,1\nb,\"", b"", 1, "larger than the limit"),
            (b"a,1\nb,\"", b"\n,2\nc,3\n", 1, "larger than the limit"),
        ];
        for (before, after, rows, expected) in tried {
            let start = peak();
            let huge = Huge { before, left: bytes, after };
            let sender = move |source: TextSource<'_, Raw>| source.with_headers(false).into_chunks(64.kib());
            let (found, summary) =
                collect_rows::<Raw, _, _>(&rt, 2, move |sources| sender(sources.of_reader(huge))).await?;
            ensure!(found.len() == rows, "{} rows in place of {rows}", found.len());
            let [error] = summary.errors() else { bail!("{:?}", summary.errors()) };
            ensure!(error.reason().contains(expected), "{error}");
            ensure!((error.position().line(), error.position().byte()) == (Some(2), Some(4)), "{error}");
            if let (Some(start), Some(end)) = (start, peak()) {
                // The kernel's count is inexact by some pages, so that a peak may be less than the one before.
                let growth = end.saturating_sub(start);
                ensure!(growth <= BOUND, "the memory grew by {growth} bytes");
                grown.push(growth);
            }
        }
        Ok(format!("rejected; at most {} more at the peak", mebibytes(grown.into_iter().max())))
    })?
}
