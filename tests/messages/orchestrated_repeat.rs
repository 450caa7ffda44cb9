// error: no method named `repeat` found
use sweet_async::prelude::*;

#[allow(dead_code)]
fn work(orchestra: &Orchestrator) {
    let _ = AsyncTask::to::<u32>().orchestrator(orchestra).name("a").repeat(Schedule::every(1.seconds()));
}

fn main() {}
