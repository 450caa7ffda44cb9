// error: this work does not give a `u32`
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::to::<u32>().spawn(|| "5".parse::<i64>());
}
