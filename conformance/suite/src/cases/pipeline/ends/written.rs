//! Pipelines, ends: a file that is written has each row once, and is read as it was.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;

use crate::library::pipeline::PipelineBuilder;
use serde::{Deserialize, Serialize};

use crate::kit::explode;
use crate::kit::prelude::*;

/// More rows than are written at once.
const ROWS: u64 = 60_000;

/// A row of all that is hard in CSV.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Place {
    id: u64,
    name: String,
    height: Option<f64>,
}

fn places() -> impl Iterator<Item = Place> {
    let names = ["plain", "with, comma", "with \"quotes\"", "two\nlines", "", " spaces ", "Zürich"];
    (0..200).zip(names.into_iter().cycle()).map(|(id, name)| Place {
        id,
        name: name.to_owned(),
        height: (id % 3 == 0).then_some(id as f64 / 4.0),
    })
}

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(3)
}

/// Returns the names of all files in the folder.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

pub async fn lines_are_in_source_order_where_they_are_ordered<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("numbers.txt");
    let due: String = (0..1_000u64).map(|n| format!("{n}\n")).collect();
    for (name, pipeline) in [("ordered", numbers(&rt).ordered()), ("a sequence", numbers(&rt).sequence())] {
        let run =
            pipeline.sender(|sources| sources.of(0..1_000u64).into_chunks(7.items())).write_lines(&path);
        let summary = run.await?;
        ensure!(fs::read_to_string(&path)? == due, "{name}");
        ensure!(summary.handled() == 1_000 && names(folder.path())? == ["numbers.txt"], "{summary:?}");
    }
    Ok(())
}

pub async fn each_row_is_written_once_whatever_the_workers<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for name in ["rows.txt", "rows.txt.gz", "rows.ZST"] {
        let path = folder.path().join(name);
        let written = numbers(&rt)
            .sender(|sources| sources.of(0..ROWS).into_chunks(1_000.items()))
            .write_lines(&path)
            .spawn();
        ensure!(written.await?.handled() == ROWS);
        let (mut read, _) = numbers(&rt)
            .sender(move |sources| sources.of_file(path).lines().into_chunks(1_000.lines()))
            .collect_vec()
            .await?;
        // The rows of one chunk stay in their order.
        ensure!(read.chunks(1_000).all(|chunk| chunk.is_sorted()), "{name}");
        read.sort_unstable();
        ensure!(read.into_iter().eq(0..ROWS), "{name}");
    }
    Ok(())
}

pub async fn rows_of_csv_are_read_as_they_were<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (name, chunk) in [("a.csv", 1), ("b.csv.gz", 7), ("c.csv.zst", 1_000)] {
        let path = folder.path().join(name);
        AsyncTask::emits::<Place>()
            .on(&rt)
            .workers(3)
            .ordered()
            .sender(move |sources| sources.of(places()).into_chunks(chunk.items()))
            .write_csv(&path)
            .await?;
        let read = path.clone();
        let (read, _) = AsyncTask::emits::<Place>()
            .on(&rt)
            .sender(move |sources| sources.of_file(read).into_chunks(10.rows()))
            .collect_vec()
            .await?;
        ensure!(read.into_iter().eq(places()), "{name}");
        if name == "a.csv" {
            let rows = csv::Reader::from_path(path)?.into_deserialize().collect::<Result<Vec<Place>, _>>()?;
            ensure!(rows.into_iter().eq(places()), "the csv crate reads the same");
        }
    }
    Ok(())
}

pub async fn json_lines_are_read_as_they_were<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("places.jsonl.zst");
    let place = || AsyncTask::emits::<Place>().on(&rt).workers(2);
    place()
        .ordered()
        .sender(|sources| sources.of(places()).into_chunks(7.items()))
        .write_json_lines(&path)
        .await?;
    let read = place()
        .sender(move |sources| sources.of_file(path).json_lines().into_chunks(7.lines()))
        .collect_vec();
    ensure!(read.await?.0.into_iter().eq(places()));
    Ok(())
}

pub async fn without_rows_the_file_is_empty<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for name in ["none.txt", "none.gz", "none.zst"] {
        let path = folder.path().join(name);
        let none =
            || numbers(&rt).sender(|sources| sources.of(std::iter::empty::<u64>()).into_chunks(1.items()));
        none().write_lines(&path).await?;
        ensure!((fs::metadata(&path)?.len() == 0) == (name == "none.txt"), "{name}");
        let read = path.clone();
        let read = numbers(&rt).sender(move |sources| sources.of_file(read).lines().into_chunks(1.lines()));
        ensure!(read.collect_vec().await?.1.read() == 0, "{name}");
        none().write_csv(&path).await?;
    }
    Ok(())
}

/// A row that some formats cannot write.
#[derive(Clone, Serialize)]
struct Odd {
    id: u64,
    list: Option<BTreeMap<Vec<u8>, u8>>,
}

impl Display for Odd {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if self.list.is_some() { explode("in a row") } else { Ok(()) }
    }
}

pub async fn a_row_that_cannot_be_written_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("odd.txt");
    let odd = (0..50u64).map(|id| Odd { id, list: (id % 10 == 3).then(|| BTreeMap::from([(vec![1], 2)])) });
    let odd = || {
        let odd = odd.clone();
        let sender = AsyncTask::emits::<Odd>().on(&rt).workers(2).on_error(ErrorStrategy::ContinueOnError);
        sender.ordered().sender(move |sources| sources.of(odd).into_chunks(4.items()))
    };
    let ids = || (0..50u64).filter(|id| id % 10 != 3);
    let summary = odd().write_csv(&path).await?;
    ensure!((summary.handled(), summary.rejected()) == (45, 5), "{summary:?}");
    let due: String =
        std::iter::once("id,list\n".to_owned()).chain(ids().map(|id| format!("{id},\n"))).collect();
    ensure!(fs::read_to_string(&path)? == due, "{}", fs::read_to_string(&path)?);
    let summary = odd().write_json_lines(&path).await?;
    ensure!((summary.handled(), summary.rejected()) == (45, 5), "{summary:?}");
    let due: String = ids().map(|id| format!("{{\"id\":{id},\"list\":null}}\n")).collect();
    ensure!(fs::read_to_string(&path)? == due, "{}", fs::read_to_string(&path)?);
    let summary = odd().write_lines(&path).await?;
    ensure!((summary.handled(), summary.rejected()) == (45, 5), "{summary:?}");
    ensure!(fs::read_to_string(&path)? == ids().map(|id| format!("{id}\n")).collect::<String>());
    let texts = ["one", "two\nlines", "three", "no end\r"].map(str::to_owned);
    let summary = AsyncTask::emits::<String>()
        .on(&rt)
        .workers(1)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(texts).into_chunks(4.items()))
        .write_lines(&path)
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (2, 2), "{summary:?}");
    ensure!(fs::read_to_string(&path)? == "one\nthree\n");
    Ok(())
}

pub async fn rows_of_two_shapes_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shapes.csv");
    let rows = [vec![1, 2], vec![3], vec![4, 5]];
    let summary = AsyncTask::emits::<Vec<u32>>()
        .on(&rt)
        .workers(1)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(rows).into_chunks(3.items()))
        .write_csv(&path)
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (2, 1), "{summary:?}");
    ensure!(fs::read_to_string(&path)? == "1,2\n4,5\n");
    Ok(())
}
