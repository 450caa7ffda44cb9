//! The text that each of the short programs prints: the same on each backend that is compiled in, and in a simulation
//! in any order of events.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

#[path = "../cancellation.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod cancellation;
#[path = "../quickstart.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod quickstart;
#[path = "../schedule.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod schedule;
#[path = "../scope.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod scope;
#[path = "../supervise.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod supervise;
#[cfg(feature = "sim")]
#[path = "../testing_with_sim.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod testing_with_sim;

use examples::run_on;
use sweet_async::OwnedRuntime;

/// Runs the story of a program on a runtime, and compares the text.
fn prints<O: OwnedRuntime>(
    owned: O,
    story: impl AsyncFnOnce(&mut Vec<u8>) -> anyhow::Result<()>,
    text: &str,
) -> anyhow::Result<()> {
    let mut out = Vec::new();
    run_on(owned, &mut out, story)?;
    assert_eq!(String::from_utf8(out)?, text);
    Ok(())
}

/// Makes a test on each backend of each program, which prints the text beside its name.
macro_rules! programs {
    ($($program:ident prints $text:literal)+) => {
        #[cfg(feature = "tokio")]
        mod on_tokio {
            $(#[test]
            fn $program() -> anyhow::Result<()> {
                super::prints(sweet_async::tokio::OwnedTokio::multi_thread(2)?, super::$program::story, $text)
            })+
        }

        #[cfg(feature = "smol")]
        mod on_smol {
            $(#[test]
            fn $program() -> anyhow::Result<()> {
                super::prints(sweet_async::smol::SmolPool::new(2)?, super::$program::story, $text)
            })+
        }

        #[cfg(feature = "sim")]
        mod on_sim {
            $(#[test]
            fn $program() -> anyhow::Result<()> {
                (0..20).try_for_each(|seed| {
                    super::prints(sweet_async::sim::SimRuntime::new(seed), super::$program::story, $text)
                })
            })+
        }
    };
}

programs! {
    quickstart prints "\
in stock: 42
task `stock` failed 3 times
task `stock` failed 3 times: the service is busy
task `stock` timed out after 10ms; is_timeout: true
"
    cancellation prints "\
a graceful request, which the work answers
  completed, with its value: 3 lines flushed
a graceful request, which the work ignores
  cancelled after the grace period, by a kill; 0 tasks left
a kill, with a reason
  cancelled at once; 0 tasks left
  the handle gives the error: task `endless` was cancelled (kill, requested): tenant 7 was removed
"
    scope prints "\
work in place, joined: it is part of this function, and borrows
  words: [2, 4]
a scope: its body borrows; its members are tasks, and own what they need
  words: 6
a scope with a member that fails
  task `check` failed: row 7 is broken; 0 members left
"
    supervise prints "\
a feed that fails by an error, then by a panic
  it serves, and is running
  it was stopped in attempt 3
a feed that always fails
  task `feed` failed 3 times: the connection was refused
"
    schedule prints "\
every 2 ms, 4 times
  runs: 4, failures: 1, the last one: the disk is full
every day, until it is cancelled
  a backup is made
  runs: 1, failures: 0, missed: 0
every 2 ms, until a run fails
  task `backup` failed: the disk is full
"
}

#[cfg(feature = "sim")]
#[test]
fn testing_with_sim_prints() -> anyhow::Result<()> {
    let mut out = Vec::new();
    testing_with_sim::story(&mut out)?;
    let text = "\
a time limit of a day
  done: 23 hours later
  task `report` timed out after 86400s: 24 hours later
a race for a seat, in the orders of events of 100 seeds
  it is sold twice in some, and not in all
  each of these seeds finds it again, and not after the correction
";
    assert_eq!(String::from_utf8(out)?, text);
    Ok(())
}
