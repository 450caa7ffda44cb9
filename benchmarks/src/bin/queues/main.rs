//! P16: queues. Messages through each engine against a bare claim/ack loop on the same client; rows of the flagship job
//! through it; and the time from publishing to claiming while a consumer waits.
//!
//! ```text
//! cargo run --profile bench -p benchmarks --features queues --bin queues                          # SQLite
//! scripts/with-postgres cargo run --profile bench -p benchmarks --features queues --bin queues    # and PostgreSQL
//! scripts/with-redis cargo run --profile bench -p benchmarks --features queues --bin queues       # and Redis
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

mod bare;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use serde::Deserialize;
use side_by_side::Failure;
use side_by_side::backend::{Backend, Smol, Tokio};
use side_by_side::measure::{Row, Spread};
use sweet_async::TaskBuilder;
use sweet_async::pipeline::{BoundedQueue, Claims, PipelineBuilder, Queue, QueueMessage};
use sweet_async::prelude::*;
use sweet_async_redis::RedisQueue;
use sweet_async_sql::{PostgresStore, SqliteStore};

use crate::bare::Bare;

/// A lease far longer than a round.
const LEASE: Duration = Duration::from_secs(600);

/// The bytes of a message.
const BODY: usize = 16 << 10;

/// Measures queues against bare loops on the same clients.
#[derive(Parser)]
struct Arguments {
    /// Rounds of each row.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Messages of a round.
    #[arg(long, default_value_t = 4_000)]
    messages: usize,
    /// Messages of a claim, and of an acknowledgement.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Millions of rows of the flagship job.
    #[arg(long, default_value_t = 2)]
    million_rows: u64,
}

/// A row of the flagship job.
#[derive(Deserialize)]
struct Amount {
    id: u64,
    amount: f64,
}

fn boxed(error: impl Into<sweet_async::BoxError>) -> Failure {
    error.into()
}

/// Fills a queue with messages that nobody has published before.
async fn fill<Q: Queue>(queue: &Q, job: &str, count: usize) -> Result<(), Failure> {
    let body = vec![7; BODY];
    for n in 0..count {
        queue.publish(QueueMessage::new(job, format!("{job}/{n}"), body.clone())).await.map_err(boxed)?;
    }
    queue.seal(job).await.map_err(boxed)
}

/// Claims and acknowledges all messages, and returns the time.
async fn consume<Q: Queue>(queue: &Q, job: &str, batch: usize) -> Result<Duration, Failure> {
    let begun = Instant::now();
    loop {
        match queue.claim(Some(job), batch, LEASE).await.map_err(boxed)? {
            Claims::Over => return Ok(begun.elapsed()),
            Claims::Empty => return Err("a message is held by nobody".into()),
            Claims::Messages(claims) => {
                let receipts: Vec<_> = claims.iter().map(|claim| claim.receipt.clone()).collect();
                queue.ack(&receipts).await.map_err(boxed)?;
            }
        }
    }
}

/// The row of an engine.
fn loops<B: Backend, Q: Queue>(
    args: &Arguments,
    backend: &B,
    name: &str,
    queue: &Q,
    bare: &mut dyn Bare,
) -> Result<(), Failure> {
    let (messages, batch) = (args.messages, args.batch);
    let title = format!("P16, {}, {name}: {messages} messages of 16 KiB, {batch} at a time", B::NAME);
    let (mut round, body) = (0, vec![7; BODY]);
    let mut row = Row::new(title, args.rounds);
    row.side("ours", messages as f64, || {
        round += 1;
        let job = format!("{}{name}{round}", B::NAME);
        backend.block_on(async {
            fill(queue, &job, messages).await?;
            consume(queue, &job, batch).await
        })?
    });
    row.side("bare loop", messages as f64, || {
        backend.block_on(async {
            bare.fill(messages, &body).await?;
            let begun = Instant::now();
            while bare.claim_and_ack(batch).await? > 0 {}
            Ok(begun.elapsed())
        })?
    });
    row.ratio("ours", "bare loop", Some(1.25)).measure()
}

