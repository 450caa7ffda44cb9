//! Rows that are measured in interleaved rounds. Every side runs once in each round, the order rotates, and
//! ratios are taken inside a round, so that a machine that is slower for a while is slower for all sides.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::time::{Duration, Instant};

use crate::Failure;

/// The least processor time that is reported. The system counts it in hundredths of a second, so less
/// than this is not meaningful.
const LEAST_CPU: Duration = Duration::from_millis(200);

/// Runs one side once and returns the time of one operation, in nanoseconds.
type Run<'a> = Box<dyn FnMut() -> Result<f64, Failure> + 'a>;

struct Side<'a> {
    name: String,
    run: Run<'a>,
    operations: f64,
    times: Vec<f64>,
    /// Processor time of one operation in nanoseconds, of all threads and child processes, where the system
    /// reports it.
    cpu: Vec<f64>,
}

struct Ratio {
    ours: String,
    /// The sides that it is compared with. The best of them counts.
    peers: Vec<String>,
    goal: Option<f64>,
}

/// By how many nanoseconds an operation of one side takes longer than one of another.
struct Difference {
    ours: String,
    peer: String,
    goal: Option<f64>,
}

/// One row of the table: its sides, and the ratios and differences between them.
pub struct Row<'a> {
    title: String,
    rounds: usize,
    sides: Vec<Side<'a>>,
    ratios: Vec<Ratio>,
    differences: Vec<Difference>,
}

/// The median and the extremes of some numbers.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// The spread of `numbers`; `None` if there are none.
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        Some(Self { median: *sorted.get(sorted.len() / 2)?, min, max })
    }
}

impl<'a> Row<'a> {
    /// A row without sides.
    pub fn new(title: impl Into<String>, rounds: usize) -> Self {
        Self { title: title.into(), rounds, sides: Vec::new(), ratios: Vec::new(), differences: Vec::new() }
    }

    /// Adds a side. `run` does `operations` operations and returns the time that they took.
    pub fn side(
        &mut self,
        name: impl Into<String>,
        operations: f64,
        mut run: impl FnMut() -> Result<Duration, Failure> + 'a,
    ) -> &mut Self {
        let run: Run<'a> = Box::new(move || Ok(run()?.as_nanos() as f64 / operations));
        self.sides.push(Side { name: name.into(), run, operations, times: Vec::new(), cpu: Vec::new() });
        self
    }

    /// Compares two sides that were added.
    pub fn ratio(&mut self, ours: &str, peer: &str, goal: Option<f64>) -> &mut Self {
        self.ratio_to_best(ours, &[peer.to_owned()], goal)
    }

    /// Compares a side with the one of `peers` that has the least median.
    pub fn ratio_to_best(&mut self, ours: &str, peers: &[String], goal: Option<f64>) -> &mut Self {
        self.ratios.push(Ratio { ours: ours.to_owned(), peers: peers.to_owned(), goal });
        self
    }

    /// Compares two sides that were added by the difference of their times; the goal is in nanoseconds.
    pub fn difference(&mut self, ours: &str, peer: &str, goal: Option<f64>) -> &mut Self {
        self.differences.push(Difference { ours: ours.to_owned(), peer: peer.to_owned(), goal });
        self
    }

    /// The times of a side in each round.
    fn times(&self, name: &str) -> Option<&[f64]> {
        self.sides.iter().find(|side| side.name == name).map(|side| &*side.times)
    }

