//! Promise 2, quiescence: a pipeline dropped at any await leaves nothing alive, and handles no event twice.

use crate::library::pipeline::{Batch, PipelineBuilder, ReceiverStrategy};

use super::sweeps::sweep;
use crate::kit::prelude::*;

type Numbers<R> = PipelineBuilder<usize, R>;

/// Sweeps a pipeline of the eight pieces, with the settings of `set`.
async fn sweep_pipeline<R: Runtime>(rt: &R, set: fn(Numbers<R>) -> Numbers<R>) -> Outcome {
    sweep(rt, 8, |rt, count| {
        Box::pin(async move {
            let builder = set(AsyncTask::emits::<usize>().on(&rt).workers(2));
            let run = builder.sender(|sources| sources.of(0..8usize).into_chunks(3.items()));
            let summary = run.for_each(move |event: Event<usize>| {
                let work = count.clone().work(event.take_data());
                async move {
                    work.await;
                }
            });
            Ok(summary.await?.handled() as u32)
        })
    })
    .await
}

pub async fn a_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep_pipeline(&rt, |builder| builder).await?;
    sweep_pipeline(&rt, PipelineBuilder::sequence).await?;
    sweep_pipeline(&rt, PipelineBuilder::ordered).await?;
    sweep_pipeline(&rt, |builder| builder.event_timeout(1.hours())).await?;
    sweep_pipeline(&rt, |builder| builder.on_error(ErrorStrategy::retry(2))).await?;
    sweep_pipeline(&rt, |builder| builder.receiver_strategy(ReceiverStrategy::Adaptive { min: 1, max: 4 }))
        .await
}

pub async fn a_pipeline_in_batches<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 8, |rt, count| {
        Box::pin(async move {
            let builder = AsyncTask::emits::<usize>().on(&rt).workers(2);
            let run = builder.sender(|sources| sources.of(0..8usize).into_chunks(2.items()));
            let summary = run.batched(3, 1.millis()).for_each(move |batch: Batch<usize>| {
                let count = count.clone();
                async move {
                    for event in batch {
                        count.clone().work(event.take_data()).await;
                    }
                }
            });
            Ok(summary.await?.handled() as u32)
        })
    })
    .await
}

pub async fn a_pipeline_on_the_blocking_pool<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 8, |rt, count| {
        Box::pin(async move {
            let builder = AsyncTask::emits::<usize>().on(&rt).workers(2);
            let run = builder.sender(|sources| sources.of(0..8usize).into_chunks(3.items()));
            let summary = run.for_each(move |event: Event<usize>| {
                count.work_at_once(event.take_data());
            });
            Ok(summary.blocking().await?.handled() as u32)
        })
    })
    .await
}
