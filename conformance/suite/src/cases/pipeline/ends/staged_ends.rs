//! Pipelines, ends after stages: a row leaves all of its values there, in their order, or none of them.

use std::fs;
use std::ops::ControlFlow;

use crate::library::pipeline::PipelineBuilder;

use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R, workers: usize) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(workers).on_error(ErrorStrategy::ContinueOnError)
}

/// The three values of a number.
fn three(n: u64) -> [u64; 3] {
    [3 * n, 3 * n + 1, 3 * n + 2]
}

/// Refuses the last value of each tenth number.
fn but_thirtieth(value: u64) -> Result<u64, String> {
    if value % 30 == 29 { Err(format!("refused {value}")) } else { Ok(value) }
}

/// The values of the numbers of which none is refused.
fn expected(numbers: u64) -> impl Iterator<Item = u64> {
    (0..numbers).filter(|n| n % 10 != 9).flat_map(three)
}

pub async fn listed_values_keep_source_order_and_that_of_their_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, ordered) in [(1, false), (3, false), (3, true)] {
        let sender = || {
            let builder = numbers(&rt, workers);
            let builder = if ordered { builder.ordered() } else { builder };
            builder.sender(|sources| sources.of(1..501u64).into_chunks(7.items()))
        };
        let waited = || {
            sender().map_async(|n| async move {
                yield_now().await;
                n - 1
            })
        };
        let runs = [
            sender().map(|n| n - 1).flat_map(three).try_map(but_thirtieth).collect_vec().await?,
            waited().flat_map(three).try_map(but_thirtieth).collect_vec().await?,
            waited().flat_map(three).try_map(but_thirtieth).concurrent(4).collect_vec().await?,
        ];
        for (values, summary) in runs {
            ensure!(values.iter().copied().eq(expected(500)), "{workers} workers: {values:?}");
            let counts = (summary.read(), summary.handled(), summary.rejected());
            ensure!(counts == (500, 450, 50), "{summary:?}");
        }
    }
    Ok(())
}

pub async fn a_file_has_what_a_filter_has_left<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("even.txt");
    let due: String = (0..1_000u64).filter(|n| n % 2 == 0).map(|n| format!("{n}\n")).collect();
    for ordered in [false, true] {
        let sender = || {
            let builder = if ordered { numbers(&rt, 3).ordered() } else { numbers(&rt, 1) };
            builder.sender(|sources| sources.of(0..1_000u64).into_chunks(7.items()))
        };
        let filtered = sender().filter(|n| n % 2 == 0).write_lines(&path).await?;
        ensure!(fs::read_to_string(&path)? == due);
        fs::remove_file(&path)?;
        let awaited = sender().filter_async(|n| std::future::ready(n % 2 == 0)).write_lines(&path).await?;
        ensure!(fs::read_to_string(&path)? == due);
        for summary in [filtered, awaited] {
            ensure!((summary.read(), summary.handled()) == (1_000, 1_000), "{summary:?}");
        }
    }
    Ok(())
}

pub async fn a_row_that_cannot_be_written_whole_is_not_in_the_file<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let names = ["values.txt", "values.csv", "values.json"].map(|name| folder.path().join(name));
    let [lines, csv, json] = &names;
    // Two values of each row. Of every fifth row, the second one cannot be written as a line.
    let pairs = || {
        let sender = numbers(&rt, 1).sender(|sources| sources.of(0..100u64).into_chunks(7.items()));
        sender
            .flat_map(|n| [format!("{n}"), if n % 5 == 0 { "two\nlines".to_owned() } else { format!("{n}") }])
    };
    let summary = pairs().write_lines(lines).await?;
    ensure!((summary.handled(), summary.rejected()) == (80, 20), "{summary:?}");
    let due: String = (0..100u64).filter(|n| n % 5 != 0).map(|n| format!("{n}\n{n}\n")).collect();
    ensure!(fs::read_to_string(lines)? == due);
    // Of every fifth row, the second one has more fields than a row of this file. For JSON, a stage refuses it.
    let rows = || {
        let sender = numbers(&rt, 1).sender(|sources| sources.of(1..100u64).into_chunks(7.items()));
        sender.flat_map(|n| [vec![n], if n % 5 == 0 { vec![n, n] } else { vec![n] }])
    };
    let summary = rows().write_csv(csv).await?;
    ensure!((summary.handled(), summary.rejected()) == (80, 19), "{summary:?}");
    let due: String = (1..100u64).filter(|n| n % 5 != 0).map(|n| format!("{n}\n{n}\n")).collect();
    ensure!(fs::read_to_string(csv)? == due);
    let refused = rows().try_map(|row| if row.len() == 2 { Err("two") } else { Ok(row) });
    let summary = refused.write_json_lines(json).await?;
    ensure!((summary.handled(), summary.rejected()) == (80, 19), "{summary:?}");
    let due: String = (1..100u64).filter(|n| n % 5 != 0).map(|n| format!("[{n}]\n[{n}]\n")).collect();
    ensure!(fs::read_to_string(json)? == due);
    Ok(())
}

pub async fn a_break_at_a_value_ends_it_after_its_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, ordered) in [(1, false), (3, true)] {
        let sender = || {
            let builder = numbers(&rt, workers);
            let builder = if ordered { builder.ordered() } else { builder };
            builder.sender(|sources| sources.of(0..10_000u64).into_chunks(7.items()))
        };
        let receive = |event: Event<u64>, collector: Collector<u64, u64>| {
            collector.collect(*event.data(), event.sequence());
            // The second value of a row.
            if event.take_data() == 61 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (one, kept) = sender()
            .flat_map(three)
            .receiver(receive)
            .await_final_event(|event, collection| event.map(|event| (event, collection.collected())))
            .await?;
        ensure!(one.handled() == 21 && kept.len() == 62, "{one:?}, {}", kept.len());
        let (other, kept) = sender()
            .map_async(std::future::ready)
            .flat_map(three)
            .receiver(move |event, collector| {
                let answer = receive(event, collector);
                async move { answer }
            })
            .await_final_event(|event, collection| event.map(|event| (event, collection.collected())))
            .await?;
        ensure!(other.handled() == 21 && kept.len() == 62, "{other:?}, {}", kept.len());
        for summary in [one, other] {
            ensure!(summary.handled() + summary.dropped() == summary.read(), "{summary:?}");
        }
    }
    Ok(())
}
