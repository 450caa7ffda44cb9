// error: exists for struct `ForEach<u64
use sweet_async::prelude::*;

// The compiler has the word here. Stages come before the receiver.
fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.for_each(|_: Event<u64>| {}).filter(|n| *n > 1);
}
