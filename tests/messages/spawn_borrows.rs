// error: may outlive the current function, but it borrows `text`
// error: use the `move` keyword
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work(text: String) {
    let _ = AsyncTask::to::<usize>().spawn(|| async { text.len() }).await;
}

fn main() {}
