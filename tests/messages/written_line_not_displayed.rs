// error: `Vec<u64>` cannot be written as
// error: a line is a `Display`
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.map(|n| vec![n]).write_lines("numbers.txt");
}
