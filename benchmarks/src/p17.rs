//! P17: a file of `name;number` lines, and the least, the mean and the greatest number of each name, against the
//! same written by hand on two threads with `memchr` and `hashbrown`.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::thread;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use memchr::{memchr, memrchr};
use sweet_async::pipeline::{ChunkSizeExt as _, Delimiter, Event, PipelineBuilder, Row as CsvRow};
use tempfile::NamedTempFile;

use crate::backend::Backend;
use crate::measure::{Row, check, timed};
use crate::{Failure, Size};

/// The number of names, as in the challenge of one billion rows.
const NAMES: usize = 413;

/// The length of the longest name.
const LONGEST: usize = 26;

/// The bytes that a thread of the peer reads at a time.
const BLOCK: usize = 1 << 20;

/// A generated file. It is deleted when the value is dropped.
pub struct Measurements {
    _file: NamedTempFile,
    path: PathBuf,
    rows: u64,
    bytes: u64,
    /// The sum of all numbers, in tenths: the result that each side must have.
    sum: i64,
}

impl Measurements {
    /// Generates `rows` lines, the same each time.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn generate(rows: u64) -> Result<Self, Failure> {
        let mut random = fastrand::Rng::with_seed(17);
        let mut name = || (0..random.usize(3..=LONGEST)).map(|_| random.lowercase()).collect::<String>();
        let names: Vec<String> = (0..NAMES).map(|_| name()).collect();
        let file = NamedTempFile::new()?;
        let mut out = BufWriter::with_capacity(1 << 20, file.as_file().try_clone()?);
        let mut sum = 0;
        for _ in 0..rows {
            let tenths = random.i64(-999..=999);
            sum += tenths;
            let name = random.choice(&names).map_or("", String::as_str);
            let sign = if tenths < 0 { "-" } else { "" };
            writeln!(out, "{name};{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)?;
        }
        out.flush()?;
        drop(out);
        let (path, bytes) = (file.path().to_owned(), file.as_file().metadata()?.len());
        Ok(Self { _file: file, path, rows, bytes, sum })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self, all: &Stations) -> Result<(), Failure> {
        check(&all.len(), &NAMES)?;
        check(&all.values().map(|station| station.sum).sum::<i64>(), &self.sum)?;
        check(&all.values().map(|station| station.count).sum::<u64>(), &self.rows)
    }
}

/// The numbers of one name, in tenths.
struct Station {
    min: i64,
    max: i64,
    sum: i64,
    count: u64,
}

type Stations = HashMap<Box<[u8]>, Station, RandomState>;

fn add(stations: &mut Stations, name: &[u8], tenths: i64) {
    match stations.get_mut(name) {
        Some(station) => {
            station.min = station.min.min(tenths);
            station.max = station.max.max(tenths);
            station.sum += tenths;
            station.count += 1;
        }
        None => {
            stations.insert(name.into(), Station { min: tenths, max: tenths, sum: tenths, count: 1 });
        }
    }
}

fn merge(mut left: Stations, right: Stations) -> Stations {
    for (name, station) in right {
        match left.get_mut(&name) {
            Some(found) => {
                found.min = found.min.min(station.min);
                found.max = found.max.max(station.max);
                found.sum += station.sum;
                found.count += station.count;
            }
            None => {
                left.insert(name, station);
            }
        }
    }
    left
}

/// A number with one decimal, in tenths. All sides use it.
fn tenths(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    let mut number = 0;
    for byte in digits {
        match byte {
            b'.' => {}
            b'0'..=b'9' => number = number * 10 + i64::from(byte - b'0'),
            _ => return None,
        }
    }
    Some(if is_negative { -number } else { number })
}

fn split(line: &[u8]) -> Option<(&[u8], i64)> {
    let (name, rest) = line.split_at_checked(memchr(b';', line)?)?;
    Some((name, tenths(rest.get(1..)?)?))
}

/// A line whose name is kept in place.
struct Measurement {
    name: [u8; LONGEST],
    len: u8,
    tenths: i64,
}

impl FromStr for Measurement {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Self, &'static str> {
        let (text, tenths) = split(line.as_bytes()).ok_or("no name and number")?;
        let mut name = [0; LONGEST];
        name.get_mut(..text.len()).ok_or("a longer name")?.copy_from_slice(text);
        Ok(Self { name, len: text.len() as u8, tenths })
    }
}

