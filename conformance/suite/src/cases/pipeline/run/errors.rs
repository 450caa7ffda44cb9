//! Pipelines, errors: the first rejected row in source order ends it, or each is counted and the first kept.

use std::fmt;

use crate::kit::prelude::*;
use crate::kit::{Person, explode};

#[derive(Debug)]
struct Refused(u64);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused {}", self.0)
    }
}

impl std::error::Error for Refused {}

fn refuse(event: &Event<u64>, bad: &[u64]) -> Result<(), Refused> {
    if bad.contains(event.data()) { Err(Refused(*event.data())) } else { Ok(()) }
}

/// Returns a thousand numbers, one a line, with text that is no number for those in `bad`.
fn numbers(bad: &[u64]) -> String {
    (0..1_000).map(|n| if bad.contains(&n) { format!("x{n}\n") } else { format!("{n}\n") }).collect()
}

pub async fn stop_on_first_reports_the_first_bad_row_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = numbers(&[10, 500]);
    for round in 0..40 {
        let text = text.clone();
        let error = failed(
            AsyncTask::emits::<u64>()
                .on(&rt)
                .workers(1 + round % 4)
                .sender(move |sources| sources.of_bytes(text).lines().into_chunks(1.lines()))
                .for_each(|_: Event<u64>| {})
                .await,
        )?;
        let AsyncTaskError::Parse { position, .. } = &error else { bail!("not a parse error: {error:?}") };
        ensure!(position.line() == Some(11), "round {round}: {error}");
    }
    Ok(())
}

pub async fn stop_on_first_reports_the_first_refused_event<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The later event is refused first for certain: the earlier one waits for that.
    for _ in 0..10 {
        let later = Latch::new();
        let error = failed(
            AsyncTask::emits::<u64>()
                .on(&rt)
                .workers(4)
                .sender(|sources| sources.of(0..4u64).into_chunks(1.items()))
                .for_each(move |event: Event<u64>| {
                    let later = later.clone();
                    async move {
                        let number = event.take_data();
                        match number {
                            1 => later.wait().await,
                            3 => later.set(),
                            _ => return Ok(()),
                        }
                        Err(Refused(number))
                    }
                })
                .await,
        )?;
        ensure!(error.downcast_ref::<Refused>().map(|refused| refused.0) == Some(1), "{error:?}");
    }
    Ok(())
}

pub async fn the_receivers_error_can_be_downcast<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in 1..=4 {
        let builder = || {
            AsyncTask::emits::<u64>()
                .on(&rt)
                .workers(workers)
                .sender(|sources| sources.of(0..1_000u64).into_chunks(1.items()))
        };
        let error = failed(builder().for_each(|event: Event<u64>| refuse(&event, &[10, 500])).await)?;
        ensure!(error.downcast_ref::<Refused>().map(|refused| refused.0) == Some(10), "{error:?}");
        let asynchronous = builder().for_each(|event: Event<u64>| async move {
            yield_now().await;
            refuse(&event, &[10, 500])
        });
        let error = failed(asynchronous.await)?;
        ensure!(matches!(error.downcast::<Refused>(), Ok(Refused(10))));
    }
    Ok(())
}

pub async fn continue_counts_exactly_and_keeps_the_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let bad: Vec<u64> = (0..1_000).filter(|n| n % 9 == 4).collect();
    let text = numbers(&bad);
    for (workers, max) in [(1, 10), (2, 10), (4, 10), (4, 0), (4, 1_000)] {
        let text = text.clone();
        let due = text.clone();
        let summary = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .on_error(ErrorStrategy::ContinueOnError)
            .max_errors(max)
            .sender(move |sources| sources.of_bytes(text).lines().into_chunks(7.lines()))
            .for_each(|_: Event<u64>| {})
            .await?;
        ensure!(summary.rejected() == bad.len() as u64);
        ensure!((summary.read(), summary.handled()) == (1_000, 1_000 - bad.len() as u64));
        ensure!(summary.errors().len() == max.min(bad.len()));
        for (error, n) in summary.errors().iter().zip(&bad) {
            let byte = due.find(&format!("x{n}\n")).context("the row is there")? as u64;
            ensure!(error.sequence() == *n);
            ensure!((error.position().line(), error.position().byte()) == (Some(n + 1), Some(byte)));
            ensure!(error.reason() == "invalid digit found in string", "{}", error.reason());
            ensure!(error.source_name() == "bytes");
            ensure!(matches!(error.error(), AsyncTaskError::Parse { .. }));
            ensure!(error.to_string().contains(&format!("line {}", n + 1)), "{error}");
        }
    }
    Ok(())
}

pub async fn a_bad_field_is_named<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "id,name\n1,Ada\nx,Bad\n3,Grace\n";
    let summary = AsyncTask::emits::<Person>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_bytes(text).into_chunks(1.rows()))
        .for_each(|_: Event<Person>| {})
        .await?;
    ensure!((summary.read(), summary.handled(), summary.rejected()) == (3, 2, 1));
    let error = summary.errors().first().context("one error is kept")?;
    ensure!((error.position().line(), error.position().byte()) == (Some(3), Some(14)));
    ensure!(error.reason().contains("field 1 (id)"), "{}", error.reason());
    Ok(())
}

