//! What happened, and when.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sweet_async::{AsyncTaskError, BreakerState};

/// Each line of the table is about so long.
const STEP: Duration = Duration::from_millis(200);

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was answered.
    Answered,
    /// It has failed, each time.
    Failed,
    /// The breaker was open.
    Refused,
    /// Too many waited.
    Shed,
    /// Its time was up.
    Late,
}

#[derive(Default)]
struct Line {
    attempts: u32,
    ended: BTreeMap<Kind, u32>,
    urgent: u32,
    turns: Vec<BreakerState>,
}

/// What happened, by time. Its `Display` is a table.
pub struct Ledger {
    begun: Instant,
    lines: Mutex<BTreeMap<u128, Line>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { begun: Instant::now(), lines: Mutex::default() }
    }
}

impl Ledger {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<u128, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, change: impl FnOnce(&mut Line)) {
        let step = self.begun.elapsed().as_nanos() / STEP.as_nanos();
        change(self.lines().entry(step).or_default());
    }

    /// The server is asked.
    pub fn attempted(&self) {
        self.now(|line| line.attempts += 1);
    }

    /// A call has ended.
    pub fn enter(&self, urgent: bool, result: Result<u32, AsyncTaskError>) {
        let kind = match result {
            Ok(_) => Kind::Answered,
            Err(error) if error.is_circuit_open() => Kind::Refused,
            Err(error) if error.is_rejected() => Kind::Shed,
            Err(error) if error.is_timeout() => Kind::Late,
            Err(_) => Kind::Failed,
        };
        self.now(|line| {
            *line.ended.entry(kind).or_default() += 1;
            line.urgent += u32::from(urgent && kind == Kind::Answered);
        });
    }

    /// The breaker has changed.
    pub fn turned(&self, state: BreakerState) {
        self.now(|line| line.turns.push(state));
    }

    /// How many calls have ended so.
    pub fn total(&self, kind: Kind) -> u32 {
        self.lines().values().filter_map(|line| line.ended.get(&kind)).sum()
    }

    /// How often the server was asked.
    pub fn attempts(&self) -> u32 {
        self.lines().values().map(|line| line.attempts).sum()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    time  attempts  answered (urgent)  failed  refused  shed  late  breaker")?;
        for (step, line) in &*self.lines() {
            let of = |kind| line.ended.get(&kind).copied().unwrap_or(0);
            let turns: Vec<_> = line.turns.iter().map(ToString::to_string).collect();
            writeln!(
                f,
                "{:>6} ms  {:>8}  {:>8} {:>8}  {:>6}  {:>7}  {:>4}  {:>4}  {}",
                step * STEP.as_millis(),
                line.attempts,
                of(Kind::Answered),
                line.urgent,
                of(Kind::Failed),
                of(Kind::Refused),
                of(Kind::Shed),
                of(Kind::Late),
                turns.join(", "),
            )?;
        }
        write!(
            f,
            "in all: {} attempts, {} answered, {} failed, {} refused, {} shed, {} late",
            self.attempts(),
            self.total(Kind::Answered),
            self.total(Kind::Failed),
            self.total(Kind::Refused),
            self.total(Kind::Shed),
            self.total(Kind::Late),
        )
    }
}
