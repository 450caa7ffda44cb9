// error: `Person` cannot be written as `Csv`
// error: a row of CSV and a JSON value are `serde::Serialize`
use sweet_async::prelude::*;

struct Person;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.map(|_| Person).write_csv("people.csv");
}
