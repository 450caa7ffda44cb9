//! Generated CSV with quotes, commas and line ends inside quotes, and the type of its rows.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use tempfile::NamedTempFile;

use crate::Failure;

/// The header of the file.
const HEADER: &str = "id,name,city,amount,quantity,note\n";

/// A row that owns its strings.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Distinct in every row of a [`Csv`]; a [`Repeated`] repeats it in each block.
    pub id: u64,
    /// May hold a comma.
    pub name: String,
    /// One of a few cities.
    pub city: String,
    /// A number with two decimals.
    pub amount: f64,
    /// Less than a thousand.
    pub quantity: u32,
    /// May hold line ends and quotes; often empty.
    pub note: String,
}

/// A generated file. It is deleted when the value that generated it is dropped.
pub struct Csv {
    /// `None` in a process that reads the file of another process.
    _file: Option<NamedTempFile>,
    path: PathBuf,
    /// The number of rows, without the header.
    pub rows: u64,
    /// The number of bytes, with the header.
    pub bytes: u64,
    /// The sum of all quantities: the result that a fold must have.
    pub quantity: u64,
    /// The offset of the row that begins about half-way. A peer with two threads is given this split for
    /// free.
    pub middle: u64,
}

impl Csv {
    /// Generates about `megabytes` megabytes, with the same content each time.
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

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A description of the file for another process, which reads it with
    /// [`from_description`](Self::from_description).
    pub fn describe(&self) -> String {
        let Self { rows, bytes, quantity, middle, .. } = self;
        format!("{rows},{bytes},{quantity},{middle},{}", self.path.display())
    }

    /// The file that another process has described.
    ///
    /// # Errors
    ///
    /// If `description` was not made by [`describe`](Self::describe).
    pub fn from_description(description: &str) -> Result<Self, Failure> {
        let mut parts = description.splitn(5, ',');
        let mut number = || -> Result<u64, Failure> { Ok(parts.next().unwrap_or_default().parse()?) };
        let (rows, bytes, quantity, middle) = (number()?, number()?, number()?, number()?);
        let path = parts.next().ok_or("no path")?.into();
        Ok(Self { _file: None, path, rows, bytes, quantity, middle })
    }

    /// A csv reader over the whole file, with a large buffer.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn reader(&self) -> Result<csv::Reader<File>, Failure> {
        Ok(csv::ReaderBuilder::new().buffer_capacity(1 << 20).from_reader(File::open(self.path())?))
    }

    /// A csv reader over the first or the second half of the file. Each half has the header.
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

    /// The sum of the quantities of all rows, to check the rows by.
    pub fn quantity_of<'a>(rows: impl Iterator<Item = &'a Record>) -> u64 {
        rows.map(|record| u64::from(record.quantity)).sum()
    }
}

/// Rows in the block that is read repeatedly.
const BLOCK_ROWS: u64 = 10_000;

/// Generated CSV that is in no file: a header, and one block of rows, repeated.
#[derive(Clone)]
pub struct Repeated {
    block: Bytes,
    /// The rest of the header or of the block that is being read.
    reading: Bytes,
    /// The number of blocks that are still to be read.
    blocks: u64,
    /// The number of rows, without the header.
    pub rows: u64,
    /// The sum of all quantities.
    pub quantity: u64,
}

impl Repeated {
    /// Whole blocks of rows, at least `megabytes` in all.
    ///
    /// # Errors
    ///
    /// The error of writing rows into memory.
    pub fn megabytes(megabytes: u64) -> Result<Self, Failure> {
        let one = Self::blocks(1)?;
        Self::blocks((megabytes * 1_000_000).div_ceil(one.block.len() as u64))
    }

    /// Whole blocks of rows, at least `rows` of them.
    ///
    /// # Errors
    ///
    /// The error of writing rows into memory.
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

/// Writes one row and returns its quantity.
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
    // The multiplier is odd, so that ids are distinct, and in no order.
    let id = number.wrapping_mul(0x9E37_79B1) % (1 << 32);
    writeln!(row, "{id},{name},{city},{}.{:02},{quantity},{note}", cents / 100, cents % 100)?;
    Ok(u64::from(quantity))
}
