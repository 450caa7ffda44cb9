// error: `Person` cannot be read from a row of CSV
// error: derive `serde::Deserialize` for it, implement `FromRow`, or take `Row`
use sweet_async::prelude::*;

#[allow(dead_code)]
struct Person(u32);

fn main() {
    let _ = AsyncTask::emits::<Person>()
        .sender(|sources| sources.of_file("people.csv").into_chunks(100.rows()))
        .for_each(|_: Event<Person>| {});
}
