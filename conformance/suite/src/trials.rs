//! The tests that a suite consists of, and the run of those that the command line asks for.

use std::process::ExitCode;

use anyhow::ensure;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::run::{driven, number, owned, typed};
use crate::table::{Case, DRIVEN, OWNED, Polled, Table};
use crate::{Failure, Flavour, Harness, Outcome};

/// The variable that sets the number of threads for tests.
const THREADS: &str = "RUST_TEST_THREADS";

/// The tests of one flavour.
pub struct Trials {
    flavour: &'static str,
    /// The only test that is asked for, by its name.
    ///
    /// cargo-nextest runs each test in a process of its own, which need not make the others.
    only: Option<String>,
    has_threads: bool,
    trials: Vec<Trial>,
}

/// Returns the tests of the flavour `H`, which is called `flavour` in their names.
///
/// The cost of a flavour to compile is small: its start, and one runner for the `typed` cases.
pub fn of<H: Harness>(flavour: &'static str) -> Trials {
    let mut trials = Trials::compiled_once(flavour, Flavour::of::<H>());
    trials.add(Case::<Polled<H::Runtime>>::TYPED, typed::<H>);
    trials
}

impl Trials {
    /// Returns the tests of the cases that are compiled once for all flavours.
    fn compiled_once(prefix: &'static str, flavour: Flavour) -> Self {
        let Arguments { exact, filter, .. } = Arguments::from_args();
        let only = filter.filter(|_| exact);
        let mut trials = Self { flavour: prefix, only, has_threads: flavour.has_threads, trials: Vec::new() };
        trials.add(DRIVEN, move |name, case| driven(flavour, name, case));
        trials.add(OWNED, move |name, case| owned(flavour, name, case));
        trials
    }

    /// False for a case whose test is not the only one that is asked for.
    fn is_wanted(&self, case: &str) -> bool {
        self.only.as_ref().is_none_or(|only| {
            let of_flavour = only.strip_prefix(self.flavour).and_then(|only| only.strip_prefix("::"));
            of_flavour == Some(case)
        })
    }

    /// Adds a test for each case of `table`. A case that needs threads passes at once on a flavour without
    /// them, where it would hang.
    fn add<B, F>(&mut self, table: Table<B>, run: F)
    where
        B: Copy + Send + 'static,
        F: Fn(&'static str, B) -> Outcome + Copy + Send + 'static,
    {
        for case in table.iter().copied().flatten() {
            let (name, body) = (case.name, case.body);
            if !self.is_wanted(name) {
                continue;
            }
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
