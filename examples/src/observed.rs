//! A job to look at: `observe` and the `export_*` examples run it. It computes, allocates, reads and writes, in a few tasks.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sweet_async::metrics::metered;
use sweet_async::prelude::*;
use sweet_async::yield_now;

/// Bytes of the file that is written, and read again.
pub const FILE: u64 = 8 << 20;

/// Bytes at a time.
const BLOCK: usize = 64 << 10;

/// Starts the job; it keeps its file in `folder`.
pub fn start(folder: &Path) -> Task<u64> {
    let path = folder.join("numbers");
    AsyncTask::to::<u64>().name("job").metrics(true).try_spawn(move || async move {
        // What these use, the job has used, too.
        let copy = AsyncTask::to::<u64>().name("copy").metrics(true).spawn(move || write_and_read(&path));
        let sums = AsyncTask::to::<u64>().name("sums").metrics(true).spawn(|| async {
            let mut sum = 0u64;
            for step in 0..200u64 {
                let squares: Vec<u64> = (0..20_000).map(|n| (n * step) ^ (n >> 3)).collect();
                sum = squares.iter().fold(sum, |sum, square| sum.wrapping_add(*square));
                yield_now().await;
            }
            sum
        });
        Ok(copy.await?.wrapping_add(sums.await?))
    })
}

/// Blocks: it runs on the blocking pool, at the charge of its task.
fn write_and_read(path: &Path) -> io::Result<u64> {
    let mut space = vec![7; BLOCK];
    // Inside of any buffer: then its operations are those that the system sees.
    let mut file = metered(File::create(path)?);
    for _ in 0..FILE / BLOCK as u64 {
        file.write_all(&space)?;
    }
    let mut file = metered(File::open(path)?);
    let mut sum = 0;
    loop {
        match file.read(&mut space)? {
            0 => return Ok(sum),
            read => sum += space.iter().take(read).map(|byte| u64::from(*byte)).sum::<u64>(),
        }
    }
}
