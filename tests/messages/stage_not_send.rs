// error: `Rc<u64>` cannot be sent between threads safely
use std::rc::Rc;

use sweet_async::prelude::*;

fn main() {
    let local = Rc::new(1);
    let numbers = AsyncTask::emits::<u64>().sender(|sources| sources.of(0..3u64).into_chunks(1.items()));
    let _ = numbers.map(move |n| n + *local);
}
