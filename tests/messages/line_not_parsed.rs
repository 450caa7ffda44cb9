// error: `Person: FromStr`
use sweet_async::prelude::*;

#[allow(dead_code)]
struct Person(u32);

fn main() {
    let _ = AsyncTask::emits::<Person>()
        .sender(|sources| sources.of_file("people.txt").lines().into_chunks(100.lines()))
        .for_each(|_: Event<Person>| {});
}