    /// Runs all rounds and prints the row.
    ///
    /// # Errors
    ///
    /// The error of the first side that fails.
    pub fn measure(&mut self) -> Result<(), Failure> {
        let count = self.sides.len();
        for round in 0..=self.rounds {
            for offset in 0..count {
                let Some(side) = self.sides.get_mut((round + offset) % count) else { continue };
                let before = processor_time();
                let time = (side.run)()?;
                // The first round warms up the allocator, the page cache and the threads.
                if round > 0 {
                    side.times.push(time);
                    let spent = before.and_then(|before| Some(processor_time()?.saturating_sub(before)));
                    let spent = spent.filter(|spent| *spent >= LEAST_CPU);
                    side.cpu.extend(spent.map(|spent| spent.as_nanos() as f64 / side.operations));
                }
            }
        }
        println!("\n{} ({} rounds)", self.title, self.rounds);
        for side in &self.sides {
            if let Some(Spread { median, min, max }) = Spread::of(&side.times) {
                let cpu = Spread::of(&side.cpu)
                    .map_or(String::new(), |cpu| format!(", processor {}", human(cpu.median)));
                let (time, min, max) = (human(median), human(min), human(max));
                println!("  {:<34} {time:>10} ({min}..{max}){cpu}", side.name);
            }
        }
        for Ratio { ours, peers, goal } in &self.ratios {
            let Some(peer) = self.best(peers) else { continue };
            let (Some(mine), Some(theirs)) = (self.times(ours), self.times(peer)) else { continue };
            let ratios: Vec<f64> = mine.iter().zip(theirs).map(|(mine, theirs)| mine / theirs).collect();
            let Some(Spread { median, min, max }) = Spread::of(&ratios) else { continue };
            let goal = verdict(median, *goal);
            println!(
                "  {ours} / {peer}: {median:.3} ({min:.3}..{max:.3}){goal}{}",
                self.cpu_ratio(ours, peer)
            );
        }
        for Difference { ours, peer, goal } in &self.differences {
            let (Some(mine), Some(theirs)) = (self.times(ours), self.times(peer)) else { continue };
            let more: Vec<f64> = mine.iter().zip(theirs).map(|(mine, theirs)| mine - theirs).collect();
            let Some(Spread { median, min, max }) = Spread::of(&more) else { continue };
            println!("  {ours} - {peer}: {median:.1} ns ({min:.1}..{max:.1}){}", verdict(median, *goal));
        }
        Ok(())
    }

    fn best<'n>(&self, names: &'n [String]) -> Option<&'n String> {
        let median = |name: &String| {
            let side = self.sides.iter().find(|side| side.name == *name)?;
            Some(Spread::of(&side.times)?.median)
        };
        let medians = names.iter().filter_map(|name| Some((name, median(name)?)));
        Some(medians.min_by(|(_, a), (_, b)| a.total_cmp(b))?.0)
    }

    /// The ratio of the processor times, which other programs on the machine disturb less.
    fn cpu_ratio(&self, ours: &str, peer: &str) -> String {
        let cpu = |name: &str| Spread::of(&self.sides.iter().find(|side| side.name == name)?.cpu);
        match (cpu(ours), cpu(peer)) {
            (Some(ours), Some(peer)) if peer.median > 0.0 => {
                format!("; processor time {:.2}", ours.median / peer.median)
            }
            _ => String::new(),
        }
    }
}

/// The value below which `part` of `sorted` lies; 0 if there are no values.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let index = (sorted.len() as f64 * part) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Processor time of this process and of its children that have been waited for, to a hundredth of a second.
/// Threads that have ended are included.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field may hold spaces. Fields 14 and 15 are user and system time, 16 and 17 those of
    // children.
    let fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let ticks = fields.take(4).map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Whether `median` meets the goal, if there is one.
fn verdict(median: f64, goal: Option<f64>) -> String {
    goal.map_or(String::new(), |goal| {
        format!("  goal {goal:.2}: {}", if median <= goal { "met" } else { "MISSED" })
    })
}

fn human(nanos: f64) -> String {
    if nanos >= 1e9 {
        format!("{:.2} s", nanos / 1e9)
    } else if nanos >= 1e6 {
        format!("{:.1} ms", nanos / 1e6)
    } else {
        format!("{nanos:.1} ns")
    }
}

/// Times `work`. Its output is dropped after the clock has stopped.
///
/// # Errors
///
/// The error of `work`.
pub fn timed<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<Duration, Failure> {
    let start = Instant::now();
    let output = work()?;
    let took = start.elapsed();
    drop(output);
    Ok(took)
}

/// Checks a result: a benchmark of wrong results measures nothing.
///
/// # Errors
///
/// If the result is not the expected one.
pub fn check<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), Failure> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} in place of {expected:?}").into()) }
}
