// error: cannot assign to `count`, as it is a captured variable in a `Fn` closure
use sweet_async::prelude::*;

fn main() {
    let mut count = 0;
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.inspect(move |_| count += 1);
}
