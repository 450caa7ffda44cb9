// error: captured by this `Fn` closure
// error: consider cloning the value before moving it into the closure
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work(text: String) {
    let _ = AsyncTask::to::<usize>().retry(3).spawn(move || async move { text.len() }).await;
}

fn main() {}
