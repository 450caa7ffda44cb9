// error: expected closure signature `fn(sweet_async::prelude::Event<String>)
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.map(|n| n.to_string()).for_each(|_: Event<u64>| {});
}
