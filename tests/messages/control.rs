//! Must compile: where this fails, the others fail for a reason of no interest here.

use sweet_async::prelude::*;
use sweet_async::pipeline::BoxedPipeline;
use sweet_async::{Ambient, RestartPolicy, all};

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
    let rows: i64 = 100;
    let texts = AsyncTask::emits::<String>()
        .timeout(60.seconds())
        .with_timeout(60.seconds())
        .sender(move |sources| sources.of([String::new()]).into_chunks(rows.rows()));
    let parse = |event: Event<String>| {
        event.take_data().parse::<u32>()?;
        Ok(())
    };
    texts.clone().try_for_each(parse).await?;
    let parse = |event: Event<String>| async move {
        event.take_data().parse::<u32>()?;
        Ok(())
    };
    texts.try_for_each(parse).await?;
    let lines = AsyncTask::emits::<String>()
        .sender(|sources| sources.of_bytes("1\n").lines().into_chunks(100.lines()));
    lines
        .clone()
        .filter(|line| !line.is_empty())
        .try_map(|line| line.parse::<u64>())
        .map_async(|number| async move { number + 1 })
        .concurrent(8)
        .flat_map(|number| [number, number])
        .key_by(|number| *number)
        .for_each(|_: Event<u64>| {})
        .await?;
    lines.map(|line| (line,)).write_csv("lines.csv").await?;
    squares(10).await_final_event(|event, collector| event.map(|_| collector.len())).await?;
    Ok(())
}

fn squares(most: u64) -> BoxedPipeline<Ambient, u64, u64> {
    AsyncTask::emits::<u64>()
        .sender(move |sources| sources.of(0..most).into_chunks(100.items()))
        .receiver(|event, collector| collector.collect(*event.data(), event.data().pow(2)))
        .boxed()
}

fn main() {}
