//! Must compile: where this fails, the others fail for a reason of no interest here.

use sweet_async::prelude::*;
use sweet_async::{RestartPolicy, all};

#[allow(dead_code)]
async fn work() -> Result<(), AsyncTaskError> {
    let text = String::from("text");
    let length = AsyncTask::to::<usize>().run(|| async { text.len() }).await?;
    let parsed = AsyncTask::to::<u32>().try_run(|| async { Ok("5".parse::<u32>()?) }).await?;
    let task = AsyncTask::to::<usize>().spawn(move || async move { text.len() });
    task.on_cancel(|| ())?;
    let policy = RestartPolicy { intensity: 1, period: 1.seconds() };
    let again = AsyncTask::to::<usize>().supervise(policy).spawn(move || async move { length });
    let lengths = all([task, again]).await?;
    let sum = AsyncTask::to::<usize>().inline().run(|| lengths.iter().sum::<usize>()).await?;
    assert!(sum > parsed as usize);
    Ok(())
}

fn main() {}
