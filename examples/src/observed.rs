//! A job to observe. `observe` and the `export_*` examples run it. It computes, allocates, reads and writes,
//! in a few tasks.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sweet_async::metrics::metered;
use sweet_async::prelude::*;
use sweet_async::yield_now;

/// Bytes of the file, which is written and then read.
pub const FILE_BYTES: u64 = 8 << 20;

/// Bytes of one read or write.
const BLOCK_BYTES: usize = 64 << 10;

/// Starts the job, which keeps its file in `folder`.
pub fn start(folder: &Path) -> Task<u64> {
    let path = folder.join("numbers");
    AsyncTask::to::<u64>().name("job").metrics(true).try_spawn(move || async move {
        // The usage of these two is part of the job's usage.
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

/// Blocks. It runs on the blocking pool, and its usage counts for its task.
fn write_and_read(path: &Path) -> io::Result<u64> {
    let mut buffer = vec![7; BLOCK_BYTES];
    // Metered inside of any buffer, so that the operations are those that the system sees.
    let mut file = metered(File::create(path)?);
    for _ in 0..FILE_BYTES / BLOCK_BYTES as u64 {
        file.write_all(&buffer)?;
    }
    let mut file = metered(File::open(path)?);
    let mut sum = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sum),
            read => sum += buffer.iter().take(read).map(|byte| u64::from(*byte)).sum::<u64>(),
        }
    }
}
