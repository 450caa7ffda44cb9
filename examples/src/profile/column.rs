//! The statistics of one column, as seen by one worker.

use std::cmp::Reverse;

use super::sum::ExactSum;
use super::value::Value;

/// Counts and extremes of the cells that were added. Only when all rows have been seen is it known which of
/// them matter, so all are kept.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) empty: u64,
    pub(super) integers: u64,
    pub(super) floats: u64,
    pub(super) booleans: u64,
    pub(super) dates: u64,
    pub(super) texts: u64,
    /// Smallest and largest of the integers.
    pub(super) integer_range: Option<(i128, i128)>,
    /// Smallest and largest of all numbers.
    pub(super) range: Option<(f64, f64)>,
    pub(super) sum: ExactSum,
    pub(super) shortest: Option<Cell>,
    pub(super) longest: Option<Cell>,
}

/// A cell that stands out by its length.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) chars: usize,
    /// The position of the row in the file. Of cells of one length, the first in the file is kept.
    sequence: u64,
    pub(super) text: String,
}

impl Cell {
    /// The sort key that is least for the shortest cell.
    fn shortest_key(&self) -> (usize, u64) {
        (self.chars, self.sequence)
    }

    /// The sort key that is least for the longest cell.
    fn longest_key(&self) -> (Reverse<usize>, u64) {
        (Reverse(self.chars), self.sequence)
    }
}

impl Column {
    pub(super) fn add(&mut self, cell: &str, sequence: u64) {
        if cell.is_empty() {
            self.empty += 1;
            return;
        }
        match Value::of(cell) {
            Value::Integer(number) => {
                self.integers += 1;
                self.integer_range = widen(self.integer_range, (number, number), Ord::min, Ord::max);
                self.number(number as f64);
            }
            Value::Float(number) => {
                self.floats += 1;
                self.number(number);
            }
            Value::Boolean => self.booleans += 1,
            Value::Date => self.dates += 1,
            Value::Text => self.texts += 1,
        }
        let chars = cell.chars().count();
        let new = || Cell { chars, sequence, text: cell.to_owned() };
        if self.shortest.as_ref().is_none_or(|old| (chars, sequence) < old.shortest_key()) {
            self.shortest = Some(new());
        }
        if self.longest.as_ref().is_none_or(|old| (Reverse(chars), sequence) < old.longest_key()) {
            self.longest = Some(new());
        }
    }

    fn number(&mut self, number: f64) {
        self.range = widen(self.range, (number, number), least, most);
        self.sum.add(number);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.empty += other.empty;
        self.integers += other.integers;
        self.floats += other.floats;
        self.booleans += other.booleans;
        self.dates += other.dates;
        self.texts += other.texts;
        if let Some(range) = other.integer_range {
            self.integer_range = widen(self.integer_range, range, Ord::min, Ord::max);
        }
        if let Some(range) = other.range {
            self.range = widen(self.range, range, least, most);
        }
        self.sum.merge(&other.sum);
        let cells = [self.shortest.take(), other.shortest];
        self.shortest = cells.into_iter().flatten().min_by_key(Cell::shortest_key);
        let cells = [self.longest.take(), other.longest];
        self.longest = cells.into_iter().flatten().min_by_key(Cell::longest_key);
    }
}

/// Widens a range by another.
fn widen<N: Copy>(
    old: Option<(N, N)>,
    new: (N, N),
    min: fn(N, N) -> N,
    max: fn(N, N) -> N,
) -> Option<(N, N)> {
    Some(old.map_or(new, |old| (min(old.0, new.0), max(old.1, new.1))))
}

// By the total order, in which -0 is below 0: the result does not depend on which comes first.
fn least(a: f64, b: f64) -> f64 {
    if a.total_cmp(&b).is_le() { a } else { b }
}

fn most(a: f64, b: f64) -> f64 {
    if a.total_cmp(&b).is_ge() { a } else { b }
}
