//! The rows of the table: numbers, whose flaws are a part of them.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{self, Serialize, SerializeStruct as _, Serializer};

use super::table::{Combination, Fault};
use crate::kit::explode;

/// The number of rows.
pub(super) const ROWS: u64 = 30;

/// The number of rows in a chunk.
pub(super) const CHUNK: usize = 4;

/// The value of a flaw: the rows are less.
const FLAW: u64 = 1000;

/// A fault of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Its text is not that of a number. No row has it: the text has something else in its place.
    IsNoNumber,
    ParsePanics,
    ClonePanics,
    /// It has no text.
    WriteFails,
    WritePanics,
}

/// A row, or one of the values that stages have made of it.
#[derive(Debug, PartialEq, serde::Deserialize)]
pub(super) struct Number {
    /// The row, and a thousand times the number of its flaw.
    #[serde(deserialize_with = "parsed")]
    pub(super) n: u64,
    /// The index of the value among those of its row.
    #[serde(default)]
    pub(super) part: u64,
}

/// True for the rows that a fault of rows is about.
pub(super) fn is_picked(n: u64) -> bool {
    n % 11 == 5
}

/// True for the rows that cannot be parsed, where some cannot.
pub(super) fn is_bad(n: u64) -> bool {
    n % 9 == 4
}

impl Number {
    /// The row `n` as the source gives it.
    pub(super) fn of(n: u64, combination: Combination) -> Self {
        let is_picked = is_picked(n);
        let flaw = match combination.fault {
            Fault::ParsePanics if is_bad(n) => 2,
            _ if combination.has_bad_rows() && is_bad(n) => 1,
            Fault::ClonePanics if is_picked => 3,
            Fault::TextFails if is_picked => 4,
            Fault::TextPanics if is_picked => 5,
            _ => 0,
        };
        Self { n: n + flaw * FLAW, part: 0 }
    }

    pub(super) fn row(&self) -> u64 {
        self.n % FLAW
    }

    pub(super) fn flaw(&self) -> Option<Flaw> {
        match self.n / FLAW {
            1 => Some(Flaw::IsNoNumber),
            2 => Some(Flaw::ParsePanics),
            3 => Some(Flaw::ClonePanics),
            4 => Some(Flaw::WriteFails),
            5 => Some(Flaw::WritePanics),
            _ => None,
        }
    }

    fn checked(self) -> Self {
        if self.flaw() == Some(Flaw::ParsePanics) { explode("a row panics") } else { self }
    }
}

fn parsed<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok(Number { n: u64::deserialize(from)?, part: 0 }.checked().n)
}

impl Clone for Number {
    fn clone(&self) -> Self {
        if self.flaw() == Some(Flaw::ClonePanics) {
            explode::<()>("a clone panics");
        }
        Self { n: self.n, part: self.part }
    }
}

/// A row, and the part of it after a slash if it has one.
impl FromStr for Number {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (n, part) = text.split_once('/').unwrap_or((text, "0"));
        Ok(Self { n: n.parse()?, part: part.parse()? }.checked())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flaw() {
            // A line has no end within.
            Some(Flaw::WriteFails) => f.write_str("\n"),
            Some(Flaw::WritePanics) => explode("a row panics"),
            _ => write!(f, "{}/{}", self.n, self.part),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        let mut fields = into.serialize_struct("Number", 2)?;
        fields.serialize_field("n", &self.n)?;
        match self.flaw() {
            Some(Flaw::WriteFails) => return Err(ser::Error::custom("it has no text")),
            Some(Flaw::WritePanics) => explode("a row panics"),
            _ => fields.serialize_field("part", &self.part)?,
        }
        fields.end()
    }
}
