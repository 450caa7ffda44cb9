//! P7: CSV read into typed rows and folded, against csv + serde in one thread.

use sweet_async::pipeline::{ChunkSizeExt as _, Event, PipelineBuilder};

use crate::backend::Backend;
use crate::data::{Csv, Record};
use crate::measure::{Row, check, timed};
use crate::{Failure, Size};

/// The pipeline's fold over the file.
///
/// # Errors
///
/// The pipeline's, or a wrong result.
pub async fn fold<B: Backend>(
    backend: &B,
    csv: &Csv,
    chunk_kib: usize,
    workers: usize,
) -> Result<(), Failure> {
    let path = csv.path().to_owned();
    let add = |(sum, amount): &mut (u64, f64), event: Event<Record>| {
        *sum += u64::from(event.data().quantity);
        *amount += event.data().amount;
    };
    let (folded, summary) = PipelineBuilder::<Record, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of_file(path).into_chunks(chunk_kib.kib()))
        .fold(|| (0, 0.0), add, |a, b| (a.0 + b.0, a.1 + b.1))
        .await?;
    check(&folded.0, &csv.quantity)?;
    check(&summary.handled(), &csv.rows)
}

/// The peer.
///
/// # Errors
///
/// The reader's, or a wrong result.
pub fn serial(csv: &Csv) -> Result<(), Failure> {
    let (mut sum, mut amount) = (0, 0.0);
    for record in csv.reader()?.deserialize::<Record>() {
        let record = record?;
        sum += u64::from(record.quantity);
        amount += record.amount;
    }
    std::hint::black_box(amount);
    check(&sum, &csv.quantity)
}

/// Measures the row.
///
/// # Errors
///
/// A side's.
pub fn measure<B: Backend>(backend: &B, csv: &Csv, size: &Size) -> Result<(), Failure> {
    let Size { rounds, chunk_kib, workers, .. } = *size;
    let title = format!(
        "P7 {}: {} rows, {} MB, folded, {workers} workers, chunks of {chunk_kib} KiB",
        B::NAME,
        csv.rows,
        csv.bytes / 1_000_000
    );
    Row::new(title, rounds)
        .side("serial csv + serde", 1.0, || timed(|| serial(csv)))
        .side("fold", 1.0, || timed(|| backend.block_on(fold(backend, csv, chunk_kib, workers))?))
        .ratio("fold", "serial csv + serde", Some(0.55))
        .measure()
}
