// error: captured by this `Fn` closure
use sweet_async::RestartPolicy;
use sweet_async::prelude::*;

fn main() {
    let text = String::from("text");
    let policy = RestartPolicy { intensity: 1, period: 1.seconds() };
    let _ = AsyncTask::to::<()>().supervise(policy).spawn(move || async move { drop(text) });
}
