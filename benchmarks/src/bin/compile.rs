//! The price of compiling (P14): a crate with many different call sites, against the same crate written by hand; and
//! a crate with several typed CSV pipelines, against the same crate with one.
//!
//! Each crate is built in release mode twice, the dependencies once before. The figures are the processor time of
//! the second build, of the crate alone, and the size of its binary.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Parser;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use side_by_side::Failure;

/// Compiles crates of call sites, by the library and by hand.
#[derive(Parser)]
struct Arguments {
    /// Only kinds whose name contains this: spawn, timeout, retry, pipeline.
    only: Option<String>,
    /// The number of call sites.
    #[arg(long, default_value_t = 100)]
    sites: usize,
    /// The number of pipelines beyond the first.
    #[arg(long, default_value_t = 5)]
    pipelines: usize,
    /// The folder for the crates and what they are compiled to; a temporary one otherwise.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy)]
enum Kind {
    Spawn,
    Timeout,
    Retry,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Spawn, Self::Timeout, Self::Retry];

    fn name(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
            Self::Timeout => "timeout",
            Self::Retry => "retry",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Spawn => "spawn / tokio::spawn",
            Self::Timeout => "name + timeout / tokio::spawn(tokio::time::timeout)",
            Self::Retry => "retry + attempt timeout / tokio::spawn(backon, tokio::time::timeout)",
        }
    }

    fn ours(self, site: usize) -> String {
        let chain = match self {
            Self::Spawn => String::new(),
            Self::Timeout => format!(".name(\"site {site}\").timeout(5.seconds())"),
            Self::Retry => ".retry(3).attempt_timeout(5.seconds())".to_owned(),
        };
        let work = work(site);
        format!("Ok(AsyncTask::to::<u64>(){chain}.spawn(move || async move {{ {work} }}).await?)")
    }

    fn by_hand(self, site: usize) -> String {
        let work = work(site);
        let timeout = format!("tokio::time::timeout(Duration::from_secs(5), async move {{ {work} }})");
        match self {
            Self::Spawn => format!("Ok(tokio::spawn(async move {{ {work} }}).await??)"),
            Self::Timeout => format!("Ok(tokio::spawn({timeout}).await???)"),
            Self::Retry => format!(
                "let again = ExponentialBuilder::default().with_max_times(3);
                 Ok(tokio::spawn((move || async move {{ {timeout}.await? }}).retry(again)).await??)"
            ),
        }
    }
}

/// The work of one site: different from that of the others, and able to fail.
fn work(site: usize) -> String {
    format!(
        "let a = step({site}).await?; let b = step(a.wrapping_mul({})).await?; Ok::<u64, std::io::Error>(a ^ b)",
        site + 3
    )
}

fn program(kind: Kind, ours: bool, sites: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from("#![allow(unused_imports)]\n");
    text.push_str(match ours {
        true => "use sweet_async::prelude::*;\n",
        false => "use std::time::Duration;\nuse backon::{ExponentialBuilder, Retryable};\n",
    });
    text.push_str(
        "type Failure = Box<dyn std::error::Error + Send + Sync>;
         async fn step(x: u64) -> Result<u64, std::io::Error> {
             if x % 97 == 96 { std::future::ready(()).await; }
             Ok(std::hint::black_box(x) + 1)
         }\n",
    );
    for site in 0..sites {
        let body = if ours { kind.ours(site) } else { kind.by_hand(site) };
        writeln!(text, "async fn site_{site}() -> Result<u64, Failure> {{ {body} }}")?;
    }
    text.push_str("async fn all() -> u64 { let mut sum = 0;\n");
    for site in 0..sites {
        writeln!(text, "sum ^= site_{site}().await.unwrap_or(0);")?;
    }
    text.push_str(
        "sum }
         fn main() -> Result<(), Failure> {
             let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
             println!(\"{}\", runtime.block_on(all()));
             Ok(())
         }\n",
    );
    Ok(text)
}

/// A program of typed CSV pipelines: each with a row, a receiver and an end of its own.
fn pipelines(number: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "use sweet_async::prelude::*;
         type Failure = Box<dyn std::error::Error + Send + Sync>;\n",
    );
    for site in 0..number {
        writeln!(
            text,
            "#[derive(serde::Deserialize)]
             struct Record{site} {{ id: u64, name: String, value_{site}: f64 }}
             async fn pipeline_{site}(path: String) -> Result<usize, Failure> {{
                 Ok(AsyncTask::emits::<Record{site}>()
                     .sender(move |sources| sources.of_file(path).into_chunks(100.rows()))
                     .receiver(|event, collector| {{
                         let record = event.take_data();
                         if record.value_{site} > {site}.0 && !record.name.is_empty() {{
                             collector.collect(record.id, record);
                         }}
                     }})
                     .await_final_event(|event, collector| event.map(|_summary| collector.len()))
                     .await?)
             }}"
        )?;
    }
    text.push_str("async fn all(path: &str) -> Result<usize, Failure> { let mut sum = 0;\n");
    for site in 0..number {
        writeln!(text, "sum += pipeline_{site}(path.to_owned()).await?;")?;
    }
    text.push_str(
        "Ok(sum) }
         fn main() -> Result<(), Failure> {
             let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
             println!(\"{}\", runtime.block_on(all(&std::env::args().nth(1).unwrap_or_default()))?);
             Ok(())
         }\n",
    );
    Ok(text)
}

/// The processor time of all child processes that have ended.
fn children() -> Result<Duration, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros)?))
}

