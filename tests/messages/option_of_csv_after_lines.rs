// error: this option is one of CSV, and the source is read as
// error: without these the source is CSV
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::emits::<String>().sender(|sources| {
        sources.of_file("log.txt").lines().with_headers(false).into_chunks(100.lines());
    });
}
