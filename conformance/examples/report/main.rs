//! Report of the faults to survive, at full size on every backend: row, backend, figure, and whether it held.
//!
//! ```console
//! cargo run --release -p conformance --example report --no-default-features --features tokio,smol,sim
//! cargo run --release -p conformance --example report --no-default-features --features tokio,smol,sim -- 5 13   # these rows alone
//! ```

use std::process::{Command, ExitCode};

use conformance::reliability::{ROWS, Scale};
use conformance::{Failure, Flavour};

#[cfg(feature = "sim")]
#[path = "../../tests/flavours/sim.rs"]
mod sim_flavour;
#[cfg(feature = "smol")]
#[path = "../../tests/flavours/smol.rs"]
mod smol_flavours;
#[cfg(feature = "tokio")]
#[path = "../../tests/flavours/tokio.rs"]
mod tokio_flavours;

/// The flag of a process that runs one row on one flavour and prints its figure.
const ONE: &str = "--one";

/// Returns the flavours by their names in the table.
fn flavours() -> Vec<(&'static str, Flavour)> {
    vec![
        #[cfg(feature = "tokio")]
        ("tokio, 2 threads", Flavour::of::<tokio_flavours::MultiThread>()),
        #[cfg(feature = "tokio")]
        ("tokio, current thread", Flavour::of::<tokio_flavours::CurrentThread>()),
        #[cfg(feature = "smol")]
        ("smol, global", Flavour::of::<smol_flavours::Global>()),
        #[cfg(feature = "smol")]
        ("smol, 1 thread", Flavour::of::<smol_flavours::OneThread>()),
        #[cfg(feature = "smol")]
        ("smol, 3 threads", Flavour::of::<smol_flavours::ManyThreads>()),
        #[cfg(feature = "smol")]
        ("smol, user's executor", Flavour::of::<smol_flavours::OwnExecutor>()),
        #[cfg(feature = "sim")]
        ("sim", Flavour::of::<sim_flavour::Sim>()),
    ]
}

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, number] = arguments.as_slice()
        && flag == ONE
    {
        return one(name, number);
    }
    let wanted: Vec<u32> = arguments.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    let mut all_held = true;
    print(&format!("{:<4} {:<22} {:<7} figure", "row", "backend", "held"));
    let flavours = flavours();
    for row in ROWS.iter().filter(|row| wanted.is_empty() || wanted.contains(&row.number)) {
        print(&format!("{:<4} {}", row.number, row.inject));
        for &(name, flavour) in &flavours {
            if row.needs_threads && !flavour.has_threads {
                print(&format!("{:<4} {name:<22} {:<7} needs threads", "", "-"));
                continue;
            }
            // In a process of its own, so that no row sees memory or threads that another has left.
            let process =
                Command::new(std::env::current_exe()?).args([ONE, name, &row.number.to_string()]).output()?;
            let held = process.status.success();
            all_held &= held;
            let output = if held { process.stdout } else { process.stderr };
            let output = String::from_utf8_lossy(&output);
            let figure = output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no figure");
            print(&format!("{:<4} {name:<22} {:<7} {figure}", "", if held { "yes" } else { "NO" }));
        }
    }
    Ok(if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(name: &str, number: &str) -> Result<ExitCode, Failure> {
    let number: u32 = number.parse()?;
    let flavour = flavours().into_iter().find(|(known, _)| *known == name).map(|(_, flavour)| flavour);
    let found = flavour.zip(ROWS.iter().find(|row| row.number == number));
    let (flavour, row) = found.ok_or_else(|| Failure::msg("there is no such row or flavour"))?;
    // As in the suite, where the thread has this name; the simulation recognizes its thread by it.
    let run = std::thread::Builder::new()
        .name(conformance::CASE_THREAD.into())
        .spawn(move || (row.run)(&flavour, Scale::Full))?;
    let figure = run.join().map_err(|_| Failure::msg("the row panicked"))?;
    match figure {
        Ok(figure) => print(&figure),
        Err(error) => {
            complain(&format!("{error:#}"));
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::print_stdout, reason = "a report is printed")]
fn print(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "a report is printed")]
fn complain(line: &str) {
    eprintln!("{line}");
}
