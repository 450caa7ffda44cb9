// error: not general enough
use sweet_async::prelude::*;

// The compiler has the word here. `Row`, read with `Row::deserialize`, is what to take: `FromRow` says so.
fn main() {
    let _ = AsyncTask::emits::<&'static str>()
        .sender(|sources| sources.of_file("people.csv").into_chunks(100.rows()))
        .for_each(|_: Event<&'static str>| {});
}
