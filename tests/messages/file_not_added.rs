// error: a sender closure returns `()`, and this one a 
use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::emits::<u32>()
        .sender(|sources| sources.of_file("numbers.txt").lines())
        .for_each(|_: Event<u32>| {});
}
