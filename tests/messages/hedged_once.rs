// error: captured by this `Fn` closure
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work(text: String) {
    let hedge = Hedge::after(5.millis());
    let _ = AsyncTask::to::<usize>().hedge(hedge).spawn(move || async move { text.len() }).await;
}

fn main() {}
