// error: expected closure signature `fn(sweet_async::prelude::Event<{async block@
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.map(|n| async move { n + 1 }).for_each(|_: Event<u64>| {});
}
