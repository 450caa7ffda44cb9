//! Sums of usage, and the atomics that hold them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::usage::{CpuUsage, IoCount, IoUsage, MemoryUsage, TaskMetrics};

/// Flags of `Sums::known`: a figure without its flag is not known.
pub(super) const CPU: u8 = 1;
pub(super) const MEMORY: u8 = 1 << 1;
/// Some allocations were counted, and others were not.
pub(super) const UNCOUNTED: u8 = 1 << 2;
pub(super) const IO: u8 = 1 << 3;

const NUMBERS: usize = 11;

/// Sums of usage. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub(super) used: Used,
    pub(super) read: Direction,
    pub(super) written: Direction,
    pub(super) known: u8,
}

/// The part of the sums that a thread's own counters give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) cpu: u64,
    /// The part of `cpu` that was spent in the system.
    pub(super) system: u64,
    pub(super) allocated: u64,
    pub(super) freed: u64,
    pub(super) allocations: u64,
}

impl Used {
    fn numbers(&self) -> [u64; 5] {
        [self.cpu, self.system, self.allocated, self.freed, self.allocations]
    }

    fn with(self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            cpu: f(self.cpu, other.cpu),
            system: f(self.system, other.system),
            allocated: f(self.allocated, other.allocated),
            freed: f(self.freed, other.freed),
            allocations: f(self.allocations, other.allocations),
        }
    }

    /// The sum of both.
    pub(super) fn plus(self, other: &Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// The difference between this and `other`; no number falls below zero.
    pub(super) fn minus(self, other: &Self) -> Self {
        self.with(other, u64::saturating_sub)
    }
}

/// One direction of input and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Direction {
    pub(super) bytes: u64,
    pub(super) operations: u64,
    pub(super) nanos: u64,
}

impl Direction {
    fn to_count(self) -> IoCount {
        IoCount { bytes: self.bytes, operations: self.operations, latency: Duration::from_nanos(self.nanos) }
    }
}

impl Sums {
    fn numbers(&self) -> [u64; NUMBERS] {
        let Self { read, written, .. } = self;
        let [cpu, system, allocated, freed, allocations] = self.used.numbers();
        [
            cpu,
            system,
            allocated,
            freed,
            allocations,
            read.bytes,
            read.operations,
            read.nanos,
            written.bytes,
            written.operations,
            written.nanos,
        ]
    }

    fn of(numbers: [u64; NUMBERS], known: u8) -> Self {
        let [cpu, system, allocated, freed, allocations, read @ .., bytes, operations, nanos] = numbers;
        let written = Direction { bytes, operations, nanos };
        let [bytes, operations, nanos] = read;
        let used = Used { cpu, system, allocated, freed, allocations };
        Self { used, read: Direction { bytes, operations, nanos }, written, known }
    }

    /// The sum of both.
    pub fn plus(self, other: &Self) -> Self {
        let (mut sum, known) = (self.numbers(), self.known | other.known);
        for (sum, more) in sum.iter_mut().zip(other.numbers()) {
            *sum = sum.saturating_add(more);
        }
        Self::of(sum, known)
    }

    /// The sums as metrics, for a task whose metrics were on for `wall`.
    pub fn to_metrics(self, wall: Option<Duration>) -> TaskMetrics {
        let has = |what| self.known & what != 0;
        let Used { cpu, allocated, freed, allocations, .. } = self.used;
        let system = self.used.system.min(cpu);
        TaskMetrics {
            cpu: has(CPU).then(|| CpuUsage {
                user: Duration::from_nanos(cpu - system),
                system: Duration::from_nanos(system),
                wall,
            }),
            memory: has(MEMORY).then(|| MemoryUsage {
                allocated,
                freed,
                allocations: (!has(UNCOUNTED)).then_some(allocations),
                wall,
            }),
            io: has(IO).then(|| IoUsage { read: self.read.to_count(), written: self.written.to_count() }),
            polls: None,
        }
    }
}

/// Sums that many threads may add to.
///
/// Each number stands for itself; a reader that must not miss an addition learns by other means that it is
/// complete. Release and Acquire: a reader that has seen an addition sees everything that was done before it.
#[derive(Default)]
pub(crate) struct Counters {
    numbers: [AtomicU64; NUMBERS],
    known: AtomicU8,
}

impl Counters {
    pub(crate) fn add(&self, sums: &Sums) {
        for (counter, more) in self.numbers.iter().zip(sums.numbers()) {
            if more != 0 {
                counter.fetch_add(more, Ordering::Release);
            }
        }
        self.know(sums.known);
    }

    /// As [`add`](Self::add), for sums that one thread at a time adds to: without a read-modify-write.
    pub(super) fn add_alone(&self, used: &Used, known: u8) {
        for (counter, more) in self.numbers.iter().zip(used.numbers()) {
            if more != 0 {
                let sum = counter.load(Ordering::Relaxed).saturating_add(more);
                counter.store(sum, Ordering::Release);
            }
        }
        self.know(known);
    }

    fn know(&self, known: u8) {
        if known & !self.known.load(Ordering::Relaxed) != 0 {
            self.known.fetch_or(known, Ordering::Relaxed);
        }
    }

    /// Raises each number to that of `sums`, if that is greater.
    pub(super) fn raise(&self, sums: &Sums) {
        for (counter, to) in self.numbers.iter().zip(sums.numbers()) {
            if to > counter.load(Ordering::Relaxed) {
                counter.fetch_max(to, Ordering::Relaxed);
            }
        }
        self.know(sums.known);
    }

    pub(crate) fn read(&self) -> Sums {
        let numbers = self.numbers.each_ref().map(|counter| counter.load(Ordering::Acquire));
        Sums::of(numbers, self.known.load(Ordering::Relaxed))
    }
}

/// Counters that most tasks do not need, made on first use.
#[derive(Default)]
pub(super) struct RareCounters(OnceLock<Box<Counters>>);

impl RareCounters {
    pub(super) fn get_or_make(&self) -> &Counters {
        self.0.get_or_init(Box::default)
    }

    /// Adds them to `sums`.
    pub(super) fn add_to(&self, sums: Sums) -> Sums {
        self.0.get().map_or(sums, |counters| sums.plus(&counters.read()))
    }
}
