// error: a pipeline does nothing until its end is awaited
#![deny(unused_must_use)]
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    numbers.map(|n| n + 1);
}
