// error: a receiver does not return this
// error: it is to return `()`, `Result<(), E>`
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u32>().sender(|sources| sources.of(0..3u32).into_chunks(1.items()));
    let _ = numbers.for_each(|event: Event<u32>| event.take_data());
}
