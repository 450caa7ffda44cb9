//! The benchmarks of Sweet Async against its peers. Each row of the table in `README.md` has a module here.
//!
//! Three binaries use them. `benchmarks` measures times. `allocations` counts heap allocations; its counting
//! allocator would distort times. `instructions` counts instructions under valgrind.

#![forbid(unsafe_code)]

pub mod backend;
pub mod convert;
pub mod data;
pub mod locks;
pub mod measure;
pub mod observations;
pub mod overload;
pub mod p1;
pub mod p10;
pub mod p11;
pub mod p12;
pub mod p13;
pub mod p15;
pub mod p17;
pub mod p2;
pub mod p3;
pub mod p4;
pub mod p5;
pub mod p6;
pub mod p7;
pub mod p8;
pub mod p9;
pub mod responsive;
pub mod work;

/// The error of a benchmark. A benchmark that fails reports it and measures nothing.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The amounts that are measured, and the number of threads.
#[derive(Clone, Debug)]
pub struct Size {
    /// Rounds of a row. A [`Row`](measure::Row) runs one more first, which is not counted.
    pub rounds: usize,
    /// Tasks in a round of P1 and P2; a tenth of it for P15.
    pub tasks: usize,
    /// Items in a round of P4.
    pub items: u64,
    /// Inserts in a round of P6.
    pub inserts: u64,
    /// KiB in a chunk of P7, P8, P9, P12 and convert.
    pub chunk_kib: usize,
    /// Threads of each runtime, and workers of each pipeline.
    pub workers: usize,
}
