// error: the trait bound `NoError: Into<Box<
// error: the trait `std::error::Error` is not implemented for `NoError`
use sweet_async::prelude::*;

struct NoError;

fn main() {
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.try_map(|n| if n > 0 { Ok(n) } else { Err(NoError) });
}
