// error: cannot be called on `Pipeline<u64
use sweet_async::prelude::*;

// The compiler has the word here. Stages come before the receiver.
fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.receiver(|event: Event<u64>, collector| collector.collect(event.sequence(), 1)).map(|n| n + 1);
}
