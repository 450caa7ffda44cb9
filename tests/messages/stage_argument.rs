// error: type mismatch in closure arguments
// error: consider adjusting the signature so it does not borrow its argument
use sweet_async::prelude::*;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.map(|n: &u64| n + 1);
}
