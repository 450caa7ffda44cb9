// error: the trait bound `f64: Hash` is not satisfied
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.map(|n| n as f64).key_by(|n| *n);
}
