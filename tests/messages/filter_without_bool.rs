// error: expected `bool`, found `usize`
use sweet_async::prelude::*;

fn main() {
    let names = AsyncTask::emits::<String>().sender(|sources| sources.of([String::new()]).into_chunks(1.items()));
    let _ = names.filter(|name| name.len());
}
