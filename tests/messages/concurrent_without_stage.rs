// error: no method named `concurrent` found for struct `PipelineSender<u64
// error: the method was found for
use sweet_async::prelude::*;

// The compiler has the word here. `concurrent` comes after a stage, and is for those that are awaited.
fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.concurrent(8);
}
