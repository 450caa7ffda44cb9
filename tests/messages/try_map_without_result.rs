// error: expected `Result<_, _>`, found `u64`
// error: try wrapping the expression in a variant of `Result`
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.try_map(|n| n + 1);
}
