//! Tests of the conversion: every format and every compression gives the same rows, in their order, on each
//! backend.
#![cfg(all(
    feature = "csv",
    feature = "json",
    feature = "compression",
    any(feature = "tokio", feature = "smol")
))]

use std::fs;
use std::path::{Path, PathBuf};

use examples::convert::convert;
use tempfile::tempdir;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/seattle-weather.csv")
}

/// Converts on each backend, and returns the number of rows that were read.
fn converted(from: &Path, to: &Path, only: Option<&str>) -> anyhow::Result<Vec<u64>> {
    let each = || async {
        let summary = convert(from.to_owned(), to.to_owned(), only.map(str::to_owned), drop).await?;
        anyhow::Ok(summary.read())
    };
    Ok(vec![
        #[cfg(feature = "tokio")]
        sweet_async::tokio::OwnedTokio::multi_thread(2)?.block_on(each())??,
        #[cfg(feature = "smol")]
        sweet_async::smol::SmolPool::new(2)?.block_on(each())??,
    ])
}

#[test]
fn a_file_that_went_through_all_formats_has_the_rows_that_it_had() -> TestResult {
    let folder = tempdir()?;
    let names = ["a.csv", "b.jsonl", "c.csv.gz", "d.jsonl.zst", "e.jsonl.gz", "f.csv.zst", "g.csv"];
    let mut from = bundled();
    for name in names {
        let to = folder.path().join(name);
        let rows = converted(&from, &to, None)?;
        assert!(rows.iter().all(|rows| *rows == 1461), "{name}: {rows:?}");
        from = to;
    }
    let renamed = fs::read_to_string(bundled())?.replacen("wind,weather\n", "wind,conditions\n", 1);
    assert_eq!(fs::read_to_string(from)?, renamed);
    Ok(())
}

#[test]
fn only_the_days_that_are_asked_for_are_written() -> TestResult {
    let folder = tempdir()?;
    let to = folder.path().join("snow.jsonl");
    converted(&bundled(), &to, Some("snow"))?;
    let written = fs::read_to_string(to)?;
    let days: Vec<serde_json::Value> = written.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let expected = fs::read_to_string(bundled())?;
    let dates =
        expected.lines().filter(|line| line.ends_with(",snow")).filter_map(|line| line.split(',').next());
    let found = days.iter().filter_map(|day| day.get("date")?.as_str());
    assert!(found.eq(dates), "{written}");
    assert!(
        days.iter().all(|day| day.get("conditions").is_some_and(|weather| weather == "snow")),
        "{written}"
    );
    Ok(())
}

#[test]
fn a_row_that_cannot_be_read_leaves_the_older_file() -> TestResult {
    let folder = tempdir()?;
    let (from, to) = (folder.path().join("bad.csv"), folder.path().join("out.jsonl"));
    fs::write(&from, "date,precipitation,temp_max,temp_min,wind,weather\n2012/01/01,0.0,cold,5.0,4.7,sun\n")?;
    fs::write(&to, "before")?;
    let error = converted(&from, &to, None).err().ok_or("a row is bad")?;
    assert!(error.to_string().contains("line 2"), "{error:#}");
    assert_eq!(fs::read_to_string(to)?, "before");
    assert_eq!(fs::read_dir(folder.path())?.count(), 2, "no temporary file is left");
    Ok(())
}

#[test]
fn a_name_without_a_format_is_refused() -> TestResult {
    for name in ["days", "days.txt", "days.gz", "csv"] {
        let error = converted(&bundled(), Path::new(name), None).err().ok_or("it says no format")?;
        assert!(error.to_string().starts_with(name), "{error:#}");
    }
    Ok(())
}
