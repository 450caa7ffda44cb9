// error: cannot be sent between threads safely
use std::rc::Rc;

use sweet_async::prelude::*;

fn main() {
    let local = Rc::new(1);
    let _ = AsyncTask::to::<u32>().run(move || *local);
}
