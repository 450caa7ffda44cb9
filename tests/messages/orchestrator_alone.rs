// error: a builder that only selects an orchestrator has no `run`
// error: say how the task is to be run
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work(orchestra: &Orchestrator) {
    let _ = AsyncTask::to::<u32>().orchestrator(orchestra).run(|| async { 1 }).await;
}

fn main() {}
