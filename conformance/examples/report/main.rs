//! Report of the faults to survive, at full size on every backend: row, backend, figure, and whether it held.
//!
//! ```console
//! cargo run --release -p conformance --example report --no-default-features --features tokio,smol,sim
//! cargo run --release -p conformance --example report --no-default-features --features tokio,smol,sim -- 5 13   # these rows alone
//! ```

use std::process::{Command, ExitCode};

use conformance::reliability::{Row, Scale, rows};
use conformance::{Failure, Harness};

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

struct Flavour {
    name: &'static str,
    has_threads: bool,
    rows: Vec<Row>,
}

fn flavour<H: Harness>(name: &'static str) -> Flavour {
    Flavour { name, has_threads: H::HAS_THREADS, rows: rows::<H>() }
}

fn flavours() -> Vec<Flavour> {
    vec![
        #[cfg(feature = "tokio")]
        flavour::<tokio_flavours::MultiThread>("tokio, 2 threads"),
        #[cfg(feature = "tokio")]
        flavour::<tokio_flavours::CurrentThread>("tokio, current thread"),
        #[cfg(feature = "smol")]
        flavour::<smol_flavours::Global>("smol, global"),
        #[cfg(feature = "smol")]
        flavour::<smol_flavours::OneThread>("smol, 1 thread"),
        #[cfg(feature = "smol")]
        flavour::<smol_flavours::ManyThreads>("smol, 3 threads"),
        #[cfg(feature = "smol")]
        flavour::<smol_flavours::OwnExecutor>("smol, user's executor"),
        #[cfg(feature = "sim")]
        flavour::<sim_flavour::Sim>("sim"),
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
    let numbers = flavours.first().map(|flavour| flavour.rows.clone()).unwrap_or_default();
    for row in numbers.iter().filter(|row| wanted.is_empty() || wanted.contains(&row.number)) {
        print(&format!("{:<4} {}", row.number, row.inject));
        for flavour in &flavours {
            if row.needs_threads && !flavour.has_threads {
                print(&format!("{:<4} {:<22} {:<7} needs threads", "", flavour.name, "-"));
                continue;
            }
            // In a process of its own, so that no row sees memory or threads that another has left.
            let process = Command::new(std::env::current_exe()?)
                .args([ONE, flavour.name, &row.number.to_string()])
                .output()?;
            let held = process.status.success();
            all_held &= held;
            let output = if held { process.stdout } else { process.stderr };
            let output = String::from_utf8_lossy(&output);
            let figure = output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no figure");
            print(&format!("{:<4} {:<22} {:<7} {figure}", "", flavour.name, if held { "yes" } else { "NO" }));
        }
    }
    Ok(if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(name: &str, number: &str) -> Result<ExitCode, Failure> {
    let number: u32 = number.parse()?;
    let flavour = flavours().into_iter().find(|flavour| flavour.name == name);
    let row = flavour.and_then(|flavour| flavour.rows.into_iter().find(|row| row.number == number));
    let row = row.ok_or_else(|| Failure::msg("there is no such row or flavour"))?;
    // As in the suite, where the thread has this name; the simulation recognizes its thread by it.
    let run = std::thread::Builder::new()
        .name(conformance::CASE_THREAD.into())
        .spawn(move || (row.run)(Scale::Full))?;
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
