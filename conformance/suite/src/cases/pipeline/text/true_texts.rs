//! Pipelines, errors: the text of an error names the right record, line and remedy.
//! `Batched` holds for files and bytes too, and is refused for other text.

use crate::library::pipeline::{Compression, SenderStrategy, Sources};

use crate::kit::prelude::*;
use crate::kit::published::bounded;
use crate::kit::{Raw, collect_rows};

/// The only error of some text.
async fn error_of<R: Runtime>(
    rt: &R,
    sender: impl FnOnce(&mut Sources<String>) + Send + 'static,
) -> Result<(Option<u64>, String), Failure> {
    let (_, summary) = collect_rows::<String, _, _>(rt, 1, sender).await?;
    let [error] = summary.errors() else { bail!("{:?}", summary.errors()) };
    Ok((error.position().line(), error.reason()))
}

pub async fn an_overlong_line_is_reported_as_a_line<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = format!("\"ok\"\n\"{}\"\n\"ok\"\n", "y".repeat(100));
    let expected =
        "a line is longer than the limit of 64 bytes (see with_max_record); it took 102 bytes on 1 line";
    let input = text.clone();
    let lines = error_of(&rt, move |sources| {
        sources.of_bytes(input).with_max_record(64).lines().into_chunks(9.lines());
    });
    let lines = lines.await?;
    ensure!(lines == (Some(2), expected.to_owned()), "{lines:?}");
    let json = error_of(&rt, move |sources| {
        sources.of_bytes(text).json_lines().with_max_record(64).into_chunks(9.lines());
    });
    let json = json.await?;
    ensure!(json == (Some(2), expected.to_owned()), "{json:?}");
    Ok(())
}

pub async fn plain_text_with_a_compressed_files_name_is_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (codec, compression) in [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)] {
        for text in ["1", "id,name\n1,Ada\n2,Grace\n"] {
            let path = folder.path().join(if codec == "gzip" { "rows.csv.gz" } else { "rows.csv.zst" });
            std::fs::write(&path, text)?;
            let by_name = collect_rows::<Raw, _, _>(&rt, 1, move |s| s.of_file(path).into_chunks(1.rows()));
            let by_default = collect_rows::<Raw, _, _>(&rt, 1, move |sources| {
                sources.of_bytes(text).with_compression(compression).into_chunks(1.rows());
            });
            for error in [failed(by_name.await)?, failed(by_default.await)?] {
                ensure!(matches!(error, AsyncTaskError::Io { .. }), "{error:?}");
                let text = error.to_string();
                ensure!(text.contains(&format!("it is no {codec} data")), "{text}");
                ensure!(text.contains("with_compression(Compression::None)"), "{text}");
            }
        }
    }
    Ok(())
}

pub async fn lines_are_numbered_by_lf_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) = collect_rows::<(u64, u64), _, _>(&rt, 1, |sources| {
        sources.of_bytes("1,2\r3,x\r5,6\n7,8\nx,9\n").with_headers(false).into_chunks(2.rows());
    })
    .await?;
    ensure!(rows.len() == 3);
    let positions: Vec<_> =
        summary.errors().iter().map(|e| (e.position().line(), e.position().byte())).collect();
    ensure!(positions == [(Some(1), Some(4)), (Some(3), Some(16))], "{positions:?}");
    // A file whose lines end in CR alone is one line.
    let (rows, _) = collect_rows::<String, _, _>(&rt, 1, |sources| {
        sources.of_bytes("1\r2\r").lines().into_chunks(2.lines());
    })
    .await?;
    ensure!(rows == [(0, "1\r2\r".to_owned())], "{rows:?}");
    Ok(())
}

pub async fn batches_are_of_files_and_bytes_too<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ten.txt");
    std::fs::write(&path, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n")?;
    let strategy = SenderStrategy::Batched { size: 4, delay: 1.hours() };
    let queue = bounded(100);
    let messages = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender_strategy(strategy)
        .sender(move |sources| {
            sources.of_file(path).lines().into_chunks(1.lines());
            sources.of_bytes("1\n2\n3\n4\n5").lines().into_chunks(1.kib());
        })
        .publish(&queue, "batches")
        .await?;
    ensure!(messages.handled() == 3 + 2, "{messages:?}");
    Ok(())
}

pub async fn batches_of_readers_and_queues_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(1);
    type Sender = Box<dyn FnOnce(&mut Sources<u64>) + Send>;
    let senders: [Sender; 3] = [
        Box::new(|s| s.of_reader(std::io::empty()).lines().into_chunks(1.lines())),
        Box::new(|s| s.of_async_reader(futures_lite::io::empty()).lines().into_chunks(1.lines())),
        Box::new(move |s| s.of_queue(&queue).lines()),
    ];
    for sender in senders {
        let run = AsyncTask::emits::<u64>()
            .on(&rt)
            .sender_strategy(SenderStrategy::Batched { size: 4, delay: 1.hours() })
            .sender(sender)
            .for_each(|_: Event<u64>| {});
        match failed(run.await)? {
            AsyncTaskError::InvalidConfig(reason) => ensure!(reason.contains("Batched"), "{reason}"),
            other => bail!("not refused: {other:?}"),
        }
    }
    Ok(())
}
