// error: a sender closure returns `()`, and this one a 
// error: a source is added by `into_chunks`: end with it, such as `.into_chunks(100.rows())`
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::emits::<u32>().sender(|sources| sources.of(0..3u32)).for_each(|_: Event<u32>| {});
}
