// error: already: it cannot have a second format
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::emits::<String>().sender(|sources| {
        sources.of_file("log.txt").lines().csv().into_chunks(100.lines());
    });
}
