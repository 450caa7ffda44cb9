// error: cannot be shared between threads safely
use std::cell::Cell;

use sweet_async::prelude::*;

fn main() {
    let calls = Cell::new(0);
    let _ = AsyncTask::to::<u32>().retry(3).spawn(move || {
        calls.set(calls.get() + 1);
        let call = calls.get();
        async move { call }
    });
}
