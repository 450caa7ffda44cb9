//! Promises 3 and 4, settings of pipelines: they are checked when the pipeline starts, in place or spawned,
//! whatever the order of its builder's calls.

use crate::library::pipeline::{BoundedQueue, PipelineBuilder, ReceiverStrategy, SenderStrategy, Sources};
use crate::library::{Chaos, CircuitBreaker, Limiter, Retry, RetryBudget, RetryStrategy, TaskPriority};

use super::table::{Parts, Row, all_say, in_each_order};
use crate::kit::prelude::*;
use crate::kit::published::bounded;

type Numbers<R> = PipelineBuilder<u64, R>;

fn numbers<R: Runtime>(rt: &R) -> Numbers<R> {
    AsyncTask::emits::<u64>().on(rt)
}

/// A sender of one number.
fn one(sources: &mut Sources<u64>) {
    sources.of([1]).into_chunks(1.items());
}

pub async fn a_pipeline_refuses_them_in_each_order_and_each_way_to_start<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    const WORKERS: &str = "`workers` of `ReceiverStrategy::Parallel`";
    const MOST: &str = "from 1 to 65536";
    const SOURCES: &str = "`sources` of `SenderStrategy::Parallel`";
    let rows: &[Row<Numbers<R>>] = &[
        (|events| events.workers(0), [WORKERS, "is 0", MOST]),
        (|events| events.workers(65_537), [WORKERS, "is 65537", MOST]),
        (
            |events| events.receiver_strategy(ReceiverStrategy::Adaptive { min: 0, max: 2 }),
            ["`min` of `ReceiverStrategy::Adaptive`", "is 0", MOST],
        ),
        (
            |events| events.receiver_strategy(ReceiverStrategy::Adaptive { min: 3, max: 2 }),
            ["`max` of `ReceiverStrategy::Adaptive`", "is 2", "from `min`, which is 3, to 65536"],
        ),
        (
            |events| events.receiver_strategy(ReceiverStrategy::Adaptive { min: 1, max: 65_537 }),
            ["`max` of `ReceiverStrategy::Adaptive`", "is 65537", "from `min`, which is 1, to 65536"],
        ),
        (|events| events.queue(0), ["`queue` of a pipeline", "is 0", MOST]),
        (|events| events.queue(65_537), ["`queue` of a pipeline", "is 65537", MOST]),
        (|events| events.fail_after(0), ["`fail_after` of a pipeline", "is 0", "at least 1"]),
        (|events| events.with_concurrency(0), [SOURCES, "is 0", "at least 1"]),
        (
            |events| events.sender_strategy(SenderStrategy::Parallel { sources: 0 }),
            [SOURCES, "is 0", "at least 1"],
        ),
        (
            |events| events.sender_strategy(SenderStrategy::Batched { size: 0, delay: 1.seconds() }),
            ["`size` of `SenderStrategy::Batched`", "is 0", "at least 1"],
        ),
        (
            |events| events.sender_strategy(SenderStrategy::Batched { size: 1, delay: Duration::ZERO }),
            ["`delay` of `SenderStrategy::Batched`", "is 0 s", "longer than zero"],
        ),
        (
            |events| events.sender_strategy(SenderStrategy::Adaptive { min: 0, max: 3 }),
            ["`min` of `SenderStrategy::Adaptive`", "is 0", "at least 1"],
        ),
        (
            |events| events.sender_strategy(SenderStrategy::Adaptive { min: 3, max: 2 }),
            ["`max` of `SenderStrategy::Adaptive`", "is 2", "at least `min`, which is 3"],
        ),
        (
            |events| events.rate_limit(0, 1.seconds()),
            ["`rate_limit` of a pipeline", "is 0 in 1s", "at least 1"],
        ),
        (
            |events| events.rate_limit(1, Duration::ZERO),
            ["`rate_limit` of a pipeline", "is 1 in 0ns", "a nanosecond for each"],
        ),
        (|events| events.chaos(Chaos::new().panic(1.5)), ["`panic` rate", "1.5", "from 0.0 to 1.0"]),
        (|events| events.chaos(Chaos::new().failure(f64::NAN)), ["`failure` rate", "NaN", "from 0.0 to 1.0"]),
        (
            |events| {
                let (base, max) = (Duration::ZERO, Duration::ZERO);
                let strategy = RetryStrategy::Exponential { base, factor: f64::NAN, max };
                events.on_error(ErrorStrategy::retry_with(Retry::new(1).backoff(strategy)))
            },
            ["factor", "NaN", "finite, and at least 1"],
        ),
        (
            |events| {
                let budget = RetryBudget::new(10, f64::NAN);
                events.on_error(ErrorStrategy::retry_with(Retry::new(1).budget(&budget)))
            },
            ["`token_ratio` of a retry budget", "NaN", "finite, and at least 0"],
        ),
    ];
    let others = |events: Numbers<R>| {
        let events = events.name("numbers").timeout(1.hours()).grace(1.hours()).priority(TaskPriority::Low);
        events.max_errors(0).keep_raw(true).ordered()
    };
    for &(set, parts) in rows {
        let mut errors = Vec::new();
        for builder in in_each_order(&numbers(&rt), set, others) {
            errors.push(failed(builder.clone().sender(one).for_each(|_: Event<u64>| {}).await)?);
            errors.push(failed(builder.sender(one).for_each(|_: Event<u64>| {}).spawn().await)?);
        }
        all_say(errors, parts)?;
    }
    Ok(())
}

