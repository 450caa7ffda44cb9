//! The tests that a suite consists of, and the run of those that the command line asks for.

use std::process::ExitCode;

use anyhow::ensure;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::erased::Erased;
use crate::run::{driven, number, owned};
use crate::table::{Called, Case, DRIVEN, Polled, Table};
use crate::{Failure, Harness, Outcome};

/// The variable that sets the number of threads for tests.
const THREADS: &str = "RUST_TEST_THREADS";

/// The tests of one flavour.
pub struct Trials {
    flavour: &'static str,
    has_threads: bool,
    trials: Vec<Trial>,
}

/// Returns the tests of the flavour `H`, which is called `flavour` in their names.
///
/// The cost of a flavour to compile is small: one runner for each kind of case, and the `owned` cases.
pub fn of<H: Harness>(flavour: &'static str) -> Trials {
    let mut trials = Trials { flavour, has_threads: H::HAS_THREADS, trials: Vec::new() };
    trials.add(DRIVEN, driven::<Erased<H>>);
    trials.add(Case::<Polled<H::Runtime>>::TYPED, driven::<H>);
    trials.add(Case::<Called<H>>::OWNED, owned::<H, Called<H>>);
    trials
}

impl Trials {
    /// Adds a test for each case of `table`. A case that needs threads passes at once on a flavour without
    /// them, where it would hang.
    fn add<B: Copy + Send + 'static>(&mut self, table: Table<B>, run: fn(&'static str, B) -> Outcome) {
        for case in table.iter().copied().flatten() {
            let (name, body) = (case.name, case.body);
            let skipped = !self.has_threads && case.needs.contains(&"threads");
            let trial = move || {
                if skipped {
                    return Ok(());
                }
                run(name, body).map_err(|error| Failed::from(format!("{error:?}")))
            };
            self.trials.push(Trial::test(format!("{}::{name}", self.flavour), trial));
        }
    }
}

/// Runs the tests of all flavours, as the arguments of the command line say.
///
/// # Errors
///
/// The variable for the number of threads is no number, or the number is zero.
pub fn suite(flavours: Vec<Trials>) -> Result<ExitCode, Failure> {
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        // libtest reads the variable, libtest-mimic does not.
        arguments.test_threads = number(THREADS)?;
    }
    // With no thread, libtest-mimic waits forever.
    ensure!(arguments.test_threads != Some(0), "--test-threads, or {THREADS}, is to be more than 0");
    let mut trials: Vec<Trial> = flavours.into_iter().flat_map(|flavour| flavour.trials).collect();
    // By name, as libtest runs and lists tests.
    trials.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
