//! Pipelines, stages: under source order they run in parallel, and the receiver gets their values in order. One
//! worker may run the stages of several rows at the same time.

use std::sync::{Arc, Mutex};

use crate::library::pipeline::PipelineBuilder;

use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).ordered()
}

fn recorder() -> (Arc<Mutex<Vec<u64>>>, impl Fn(u64) + Clone + Send + Sync + 'static) {
    let list = Arc::new(Mutex::new(Vec::new()));
    let push = list.clone();
    (list, move |n| {
        if let Ok(mut list) = push.lock() {
            list.push(n);
        }
    })
}

fn taken(list: &Mutex<Vec<u64>>) -> Result<Vec<u64>, Failure> {
    Ok(list.lock().map_err(|_| Failure::msg("poisoned"))?.clone())
}

pub async fn values_come_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 4] {
        let (list, push) = recorder();
        let summary = numbers(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..500).into_chunks(3.items()))
            .map_async(|n| async move {
                for _ in 0..n % 4 {
                    yield_now().await;
                }
                n
            })
            .filter(|n| n % 5 != 0)
            .flat_map(|n| [10 * n, 10 * n + 1])
            .for_each(move |event: Event<u64>| push(event.take_data()))
            .await?;
        let expected = (0..500).filter(|n| n % 5 != 0).flat_map(|n| [10 * n, 10 * n + 1]);
        ensure!(taken(&list)?.into_iter().eq(expected));
        ensure!(summary.handled() == 500, "{summary:?}");
    }
    Ok(())
}

pub async fn text_comes_in_source_order_with_its_positions<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text: String = (0..500).map(|n| if n % 50 == 7 { "x\n".into() } else { format!("{n}\n") }).collect();
    let (list, push) = recorder();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .ordered()
        .workers(4)
        .keep_raw(true)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(3.lines()))
        .try_map(|n| if n % 50 == 9 { Err("refused") } else { Ok(n) })
        .for_each(move |event: Event<u64>| {
            push(event.sequence());
            if event.position().line() == Some(event.data() + 1) { Ok(()) } else { Err("misplaced") }
        })
        .await?;
    ensure!(taken(&list)?.into_iter().eq((0..500).filter(|n| ![7, 9].contains(&(n % 50)))));
    ensure!((summary.handled(), summary.rejected()) == (480, 20), "{summary:?}");
    for row in summary.errors() {
        let n = row.sequence();
        let raw = if n % 50 == 7 { "x".to_owned() } else { n.to_string() };
        ensure!([7, 9].contains(&(n % 50)) && row.position().line() == Some(n + 1), "{row}");
        ensure!(row.raw() == Some(raw.as_bytes()), "{row:?}");
    }
    Ok(())
}

pub async fn ordered_stages_run_at_the_same_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inside, together) = (Census::default(), Latch::new());
    let (census, all) = (inside.clone(), together.clone());
    let (list, push) = recorder();
    numbers(&rt)
        .workers(3)
        .sender(|sources| sources.of(0..60).into_chunks(2.items()))
        .map_async(move |n| {
            let (resident, census, all) = (census.enter(), census.clone(), all.clone());
            async move {
                if census.alive() == 3 {
                    all.set();
                }
                all.wait().await;
                drop(resident);
                n
            }
        })
        .for_each(move |event: Event<u64>| push(event.take_data()))
        .await?;
    ensure!(inside.most() == 3 && together.is_set());
    ensure!(taken(&list)?.into_iter().eq(0..60));
    Ok(())
}

pub async fn the_rate_holds_for_ordered_stages<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let started = rt.now();
    let (list, push) = recorder();
    let summary = numbers(&rt)
        .workers(3)
        .rate_limit(5, 20.millis())
        .sender(|sources| sources.of(0..20).into_chunks(2.items()))
        .map(|n| n)
        .for_each(move |event: Event<u64>| push(event.take_data()))
        .await?;
    ensure!(summary.handled() == 20 && taken(&list)?.into_iter().eq(0..20));
    // Five come at once, and the other fifteen in three periods.
    let elapsed = rt.now().saturating_duration_since(started);
    ensure!(elapsed >= 59.millis(), "{elapsed:?}");
    Ok(())
}

pub async fn one_worker_runs_the_stages_of_several_rows_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ordered in [false, true] {
        let (inside, together) = (Census::default(), Latch::new());
        let (census, all) = (inside.clone(), together.clone());
        let (list, push) = recorder();
        let builder = AsyncTask::emits::<u64>().on(&rt).workers(1);
        let builder = if ordered { builder.ordered() } else { builder };
        let summary = builder
            .sender(|sources| sources.of(0..100).into_chunks(20.items()))
            .map_async(move |n| {
                let (resident, census, all) = (census.enter(), census.clone(), all.clone());
                async move {
                    if census.alive() == 8 {
                        all.set();
                    }
                    all.wait().await;
                    for _ in 0..n % 3 {
                        yield_now().await;
                    }
                    drop(resident);
                    n
                }
            })
            .concurrent(8)
            .filter(|n| n % 4 != 0)
            .for_each(move |event: Event<u64>| push(event.take_data()))
            .await?;
        ensure!(inside.most() == 8 && inside.ever() == 100 && together.is_set());
        ensure!(summary.handled() == 100, "{summary:?}");
        ensure!(taken(&list)?.into_iter().eq((0..100).filter(|n| n % 4 != 0)));
    }
    Ok(())
}

pub async fn the_first_error_of_rows_that_run_at_once_ends_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let alive = Census::default();
        let residents = alive.clone();
        let run = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..1_000).into_chunks(20.items()))
            .try_map_async(move |n| {
                let resident = residents.enter();
                async move {
                    for _ in 0..n % 5 {
                        yield_now().await;
                    }
                    drop(resident);
                    if n % 100 >= 77 { Err(format!("refused {n}")) } else { Ok(n) }
                }
            })
            .concurrent(6)
            .for_each(|_: Event<u64>| {});
        let error = failed(run.await)?;
        ensure!(source_text(&error) == "refused 77" && alive.alive() == 0, "{error:?}");
        ensure!(alive.ever() < 1_000, "{}", alive.ever());
    }
    Ok(())
}

pub async fn a_number_of_rows_that_cannot_run_at_once_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let sender =
        || AsyncTask::emits::<u64>().on(&rt).sender(|sources| sources.of([1]).into_chunks(1.items()));
    for rows in [0, usize::MAX] {
        let run = sender().map_async(std::future::ready).concurrent(rows).for_each(|_: Event<u64>| {});
        let error = failed(run.await)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    let error = failed(sender().map(|n| n).concurrent(2).for_each(|_: Event<u64>| {}).await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    Ok(())
}