pub async fn batches_refuse_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows: [(usize, Duration, Parts); 2] = [
        (0, 1.hours(), ["`size` of `batched`", "is 0", "at least 1"]),
        (1, Duration::ZERO, ["`delay` of `batched`", "is 0 s", "longer than zero"]),
    ];
    for (size, delay, parts) in rows {
        let batches = || numbers(&rt).sender(one).batched(size, delay);
        let in_place = failed(batches().for_each(|_| {}).await)?;
        let spawned = failed(batches().for_each(|_| {}).spawn().await)?;
        all_say([in_place, spawned], parts)?;
    }
    Ok(())
}

pub async fn stages_that_run_ahead_refuse_policies_around_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const AHEAD: &str = "ahead of the receiver's calls";
    let breaker = CircuitBreaker::builder().build()?;
    let limiter = Limiter::builder().max_concurrent(1).build()?;
    let two = || numbers(&rt).workers(2);
    for (events, guard) in [
        (two().event_circuit_breaker(&breaker), "`event_circuit_breaker`"),
        (two().event_limiter(&limiter), "`event_limiter`"),
    ] {
        let sender = |events: &Numbers<R>| events.clone().sender(one);
        let ordered = events.clone().ordered();
        let in_place = failed(sender(&ordered).map(|n| n).for_each(|_: Event<u64>| {}).await)?;
        let spawned = failed(sender(&ordered).map(|n| n).for_each(|_: Event<u64>| {}).spawn().await)?;
        all_say([in_place, spawned], [guard, "`ordered`", AHEAD])?;
        let keyed = failed(sender(&events).key_by(|n| *n).for_each(|_: Event<u64>| {}).await)?;
        all_say([keyed], [guard, "`key_by`", AHEAD])?;
        let staged = |events: &Numbers<R>| sender(events).map_async(std::future::ready);
        let at_once = failed(staged(&events).concurrent(2).for_each(|_: Event<u64>| {}).await)?;
        all_say([at_once], [guard, "`concurrent`", AHEAD])?;
        // None of these has an attempt in two parts.
        for summary in [
            sender(&events).map(|n| n).for_each(|_: Event<u64>| {}).await?,
            sender(&ordered).for_each(|_: Event<u64>| {}).await?,
            sender(&ordered.workers(1)).map(|n| n).for_each(|_: Event<u64>| {}).await?,
            sender(&events.clone().workers(1)).key_by(|n| *n).for_each(|_: Event<u64>| {}).await?,
            staged(&events).concurrent(1).for_each(|_: Event<u64>| {}).await?,
            staged(&events).concurrent(2).batched(1, 1.hours()).for_each(|_| {}).await?,
        ] {
            ensure!(summary.handled() == 1, "{summary:?}");
        }
    }
    Ok(())
}

pub async fn stages_refuse_a_number_of_events_to_take<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const PARTS: Parts = ["`take`", "stages", "`ControlFlow::Break(())`"];
    let sender = || numbers(&rt).sender(one);
    let after = failed(sender().map(|n| n).take(1).for_each(|_: Event<u64>| {}).await)?;
    let before = failed(sender().take(1).filter(|_| true).for_each(|_: Event<u64>| {}).spawn().await)?;
    let keyed = failed(sender().take(1).key_by(|n| *n).for_each(|_: Event<u64>| {}).await)?;
    let listed = failed(sender().flat_map(|n| [n, n]).take(1).collect_vec().await)?;
    all_say([after, before, keyed, listed], PARTS)
}

