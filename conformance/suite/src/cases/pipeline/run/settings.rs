//! Pipelines, settings: an invalid setting is refused at the start, with its reason.
//! A file that cannot be read is an error with its path.

use crate::library::pipeline::{PipelineBuilder, Sources};

use crate::kit::Sender;
use crate::kit::prelude::*;

type Numbers<R> = PipelineBuilder<u64, R>;

fn numbers<R: Runtime>(rt: &R) -> Numbers<R> {
    AsyncTask::emits::<u64>().on(rt)
}

async fn refused<R: Runtime>(
    builder: Numbers<R>,
    sender: impl FnOnce(&mut Sources<u64>) + Send + 'static,
) -> Result<String, Failure> {
    is_refused(builder, Box::new(sender)).await
}

async fn is_refused<R: Runtime>(builder: Numbers<R>, sender: Sender<u64>) -> Result<String, Failure> {
    match failed(builder.sender(sender).for_each(|_: Event<u64>| {}).await)? {
        AsyncTaskError::InvalidConfig(reason) => Ok(reason.into()),
        other => bail!("not a refused setting: {other:?}"),
    }
}

pub async fn zero_workers_and_zero_queue_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reason = refused(numbers(&rt).workers(0), |sources| sources.of([1]).into_chunks(1.items())).await?;
    ensure!(reason.contains("worker"), "{reason}");
    let reason = refused(numbers(&rt).queue(0), |sources| sources.of([1]).into_chunks(1.items())).await?;
    ensure!(reason.contains("queue"), "{reason}");
    Ok(())
}

pub async fn an_empty_chunk_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for size in [0.rows(), 0.items(), 0.bytes(), 0.kib(), (-1).rows()] {
        let reason = refused(numbers(&rt), move |sources| sources.of([1]).into_chunks(size)).await?;
        ensure!(reason.contains("chunk"), "{reason}");
        refused(numbers(&rt), move |sources| sources.of_bytes("1").lines().into_chunks(size)).await?;
        refused(numbers(&rt), move |sources| sources.of_bytes("1").into_chunks(size)).await?;
    }
    Ok(())
}

pub async fn a_sender_that_names_no_source_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reason = refused(numbers(&rt), |_| {}).await?;
    ensure!(reason.contains("no source"), "{reason}");
    Ok(())
}

pub async fn an_empty_list_of_files_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reason = refused(numbers(&rt), |sources| {
        sources.of_files(std::iter::empty::<&str>()).into_chunks(1.rows());
    })
    .await?;
    ensure!(reason.contains("no file"), "{reason}");
    Ok(())
}

pub async fn a_channel_without_room_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for capacity in [0, usize::MAX] {
        let reason = refused(numbers(&rt), move |sources| {
            let events = sources.channel(capacity);
            drop(events);
        })
        .await?;
        ensure!(reason.contains("channel"), "{reason}");
    }
    Ok(())
}

pub async fn sender_strategies_of_zero_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    use crate::library::pipeline::SenderStrategy::{Adaptive, Batched, Parallel};
    for (strategy, named) in [
        (Parallel { sources: 0 }, "source"),
        (Batched { size: 0, delay: 1.seconds() }, "size"),
        (Batched { size: 1, delay: Duration::ZERO }, "delay"),
        (Adaptive { min: 0, max: 3 }, "Adaptive"),
        (Adaptive { min: 3, max: 2 }, "Adaptive"),
    ] {
        let builder = numbers(&rt).sender_strategy(strategy);
        let reason = refused(builder, |sources| sources.of([1]).into_chunks(1.items())).await?;
        ensure!(reason.contains(named), "{reason}");
    }
    refused(numbers(&rt).with_concurrency(0), |sources| sources.of([1]).into_chunks(1.items())).await?;
    Ok(())
}

pub async fn a_rate_of_zero_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (events, per) in [(0, 1.seconds()), (1, Duration::ZERO)] {
        let builder = numbers(&rt).rate_limit(events, per);
        let reason = refused(builder, |sources| sources.of([1]).into_chunks(1.items())).await?;
        ensure!(reason.contains("rate"), "{reason}");
    }
    Ok(())
}

pub async fn delimiters_that_cannot_work_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for bad in ['é', '\n', '\r', '"'] {
        let delimiter = Delimiter::Custom(bad);
        refused(numbers(&rt), move |sources| {
            sources.of_bytes("1").with_delimiter(delimiter).into_chunks(1.rows());
        })
        .await
        .with_context(|| format!("{bad:?}"))?;
    }
    Ok(())
}

pub async fn a_record_limit_of_zero_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    refused(numbers(&rt), |sources| sources.of_bytes("1").with_max_record(0).into_chunks(1.rows())).await?;
    Ok(())
}

pub async fn a_refused_pipeline_calls_no_receiver<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let touched = Latch::new();
    let touch = touched.clone();
    let error = numbers(&rt)
        .workers(0)
        .sender(|sources| sources.of([1]).into_chunks(1.items()))
        .receiver(move |_: Event<u64>, _: Collector<u64, u64>| touch.set())
        .await_final_event(|event, collector| (event.err(), collector.is_empty()))
        .await;
    ensure!(matches!(error, (Some(AsyncTaskError::InvalidConfig(_)), true)));
    ensure!(!touched.is_set());
    Ok(())
}

async fn unreadable<R: Runtime>(
    rt: &R,
    path: impl Into<std::path::PathBuf>,
) -> Result<(String, std::io::ErrorKind), Failure> {
    let path = path.into();
    let run = numbers(rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_file(path).into_chunks(1.rows()))
        .for_each(|_: Event<u64>| {});
    let error = failed(run.await)?;
    let text = error.to_string();
    match error {
        AsyncTaskError::Io { error, .. } => Ok((text, error.kind())),
        other => bail!("not an I/O error: {other:?}"),
    }
}

pub async fn a_missing_file_is_an_error_with_its_path<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let (text, kind) = unreadable(&rt, folder.path().join("missing.csv")).await?;
    ensure!(kind == std::io::ErrorKind::NotFound);
    ensure!(text.contains("missing.csv"), "{text}");
    Ok(())
}

pub async fn a_directory_is_an_error_with_its_path<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("folder.csv");
    std::fs::create_dir(&path)?;
    let (text, _) = unreadable(&rt, path).await?;
    ensure!(text.contains("folder.csv"), "{text}");
    Ok(())
}

pub async fn an_unreadable_header_is_an_error_with_its_position<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let run = numbers(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of_bytes(&b"id,n\xffme\n1,2\n"[..]).into_chunks(1.rows()))
        .for_each(|_: Event<u64>| {});
    let text = failed(run.await)?.to_string();
    ensure!(text.contains("header") && text.contains("line 1"), "{text}");
    Ok(())
}
