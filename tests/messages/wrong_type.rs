// error: this work does not give a `u32`
// error: it is to return `u32`, `Result<u32, E>`
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::to::<u32>().run(|| async { "text" });
}
