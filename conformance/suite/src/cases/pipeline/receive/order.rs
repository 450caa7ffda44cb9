//! Pipelines, strategies: `.ordered()` gives source order, one event at a time; else each event comes once.

use std::sync::{Arc, Mutex};

use crate::kit::prelude::*;

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

pub async fn ordered_events_come_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (list, push) = recorder();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(4)
        .ordered()
        .sender(|sources| sources.of(0..2_000u64).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| push(event.sequence()))
        .await?;
    ensure!(taken(&list)?.into_iter().eq(0..2_000));
    ensure!(summary.handled() == 2_000);
    Ok(())
}

pub async fn ordered_async_receivers_run_one_at_a_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (list, push) = recorder();
    let census = Census::default();
    let busy = census.clone();
    AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(4)
        .ordered()
        .sender(|sources| sources.of(0..300u64).into_chunks(3.items()))
        .for_each(move |event: Event<u64>| {
            let (resident, push) = (busy.enter(), push.clone());
            async move {
                let _resident = resident;
                for _ in 0..event.sequence() % 3 {
                    yield_now().await;
                }
                push(event.sequence());
            }
        })
        .await?;
    ensure!(taken(&list)?.into_iter().eq(0..300));
    ensure!((census.ever(), census.most()) == (300, 1));
    Ok(())
}

pub async fn ordered_text_is_parsed_apart_and_handled_in_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text: String = (0..3_000).map(|n| format!("{n}\n")).collect();
    let (list, push) = recorder();
    AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(4)
        .ordered()
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(10.lines()))
        .for_each(move |event: Event<u64>| push(event.take_data()))
        .await?;
    ensure!(taken(&list)?.into_iter().eq(0..3_000));
    Ok(())
}

pub async fn without_order_each_event_comes_exactly_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in 1..=4 {
        let (list, push) = recorder();
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..5_000u64).into_chunks(3.items()))
            .for_each(move |event: Event<u64>| push(event.take_data()))
            .await?;
        let mut list = taken(&list)?;
        list.sort_unstable();
        ensure!(list.into_iter().eq(0..5_000), "{workers} workers");
    }
    Ok(())
}

pub async fn workers_handle_events_at_the_same_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Each event waits for the other two: with fewer than three under way this would hang.
    let (census, all) = (Census::default(), Latch::new());
    let (busy, open) = (census.clone(), all.clone());
    AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(3)
        .sender(|sources| sources.of(0..3u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let (resident, busy, open) = (busy.enter(), busy.clone(), open.clone());
            async move {
                let _resident = resident;
                if busy.alive() == 3 {
                    open.set();
                }
                open.wait().await;
            }
        })
        .await?;
    ensure!(census.most() == 3);
    Ok(())
}

pub async fn no_more_events_are_under_way_than_there_are_workers<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let census = Census::default();
    let busy = census.clone();
    AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..500u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let resident = busy.enter();
            async move {
                yield_now().await;
                drop(resident);
            }
        })
        .await?;
    ensure!(census.ever() == 500 && census.most() <= 2, "{}", census.most());
    Ok(())
}

pub async fn an_event_has_its_sequence_position_time_and_id<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (sender, positions) = async_channel::unbounded();
    let before = rt.now();
    AsyncTask::emits::<String>()
        .on(&rt)
        .workers(1)
        .sender(|sources| sources.of_bytes("a\nbb\nccc\n").lines().into_chunks(2.lines()))
        .for_each(move |event: Event<String>| {
            let id = (event.event_id().to_string(), event.task_id().to_string());
            let _ = sender.try_send((event.sequence(), event.position(), event.timestamp(), id));
        })
        .await?;
    let mut pipeline = None;
    for (sequence, byte) in [(0u64, 0u64), (1, 2), (2, 5)] {
        let (found, position, at, (event, task)) = positions.try_recv()?;
        ensure!(found == sequence);
        ensure!((position.line(), position.byte()) == (Some(sequence + 1), Some(byte)));
        ensure!(at >= before && at <= rt.now());
        ensure!(event == format!("{task}-{sequence}"));
        ensure!(pipeline.get_or_insert(task.clone()) == &task, "one pipeline, one id");
    }
    Ok(())
}
