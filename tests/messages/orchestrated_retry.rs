// error: captured by this `Fn` closure
use sweet_async::prelude::*;

#[allow(dead_code)]
fn work(orchestra: &Orchestrator, text: String) {
    let _ = orchestra.register_task("a", AsyncTask::to::<usize>().retry(3), move || async move { text.len() });
}

fn main() {}
