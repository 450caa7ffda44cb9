//! Generated CSV: quotes, commas and line ends inside quotes; and how its rows are typed.

use std::collections::HashMap;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use tempfile::NamedTempFile;

use crate::Failure;

/// The header, as in the file.
const HEADER: &str = "id,name,city,amount,quantity,note\n";

/// A row, with strings of its own.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Distinct in every row.
    pub id: u64,
    /// May hold a comma.
    pub name: String,
    /// One of a few.
    pub city: String,
    /// Two decimals.
    pub amount: f64,
    /// Less than a thousand.
    pub quantity: u32,
    /// May hold line ends and quotes; often empty.
    pub note: String,
}

/// A generated file, gone when its maker is dropped.
pub struct Csv {
    /// `None` in a process that was only told of it.
    _file: Option<NamedTempFile>,
    path: PathBuf,
    /// Rows, the header not counted.
    pub rows: u64,
    /// Bytes, header included.
    pub bytes: u64,
    /// Sum of all quantities: what a fold must find.
    pub quantity: u64,
    /// Where a row begins, about half-way: a peer with two threads gets its split for nothing.
    pub middle: u64,
}

impl Csv {
    /// Generates about so many megabytes, always the same.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn generate(megabytes: u64) -> Result<Self, Failure> {
        let file = NamedTempFile::new()?;
        let goal = megabytes * 1_000_000;
        let mut out = BufWriter::with_capacity(1 << 20, file.as_file().try_clone()?);
        out.write_all(HEADER.as_bytes())?;
        let (path, bytes) = (file.path().to_owned(), HEADER.len() as u64);
        let mut csv = Self { _file: Some(file), path, rows: 0, bytes, quantity: 0, middle: 0 };
        let mut random = fastrand::Rng::with_seed(1);
        let mut row = Vec::new();
        while csv.bytes < goal {
            if csv.middle == 0 && csv.bytes >= goal / 2 {
                csv.middle = csv.bytes;
            }
            row.clear();
            csv.quantity += write_row(&mut row, csv.rows, &mut random)?;
            csv.rows += 1;
            csv.bytes += row.len() as u64;
            out.write_all(&row)?;
        }
        out.flush()?;
        Ok(csv)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What another process must be told of it.
    pub fn told(&self) -> String {
        let Self { rows, bytes, quantity, middle, .. } = self;
        format!("{rows},{bytes},{quantity},{middle},{}", self.path.display())
    }

    /// The file that another process has told of.
    ///
    /// # Errors
    ///
    /// If that is not what [`told`](Self::told) gives.
    pub fn from_told(told: &str) -> Result<Self, Failure> {
        let mut parts = told.splitn(5, ',');
        let mut number = || -> Result<u64, Failure> { Ok(parts.next().unwrap_or_default().parse()?) };
        let (rows, bytes, quantity, middle) = (number()?, number()?, number()?, number()?);
        let path = parts.next().ok_or("no path")?.into();
        Ok(Self { _file: None, path, rows, bytes, quantity, middle })
    }

    /// A csv reader with a large buffer over the whole file.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn reader(&self) -> Result<csv::Reader<File>, Failure> {
        Ok(csv::ReaderBuilder::new().buffer_capacity(1 << 20).from_reader(File::open(self.path())?))
    }

    /// The same over its first half, or its second; each half has the header.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn half(&self, second: bool) -> Result<csv::Reader<impl Read + use<>>, Failure> {
        let (from, to) = if second { (self.middle, self.bytes) } else { (HEADER.len() as u64, self.middle) };
        let mut file = File::open(self.path())?;
        file.seek(SeekFrom::Start(from))?;
        let half = HEADER.as_bytes().chain(file.take(to - from));
        Ok(csv::ReaderBuilder::new().buffer_capacity(1 << 20).from_reader(half))
    }

    /// The quantities in a map of all rows: to check it by.
    pub fn quantity_in<S: BuildHasher>(map: &HashMap<u64, Record, S>) -> u64 {
        map.values().map(|record| u64::from(record.quantity)).sum()
    }
}

/// Rows in a block that is read again and again.
const BLOCK_ROWS: u64 = 10_000;

/// Generated CSV that is read and stands nowhere: a header, and one block of rows over and over.
#[derive(Clone)]
pub struct Repeated {
    block: Bytes,
    /// What is being read, and what of it is left.
    reading: Bytes,
    /// Blocks to come.
    blocks: u64,
    /// Rows, the header not counted.
    pub rows: u64,
    /// Sum of all quantities.
    pub quantity: u64,
}

impl Repeated {
    /// Whole blocks of rows, at least `megabytes` in all.
    ///
    /// # Errors
    ///
    /// That of writing rows into memory.
    pub fn megabytes(megabytes: u64) -> Result<Self, Failure> {
        let one = Self::blocks(1)?;
        Self::blocks((megabytes * 1_000_000).div_ceil(one.block.len() as u64))
    }

    /// Whole blocks of rows, at least `rows` of them.
    ///
    /// # Errors
    ///
    /// That of writing rows into memory.
    pub fn rows(rows: u64) -> Result<Self, Failure> {
        Self::blocks(rows.div_ceil(BLOCK_ROWS))
    }

    fn blocks(blocks: u64) -> Result<Self, Failure> {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut block, mut quantity) = (Vec::new(), 0);
        for number in 0..BLOCK_ROWS {
            quantity += write_row(&mut block, number, &mut random)?;
        }
        let (rows, quantity) = (BLOCK_ROWS * blocks, quantity * blocks);
        Ok(Self { block: block.into(), reading: HEADER.into(), blocks, rows, quantity })
    }
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.reading.is_empty() && self.blocks > 0 {
            self.reading = self.block.clone();
            self.blocks -= 1;
        }
        let count = self.reading.len().min(buffer.len());
        self.reading.split_to(count).as_ref().read(buffer)
    }
}

/// Writes one row; gives its quantity.
fn write_row(row: &mut Vec<u8>, number: u64, random: &mut fastrand::Rng) -> Result<u64, Failure> {
    const NAMES: [&str; 6] =
        ["Ada Lovelace", "\"Hopper, Grace\"", "Alan", "Edsger", "\"Knuth, Don\"", "Barbara"];
    const CITIES: [&str; 5] = ["Seattle", "Berlin", "Osaka", "Lima", "Nairobi"];
    const NOTES: [&str; 8] = [
        "",
        "",
        "paid",
        "late again",
        "\"two\nlines\"",
        "\"said \"\"later\"\", then left\"",
        "\"first, second\nand third\"",
        "a somewhat longer remark",
    ];
    let mut pick = |from: &[&'static str]| random.choice(from.iter().copied()).unwrap_or_default();
    let (name, city, note) = (pick(&NAMES), pick(&CITIES), pick(&NOTES));
    let (quantity, cents) = (random.u32(..1_000), random.u32(..10_000_000));
    // An odd multiplier: distinct ids, in no order.
    let id = number.wrapping_mul(0x9E37_79B1) % (1 << 32);
    writeln!(row, "{id},{name},{city},{}.{:02},{quantity},{note}", cents / 100, cents % 100)?;
    Ok(u64::from(quantity))
}
