// error: `&'static str` cannot be read from a row of CSV
// error: a type that borrows from its row: take `Row`, and read it with `Row::deserialize`
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::emits::<&'static str>()
        .sender(|sources| sources.of_file("people.csv").into_chunks(100.rows()))
        .for_each(|_: Event<&'static str>| {});
}
