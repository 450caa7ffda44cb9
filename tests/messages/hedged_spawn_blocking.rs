// error: this work does not fit the policies of its builder
// error: with `.hedge`, work must be asynchronous
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::to::<u32>().hedge(Hedge::after(5.millis())).spawn_blocking(|| 5);
}