pub async fn a_refusal_keeps_the_position_of_its_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = numbers(&[]);
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(3)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(10.lines()))
        .for_each(|event: Event<u64>| refuse(&event, &[3, 700]))
        .await?;
    let lines: Vec<_> = summary.errors().iter().map(|error| error.position().line()).collect();
    ensure!(lines == [Some(4), Some(701)]);
    ensure!(summary.errors().iter().all(|error| error.error().downcast_ref::<Refused>().is_some()));
    ensure!((summary.read(), summary.rejected()) == (1_000, 2));
    Ok(())
}

pub async fn a_receivers_panic_is_that_events_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn panics(event: &Event<u64>) {
        if *event.data() % 100 == 50 {
            explode::<()>(format!("at {}", event.data()));
        }
    }
    let builder = || {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(3)
            .on_error(ErrorStrategy::ContinueOnError)
            .sender(|sources| sources.of(0..1_000u64).into_chunks(7.items()))
    };
    let synchronous = builder().for_each(|event: Event<u64>| panics(&event)).await?;
    let asynchronous = builder()
        .for_each(|event: Event<u64>| async move {
            yield_now().await;
            panics(&event);
        })
        .await?;
    for summary in [synchronous, asynchronous] {
        ensure!((summary.handled(), summary.rejected()) == (990, 10));
        let first = summary.errors().first().context("errors are kept")?;
        ensure!(first.error().is_panic() && first.sequence() == 50);
        ensure!(first.reason().contains("at 50"), "{}", first.reason());
    }
    let stopped = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of(0..1_000u64).into_chunks(7.items()))
        .for_each(|event: Event<u64>| panics(&event));
    ensure!(failed(stopped.await)?.is_panic());
    Ok(())
}

/// A number whose parser panics at one text.
struct Fragile;

impl std::str::FromStr for Fragile {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "50" {
            explode::<()>("the parser");
        }
        text.parse::<u64>().map(|_| Self)
    }
}

pub async fn a_parser_that_panics_is_an_error<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let text = numbers(&[]);
    let run = AsyncTask::emits::<Fragile>()
        .on(&rt)
        .workers(2)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(7.lines()))
        .for_each(|_: Event<Fragile>| {});
    let error = failed(run.await)?;
    ensure!(error.is_panic() && error.to_string().contains("the parser"), "{error:?}");
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?);
    Ok(())
}

pub async fn a_source_that_panics_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn fragile(n: u64) -> u64 {
        if n == 50 { explode("the source") } else { n }
    }
    let items = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of((0..100u64).map(fragile)).into_chunks(1.items()))
        .for_each(|_: Event<u64>| {});
    ensure!(failed(items.await)?.is_panic());
    let naming =
        AsyncTask::emits::<u64>().on(&rt).sender(|_| explode("the sender")).for_each(|_: Event<u64>| {});
    ensure!(failed(naming.await)?.is_panic());
    Ok(())
}

pub async fn the_first_bad_row_of_several_sources_ends_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = failed(
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(4)
            .sender(|sources| {
                sources.of(0..10u64).into_chunks(1.items());
                sources.of_bytes("1\n2\nx\n").lines().into_chunks(1.lines());
                sources.of_bytes("y\n").lines().into_chunks(1.lines());
            })
            .for_each(|_: Event<u64>| {})
            .await,
    )?;
    let AsyncTaskError::Parse { position, .. } = error else { bail!("not a parse error: {error:?}") };
    ensure!((position.source(), position.line()) == (1, Some(3)));
    Ok(())
}

pub async fn a_stream_that_panics_is_an_error<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let fragile = |n: u64| if n == 50 { explode("the stream") } else { n };
    let stream = futures_lite::stream::iter((0..100u64).map(fragile));
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of_stream(stream).into_chunks(1.items()))
        .for_each(|_: Event<u64>| {});
    let error = failed(run.await)?;
    ensure!(error.is_panic() && error.to_string().contains("the stream"), "{error:?}");
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?);
    Ok(())
}

pub async fn an_error_ends_it_while_the_source_is_silent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The source gives one event and is then silent. The pipeline must end without another event.
    let (more, stream) = async_channel::unbounded();
    more.try_send(7)?;
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(move |sources| sources.of_stream(stream).into_chunks(1.items()))
        .for_each(|event: Event<u64>| refuse(&event, &[7]));
    let error = failed(run.await)?;
    ensure!(error.downcast_ref::<Refused>().is_some_and(|refused| refused.0 == 7), "{error:?}");
    drop(more);
    Ok(())
}

pub async fn a_row_whose_parser_panics_is_one_bad_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "1\nboom\n3\n4\n";
    for ordered in [false, true] {
        let pipeline = AsyncTask::emits::<Touchy>().on(&rt).on_error(ErrorStrategy::ContinueOnError);
        let pipeline = if ordered { pipeline.ordered() } else { pipeline };
        let (sequences, summary) = pipeline
            .sender(move |sources| sources.of_bytes(text).lines().into_chunks(3.lines()))
            .fold(
                Vec::new,
                |seen, event: Event<Touchy>| seen.push((event.sequence(), event.take_data().0)),
                |mut a, b| {
                    a.extend(b);
                    a
                },
            )
            .await?;
        let mut sequences = sequences;
        sequences.sort_unstable();
        ensure!(sequences == [(0, 1), (2, 3), (3, 4)], "{sequences:?}");
        let [error] = summary.errors() else { bail!("one error was due: {summary:?}") };
        ensure!(error.position().line() == Some(2) && error.error().is_panic(), "{error:?}");
    }
    Ok(())
}

/// A number whose parser panics at one text that is no number.
struct Touchy(u64);

impl std::str::FromStr for Touchy {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "boom" { explode("the parser") } else { text.parse().map(Self) }
    }
}