pub async fn sources_refuse_them_before_anything_is_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const CHUNKS: &str = "the size of `into_chunks`";
    const RECORD: &str = "from 1 to 1073741824 bytes";
    const OTHER: &str = "another character than";
    type Row = (fn(&mut Sources<u64>), Parts);
    let rows: &[Row] = &[
        (|sources| sources.of([1]).into_chunks(0.items()), [CHUNKS, "is 0", "at least 1"]),
        (|sources| sources.of_bytes("1").lines().into_chunks(0.kib()), [CHUNKS, "is 0", "at least 1"]),
        (|sources| drop(sources.channel(0)), ["`capacity` of a channel", "is 0", "from 1 to 1048576"]),
        (
            |sources| drop(sources.channel(1_048_577)),
            ["`capacity` of a channel", "is 1048577", "from 1 to 1048576"],
        ),
        (
            |sources| sources.of_bytes("1").lines().with_max_record(0).into_chunks(1.lines()),
            ["`with_max_record`", "is 0", RECORD],
        ),
        (
            |sources| sources.of_bytes("1").with_max_record((1 << 30) + 1).lines().into_chunks(1.lines()),
            ["`with_max_record`", "is 1073741825", RECORD],
        ),
        (
            |sources| sources.of_bytes("1").with_max_record_lines(0).into_chunks(1.rows()),
            ["`with_max_record_lines`", "is 0", "at least 1"],
        ),
        (
            |sources| sources.of_bytes("1").with_delimiter(Delimiter::Custom('é')).into_chunks(1.rows()),
            ["`with_delimiter`", "is 'é'", "an ASCII character"],
        ),
        (
            |sources| sources.of_bytes("1").with_delimiter(Delimiter::Custom('\n')).into_chunks(1.rows()),
            ["`with_delimiter`", "is '\\n'", OTHER],
        ),
        (
            |sources| sources.of_bytes("1").with_quote(Some('\r')).into_chunks(1.rows()),
            ["`with_quote`", "is '\\r'", OTHER],
        ),
        (
            |sources| sources.of_bytes("1").with_comment(',').into_chunks(1.rows()),
            ["`with_comment`", "is ','", "that of `with_delimiter`"],
        ),
        (
            |sources| sources.of_bytes("1").with_comment('#').with_quote(Some('#')).into_chunks(1.rows()),
            ["`with_comment`", "is '#'", "that of `with_quote`"],
        ),
        (
            |sources| sources.of_bytes("1").with_quote(Some('#')).with_comment('#').into_chunks(1.rows()),
            ["`with_comment`", "is '#'", "that of `with_quote`"],
        ),
        (
            |sources| sources.of_queue(&bounded(1)).with_lease(Duration::ZERO).lines(),
            ["`with_lease` of a queue", "is 0 s", "longer than zero"],
        ),
        (
            |sources| sources.of_queue(&bounded(1)).max_deliveries(0).lines(),
            ["`max_deliveries` of a queue", "is 0", "at least 1"],
        ),
        (
            |sources| sources.of_queue(&bounded(1)).poll_every(Duration::ZERO).lines(),
            ["`poll_every` of a queue", "is 0 s", "longer than zero"],
        ),
        (
            |sources| sources.of_queue(&bounded(1)).redeliver_after(Duration::from_secs(1)).lines(),
            ["`redeliver_after` of a queue", "is 1s", "zero: its engine has no clock"],
        ),
    ];
    for &(sender, parts) in rows {
        let in_place = failed(numbers(&rt).sender(sender).for_each(|_: Event<u64>| {}).await)?;
        let spawned = failed(numbers(&rt).sender(sender).for_each(|_: Event<u64>| {}).spawn().await)?;
        all_say([in_place, spawned], parts)?;
    }
    Ok(())
}

pub async fn the_ends_of_their_ranges_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = numbers(&rt).workers(1).queue(1).fail_after(1).max_errors(0).with_concurrency(1);
    let builder = builder.rate_limit(u32::MAX, 5.seconds());
    let lines = |sources: &mut Sources<u64>| {
        sources.of_bytes("1\n2\n").lines().with_max_record(1 << 30).into_chunks(1.bytes());
        sources.of([3]).into_chunks(usize::MAX.rows());
        sources.of_queue(&closed()).max_deliveries(1).lines();
        drop(sources.channel(1));
    };
    let summary = builder.sender(lines).batched(1, 1.nanos()).for_each(|_| {}).await?;
    ensure!(summary.handled() == 3, "{summary:?}");
    let builder = numbers(&rt).receiver_strategy(ReceiverStrategy::Adaptive { min: 1, max: 1 });
    let builder = builder.sender_strategy(SenderStrategy::Adaptive { min: 1, max: 1 });
    ensure!(builder.sender(one).for_each(|_: Event<u64>| {}).await?.handled() == 1);
    Ok(())
}

/// A queue that has ended.
fn closed() -> BoundedQueue {
    let queue = bounded(1);
    queue.close();
    queue
}
