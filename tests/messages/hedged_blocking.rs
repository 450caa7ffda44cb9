// error: is not a future
// error: with `.hedge`, always a future
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::to::<u32>().hedge(Hedge::after(5.millis())).spawn(|| 5);
}
