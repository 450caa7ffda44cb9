// error: returning this value requires that
use sweet_async::prelude::*;

// The compiler has the word here. `filter_async` says that its future cannot borrow the value: `let n = *n` before
// the async block copies it.
fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.filter_async(|n| async move { *n > 1 });
}
