// error: captured by this `Fn` closure
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work(text: String) {
    let _ = AsyncTask::to::<()>().scope(|s| async move {
        s.spawn_as(AsyncTask::to::<usize>().retry(3), move || async move { text.len() });
        Ok(())
    });
}

fn main() {}
