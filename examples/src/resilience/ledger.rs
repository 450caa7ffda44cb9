//! A ledger of the outcomes of the calls, by time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sweet_async::{AsyncTaskError, BreakerState};

/// The time that each line of the table covers.
const STEP: Duration = Duration::from_millis(200);

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallOutcome {
    /// It was answered.
    Answered,
    /// It failed, in each attempt.
    Failed,
    /// The circuit breaker was open.
    Refused,
    /// The wait queue of the limiter was full.
    Shed,
    /// Its time limit passed.
    Late,
}

#[derive(Default)]
struct Line {
    attempts: u32,
    ended: BTreeMap<CallOutcome, u32>,
    urgent: u32,
    breaker_states: Vec<BreakerState>,
}

/// The outcomes of the calls, by time. Its `Display` is a table.
pub struct Ledger {
    started: Instant,
    lines: Mutex<BTreeMap<u128, Line>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { started: Instant::now(), lines: Mutex::default() }
    }
}

impl Ledger {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<u128, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Line)) {
        let step = self.started.elapsed().as_nanos() / STEP.as_nanos();
        change(self.lines().entry(step).or_default());
    }

    /// Records a request to the server.
    pub fn record_attempt(&self) {
        self.update(|line| line.attempts += 1);
    }

    /// Records the end of a call.
    pub fn record(&self, urgent: bool, result: Result<u32, AsyncTaskError>) {
        let outcome = match result {
            Ok(_) => CallOutcome::Answered,
            Err(error) if error.is_circuit_open() => CallOutcome::Refused,
            Err(error) if error.is_rejected() => CallOutcome::Shed,
            Err(error) if error.is_timeout() => CallOutcome::Late,
            Err(_) => CallOutcome::Failed,
        };
        self.update(|line| {
            *line.ended.entry(outcome).or_default() += 1;
            line.urgent += u32::from(urgent && outcome == CallOutcome::Answered);
        });
    }

    /// Records a new state of the breaker.
    pub fn breaker_changed(&self, state: BreakerState) {
        self.update(|line| line.breaker_states.push(state));
    }

    /// The number of calls that have ended with `outcome`.
    pub fn total(&self, outcome: CallOutcome) -> u32 {
        self.lines().values().filter_map(|line| line.ended.get(&outcome)).sum()
    }

    /// The number of requests to the server.
    pub fn attempts(&self) -> u32 {
        self.lines().values().map(|line| line.attempts).sum()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    time  attempts  answered (urgent)  failed  refused  shed  late  breaker")?;
        for (step, line) in &*self.lines() {
            let count = |outcome| line.ended.get(&outcome).copied().unwrap_or(0);
            let breaker_states: Vec<_> = line.breaker_states.iter().map(ToString::to_string).collect();
            writeln!(
                f,
                "{:>6} ms  {:>8}  {:>8} {:>8}  {:>6}  {:>7}  {:>4}  {:>4}  {}",
                step * STEP.as_millis(),
                line.attempts,
                count(CallOutcome::Answered),
                line.urgent,
                count(CallOutcome::Failed),
                count(CallOutcome::Refused),
                count(CallOutcome::Shed),
                count(CallOutcome::Late),
                breaker_states.join(", "),
            )?;
        }
        write!(
            f,
            "in all: {} attempts, {} answered, {} failed, {} refused, {} shed, {} late",
            self.attempts(),
            self.total(CallOutcome::Answered),
            self.total(CallOutcome::Failed),
            self.total(CallOutcome::Refused),
            self.total(CallOutcome::Shed),
            self.total(CallOutcome::Late),
        )
    }
}