/// Rows per second of a CSV file that is published, parsed by two workers, and collected by key.
fn flagship<B: Backend, Q: Queue>(
    args: &Arguments,
    backend: &B,
    name: &str,
    queue: &Q,
) -> Result<(), Failure> {
    let rows = args.million_rows * 1_000_000;
    let text: String = std::iter::once("id,amount\n".to_owned())
        .chain((0..rows).map(|n| format!("{n},{}.25\n", n % 1_000)))
        .collect();
    let text: Arc<str> = text.into();
    let mut times = Vec::new();
    for round in 0..args.rounds.min(5) {
        let (job, text, runtime) =
            (format!("{}rows{round}", B::NAME), text.clone(), backend.runtime().clone());
        let took = backend.block_on(async {
            let begun = Instant::now();
            let consumer = TaskBuilder::<usize, _>::new(runtime.clone()).spawn({
                let (queue, job, runtime) = (queue.clone(), job.clone(), runtime.clone());
                move || async move {
                    PipelineBuilder::<Amount, _>::new(runtime)
                        .workers(2)
                        .sender(move |sources| sources.of_queue(&queue).job(job).csv())
                        .receiver(|event, collector| {
                            let row = event.take_data();
                            collector.collect(row.id, row.amount);
                        })
                        .await_final_event(|event, collector| event.map(|_| collector.len()))
                        .await
                }
            });
            PipelineBuilder::<Amount, _>::new(runtime.clone())
                .sender(move |sources| sources.of_bytes(text.to_string()).into_chunks(256.kib()))
                .publish(queue, job)
                .await?;
            let found = consumer.await?;
            if found as u64 == rows {
                Ok::<_, Failure>(begun.elapsed())
            } else {
                Err("rows are missing".into())
            }
        })??;
        times.push(rows as f64 / took.as_secs_f64() / 1e6);
    }
    if let Some(Spread { median, min, max }) = Spread::of(&times) {
        println!(
            "P16, {}, {name}: {median:.2} M rows/s ({min:.2}..{max:.2}), two workers; goal 1.00",
            B::NAME
        );
    }
    Ok(())
}

/// The time from publishing to claiming, while a consumer waits.
fn latency<B: Backend, Q: Queue>(
    backend: &B,
    name: &str,
    consuming: &Q,
    publishing: &Q,
) -> Result<(), Failure> {
    let runtime = backend.runtime().clone();
    let job = format!("{}latency", B::NAME);
    let mut times = backend.block_on(async {
        let (heard, ears) = async_channel::unbounded();
        let (queue, on) = (consuming.clone(), runtime.clone());
        let consumer = TaskBuilder::<FinalEvent, _>::new(runtime.clone()).spawn(move || async move {
            PipelineBuilder::<u64, _>::new(on)
                .sender(move |sources| sources.of_queue(&queue).endless().lines())
                .for_each(move |_event| {
                    // The other end is there for as long as this pipeline.
                    let _ = heard.try_send(Instant::now());
                })
                .await
        });
        let mut times = Vec::new();
        for n in 0..60 {
            runtime.sleep(Duration::from_millis(37)).await?;
            let begun = Instant::now();
            let mut line = PipelineBuilder::<u64, _>::new(runtime.clone())
                .sender(move |sources| sources.of_bytes(format!("{n}\n")).lines().into_chunks(1.lines()))
                .publish(publishing, format!("{job}{n}"))
                .spawn();
            let at = ears.recv().await?;
            times.push((at - begun).as_secs_f64() * 1e3);
            (&mut line).await?;
        }
        drop(consumer);
        Ok::<_, Failure>(times)
    })??;
    // The first waits for the connection that listens.
    times.remove(0);
    if let Some(Spread { median, min, max }) = Spread::of(&times) {
        let name = format!("P16, {}, {name}", B::NAME);
        println!(
            "{name}: {median:.2} ms ({min:.2}..{max:.2}) from publishing to handling while idle; goal 10"
        );
    }
    Ok(())
}

fn all<B: Backend>(args: &Arguments, backend: &B) -> Result<(), Failure> {
    let bounded = BoundedQueue::new(NonZeroUsize::MAX);
    flagship(args, backend, "BoundedQueue", &bounded)?;

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("queues.db");
    let open = || backend.block_on(async { SqliteStore::open(&file).await?.queue("chunks").await });
    let (sqlite, other) = (open()??, open()??);
    let mut bare = backend.block_on(bare::Sqlite::connect(&folder.path().join("bare.db")))??;
    loops(args, backend, "SQLite", &sqlite, &mut bare)?;
    flagship(args, backend, "SQLite", &sqlite)?;
    latency(backend, "SQLite", &sqlite, &other)?;

    if let Ok(url) = std::env::var("POSTGRES_URL") {
        let open = || backend.block_on(async { PostgresStore::connect(&url).await?.queue("chunks").await });
        let (postgres, other) = (open()??, open()??);
        let mut bare = backend.block_on(bare::Postgres::connect(&url))??;
        loops(args, backend, "PostgreSQL", &postgres, &mut bare)?;
        flagship(args, backend, "PostgreSQL", &postgres)?;
        latency(backend, "PostgreSQL", &postgres, &other)?;
    }
    if let Ok(url) = std::env::var("REDIS_URL") {
        let open = || backend.block_on(RedisQueue::connect(&url, "chunks"));
        let (redis, other) = (open()??, open()??);
        let mut bare = backend.block_on(bare::Redis::connect(&url))??;
        loops(args, backend, "Redis", &redis, &mut bare)?;
        flagship(args, backend, "Redis", &redis)?;
        latency(backend, "Redis", &redis, &other)?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let args = Arguments::parse();
    all(&args, &Tokio::multi_thread(2)?)?;
    all(&args, &Smol::multi_thread(2)?)
}
