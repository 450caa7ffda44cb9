// error: no stage can follow `key_by`
// error: `key_by` comes after all stages
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.key_by(|n| *n).map(|n| n + 1);
}
