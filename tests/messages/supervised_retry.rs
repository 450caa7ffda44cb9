// error: work with `.retry` cannot be supervised, too
// error: leave out `.retry`
use sweet_async::RestartPolicy;
use sweet_async::prelude::*;

fn main() {
    let policy = RestartPolicy { intensity: 1, period: 1.seconds() };
    let _ = AsyncTask::to::<()>().retry(3).supervise(policy);
}