impl Measurement {
    fn name(&self) -> &[u8] {
        self.name.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// A pipeline over lines, each parsed by `FromStr`.
async fn lines<B: Backend>(backend: &B, input: &Measurements, size: &Size) -> Result<(), Failure> {
    let (path, chunk_kib) = (input.path().to_owned(), size.chunk_kib);
    let (all, _) = PipelineBuilder::<Measurement, _>::new(backend.runtime().clone())
        .workers(size.workers)
        .sender(move |sources| sources.of_file(path).lines().into_chunks(chunk_kib.kib()))
        .fold(
            Stations::default,
            |all, event: Event<Measurement>| add(all, event.data().name(), event.data().tenths),
            merge,
        )
        .await?;
    input.check(&all)
}

/// A pipeline over rows of CSV that borrow.
async fn rows<B: Backend>(backend: &B, input: &Measurements, size: &Size) -> Result<(), Failure> {
    let (path, chunk_kib) = (input.path().to_owned(), size.chunk_kib);
    let add = |all: &mut Stations, event: Event<CsvRow>| {
        let row = event.data();
        let number = row.get(1).and_then(tenths).ok_or("no number")?;
        add(all, row.get(0).unwrap_or_default(), number);
        Ok::<(), Failure>(())
    };
    let (all, _) = PipelineBuilder::<CsvRow, _>::new(backend.runtime().clone())
        .workers(size.workers)
        .sender(move |sources| {
            let source = sources.of_file(path).with_delimiter(Delimiter::Custom(';')).with_quote(None);
            source.with_headers(false).into_chunks(chunk_kib.kib());
        })
        .fold(Stations::default, add, merge)
        .await?;
    input.check(&all)
}

/// The peer: each thread reads its part of the file in blocks.
fn by_hand(input: &Measurements, threads: usize) -> Result<(), Failure> {
    let part = input.bytes / threads as u64;
    let begins = (0..threads as u64).map(|index| index * part);
    let all = thread::scope(|scope| {
        let parts: Vec<_> = begins
            .map(|begin| {
                let end = if begin / part + 1 == threads as u64 { input.bytes } else { begin + part };
                scope.spawn(move || part_by_hand(input.path(), begin, end))
            })
            .collect();
        let mut all = Stations::default();
        for part in parts {
            all = merge(all, part.join().map_err(|_| "a thread has panicked")??);
        }
        Ok::<_, Failure>(all)
    })?;
    input.check(&all)
}

/// Reads the lines that begin after `begin`, or at the file's begin, up to the one that spans `end`.
fn part_by_hand(path: &Path, begin: u64, end: u64) -> Result<Stations, Failure> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(begin))?;
    let (mut all, mut at, mut kept) = (Stations::default(), begin, 0);
    let mut buffer = vec![0; BLOCK];
    let mut skips = begin > 0;
    loop {
        let read = file.read(buffer.get_mut(kept..).ok_or("a line is too long")?)?;
        let filled = kept + read;
        let block = buffer.get(..filled).unwrap_or_default();
        let whole = if read == 0 { filled } else { memrchr(b'\n', block).map_or(0, |last| last + 1) };
        let mut rest = block.get(..whole).unwrap_or_default();
        while !rest.is_empty() {
            // A line that begins at `end` is the other part's to skip.
            if at > end {
                return Ok(all);
            }
            let line_end = memchr(b'\n', rest).unwrap_or(rest.len());
            let (line, after) = rest.split_at_checked(line_end).ok_or("no line")?;
            if !std::mem::take(&mut skips) {
                let (name, number) = split(line).ok_or("no name and number")?;
                add(&mut all, name, number);
            }
            at += line_end as u64 + 1;
            rest = after.get(1..).unwrap_or_default();
        }
        if read == 0 {
            return Ok(all);
        }
        buffer.copy_within(whole..filled, 0);
        kept = filled - whole;
    }
}

const BY_HAND: &str = "by hand, two threads";

/// Measures the row.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, input: &Measurements, size: &Size) -> Result<(), Failure> {
    let title = format!(
        "P17 {}: {} rows, {} MB, min, mean and max by name, {} workers, chunks of {} KiB",
        B::NAME,
        input.rows,
        input.bytes / 1_000_000,
        size.workers,
        size.chunk_kib
    );
    Row::new(title, size.rounds)
        .side(BY_HAND, 1.0, || timed(|| by_hand(input, size.workers)))
        .side("lines", 1.0, || timed(|| backend.block_on(lines(backend, input, size))?))
        .side("rows", 1.0, || timed(|| backend.block_on(rows(backend, input, size))?))
        .ratio("lines", BY_HAND, Some(1.3))
        .ratio("rows", BY_HAND, None)
        .measure()
}
