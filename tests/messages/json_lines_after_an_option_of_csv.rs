// error: already: it cannot have a second format
// error: the format was decided before
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::emits::<String>().sender(|sources| {
        sources.of_file("log.jsonl").with_delimiter(Delimiter::Tab).json_lines().into_chunks(100.lines());
    });
}
