// error: cannot be sent between threads safely
use std::rc::Rc;

use sweet_async::prelude::*;

fn main() {
    let _ = AsyncTask::to::<u32>().spawn(|| async {
        let local = Rc::new(1);
        sweet_async::yield_now().await;
        *local
    });
}
