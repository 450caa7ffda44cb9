//! The program that runs rows of the table by name:
//! `benchmarks p1 p2 p4 p5 p6 p7 p8 p9 p10 p11 p12 p13 p15 p17 convert locks overload responsive`.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use clap::{Parser, ValueEnum};
use side_by_side::backend::{Backend, Smol, Tokio};
use side_by_side::data::Csv;
use side_by_side::{
    Failure, Size, convert, locks, overload, p1, p2, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p15, p17,
    responsive,
};

/// Measures Sweet Async against its peers, in the same run.
#[derive(Parser)]
struct Arguments {
    /// Rows to run; all if none is named.
    rows: Vec<RowName>,
    /// One backend only.
    #[arg(long)]
    backend: Option<BackendName>,
    /// Rounds of each row; a third of it for P7, P8, P11, P12, convert and overload, a seventh for P9 and P17.
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// Tasks in a round of P1, P2 and P13; a tenth of it for P15.
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,
    /// Items in a round of P4; an eighth of it for P5.
    #[arg(long, default_value_t = 4_000_000)]
    items: u64,
    /// Inserts in a round of P6.
    #[arg(long, default_value_t = 2_000_000)]
    inserts: u64,
    /// Megabytes of generated CSV in P7, P8 and convert.
    #[arg(long, default_value_t = 200)]
    megabytes: u64,
    /// Millions of rows in P17.
    #[arg(long, default_value_t = 100)]
    million_rows: u64,
    /// KiB in a chunk of P7, P8, P9, P12, P17 and convert.
    #[arg(long, default_value_t = 256)]
    chunk_kib: usize,
    /// Threads of each runtime, and workers of each pipeline.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Runs one side of P8 once and prints its nanoseconds, or the fold of P9 and prints its peak memory.
    /// These rows call it.
    #[arg(long, hide = true, requires = "input")]
    once: Option<String>,
    #[arg(long, hide = true)]
    input: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RowName {
    P1,
    P2,
    P4,
    P5,
    P6,
    P7,
    P8,
    P9,
    P10,
    P11,
    P12,
    P13,
    P15,
    P17,
    Convert,
    Locks,
    Overload,
    Responsive,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BackendName {
    Tokio,
    Smol,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let wanted = |name| arguments.backend.is_none_or(|backend| backend == name);
    if let (Some(side), Some(input)) = (&arguments.once, &arguments.input) {
        let output = match arguments.backend {
            Some(BackendName::Smol) => {
                once(&Smol::multi_thread(arguments.workers)?, side, input, &size(&arguments))?
            }
            _ => once(&Tokio::multi_thread(arguments.workers)?, side, input, &size(&arguments))?,
        };
        println!("{output}");
        return Ok(());
    }
    let csv = if arguments.rows.is_empty()
        || arguments.rows.iter().any(|row| matches!(row, RowName::P7 | RowName::P8 | RowName::Convert))
    {
        Some(Csv::generate(arguments.megabytes)?)
    } else {
        None
    };
    if wanted(BackendName::Tokio) {
        rows(&Tokio::multi_thread(arguments.workers)?, &arguments, csv.as_ref())?;
    }
    if wanted(BackendName::Smol) {
        rows(&Smol::multi_thread(arguments.workers)?, &arguments, csv.as_ref())?;
    }
    Ok(())
}

fn once<B: Backend>(backend: &B, side: &str, input: &str, size: &Size) -> Result<u128, Failure> {
    Ok(match side {
        "p9" => p9::once(backend, input.parse()?, size)?.into(),
        side => p8::once(backend, side, &Csv::from_description(input)?, size)?.as_nanos(),
    })
}

fn size(arguments: &Arguments) -> Size {
    let Arguments { rounds, tasks, items, inserts, chunk_kib, workers, .. } = *arguments;
    Size { rounds, tasks, items, inserts, chunk_kib, workers }
}

fn rows<B: Backend>(backend: &B, arguments: &Arguments, csv: Option<&Csv>) -> Result<(), Failure> {
    let all = RowName::value_variants();
    let names = if arguments.rows.is_empty() { all } else { &arguments.rows };
    let size = size(arguments);
    // Fewer rounds, since these take seconds each.
    let long = Size { rounds: size.rounds.div_ceil(3), ..size.clone() };
    let longest = Size { rounds: size.rounds.div_ceil(7), ..size.clone() };
    for name in names {
        match (name, csv) {
            (RowName::P1, _) => p1::measure(backend, &size)?,
            (RowName::P2, _) => p2::measure(backend, &size)?,
            (RowName::P4, _) => p4::measure(backend, &size)?,
            (RowName::P5, _) => p5::measure(backend, &size)?,
            (RowName::P6, _) => p6::measure(backend, &size)?,
            (RowName::P7, Some(csv)) => p7::measure(backend, csv, &long)?,
            (RowName::P8, Some(csv)) => p8::measure(backend, csv, &long)?,
            (RowName::P9, _) => p9::measure(backend, &longest)?,
            (RowName::P10, _) => p10::measure(backend, &size)?,
            (RowName::P11, _) => p11::measure(backend, &long)?,
            (RowName::P12, _) => p12::measure(backend, &long)?,
            (RowName::P13, _) => p13::measure(backend, &size)?,
            (RowName::P15, _) => p15::measure(backend, &size)?,
            (RowName::P17, _) => {
                let input = p17::Measurements::generate(arguments.million_rows * 1_000_000)?;
                p17::measure(backend, &input, &longest)?;
            }
            (RowName::Convert, Some(csv)) => convert::measure(backend, csv, &long)?,
            (RowName::Responsive, _) => responsive::measure(backend, &size)?,
            (RowName::Locks, _) => locks::measure(backend, &size)?,
            (RowName::Overload, _) => overload::measure(backend, &size)?,
            (RowName::P7 | RowName::P8 | RowName::Convert, None) => {}
        }
    }
    Ok(())
}
