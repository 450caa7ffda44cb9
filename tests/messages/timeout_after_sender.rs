// error: `timeout`
// error: PipelineSender
use sweet_async::prelude::*;

// The compiler has the word here. A limit is an option of the pipeline: it is said before `sender`.
fn main() {
    let _ = AsyncTask::emits::<u32>()
        .sender(|sources| sources.of(0..3u32).into_chunks(1.items()))
        .timeout(60.seconds())
        .for_each(|_: Event<u32>| {});
}