fn build(folder: &Path, target: &Path) -> Result<(), Failure> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_INCREMENTAL", "0")
        .stdin(Stdio::null())
        .status()?;
    status.success().then_some(()).ok_or_else(|| format!("{} was not built", folder.display()).into())
}

/// The processor time and the bytes of one crate.
fn cost(root: &Path, name: &str, program: &str) -> Result<(Duration, u64), Failure> {
    let (folder, target) = (root.join(name), root.join("target"));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::create_dir_all(folder.join("src"))?;
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let library = workspace.canonicalize()?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
             backon = {{ version = \"1\", default-features = false, features = [\"std\", \"tokio-sleep\"] }}\n\
             sweet-async = {{ path = {library:?}, default-features = false, features = [\"csv\", \"tokio\"] }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n\
             tokio = {{ version = \"1\", default-features = false, features = [\"rt-multi-thread\", \"time\"] }}\n"
        ),
    )?;
    // All dependencies, and the crate itself without a site.
    fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
    build(&folder, &target)?;
    fs::write(folder.join("src/main.rs"), program)?;
    let before = children()?;
    build(&folder, &target)?;
    let took = children()?.saturating_sub(before);
    let binary = target.join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    Ok((took, fs::metadata(binary)?.len()))
}

fn main() -> Result<(), Failure> {
    let Arguments { only, sites, pipelines: more, folder } = Arguments::parse();
    let is_wanted = |name: &str| only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let temporary = tempfile::tempdir()?;
    let root = folder.unwrap_or_else(|| temporary.path().to_owned());
    println!("| P14, {sites} call sites, Tokio | by hand | ours | time | size |\n|---|---|---|---|---|");
    for kind in Kind::ALL {
        if !is_wanted(kind.name()) {
            continue;
        }
        let crate_of = |ours: bool| {
            let name = format!("{}_{}", kind.name(), if ours { "ours" } else { "by_hand" });
            cost(&root, &name, &program(kind, ours, sites)?)
        };
        let ((hand, hand_bytes), (ours, bytes)) = (crate_of(false)?, crate_of(true)?);
        let ratio = ours.as_secs_f64() / hand.as_secs_f64();
        println!(
            "| {} | {:.1} s, {:.2} MB | {:.1} s, {:.2} MB | {ratio:.2} | {:.2} |",
            kind.title(),
            hand.as_secs_f64(),
            hand_bytes as f64 / 1e6,
            ours.as_secs_f64(),
            bytes as f64 / 1e6,
            bytes as f64 / hand_bytes as f64,
        );
    }
    if is_wanted("pipeline") {
        let (one, one_bytes) = cost(&root, "pipeline_one", &pipelines(1)?)?;
        let (all, bytes) = cost(&root, "pipeline_more", &pipelines(1 + more)?)?;
        println!(
            "\nThe first typed CSV pipeline: {:.1} s. Each of {more} more: {:.2} s, {:.0} KB",
            one.as_secs_f64(),
            all.saturating_sub(one).as_secs_f64() / more as f64,
            bytes.saturating_sub(one_bytes) as f64 / 1e3 / more as f64,
        );
    }
    Ok(())
}
