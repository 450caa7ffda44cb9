// error: it borrows `text`
use sweet_async::prelude::*;

fn main() {
    let text = String::from("text");
    let _ = AsyncTask::to::<usize>().run(|| text.len());
}
