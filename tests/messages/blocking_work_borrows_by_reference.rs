// error: `text` does not live long enough
use sweet_async::prelude::*;

fn main() {
    let text = String::from("text");
    let part = text.as_str();
    let _ = AsyncTask::to::<usize>().run(move || part.len());
}
