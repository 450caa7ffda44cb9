//! Pipelines, formats: columns have the names of a header or those that were set, and a program sees a header
//! before any of its rows.

use std::sync::{Arc, Mutex, PoisonError};

use crate::library::pipeline::{Csv, TextSource};

use crate::kit::prelude::*;
use crate::kit::{Person, collect_rows};

type Source<'a> = TextSource<'a, Person, Csv>;

fn names(rows: &[(u64, Person)]) -> Vec<&str> {
    rows.iter().map(|(_, person)| &*person.name).collect()
}

pub async fn columns_without_a_header_can_be_named<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) = collect_rows::<Person, _, _>(&rt, 2, |sources| {
        sources.of_bytes("Ada,1\nBob,2\n").with_names(["name", "id"]).into_chunks(1.rows());
    })
    .await?;
    ensure!(names(&rows) == ["Ada", "Bob"] && summary.read() == 2, "{rows:?}");
    Ok(())
}

pub async fn a_row_of_another_width_than_the_names_is_rejected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "1,Ada\n2,Bob,x\n3\n";
    let (rows, summary) = collect_rows::<Person, _, _>(&rt, 1, move |sources| {
        sources.of_bytes(text).with_names(["id", "name"]).into_chunks(1.kib());
    })
    .await?;
    ensure!(names(&rows) == ["Ada"] && summary.rejected() == 2, "{:?}", summary.errors());
    let error = summary.errors().first().context("two errors")?;
    ensure!(error.reason().contains("expected 2 fields, found 3"), "{error}");
    let (rows, _) = collect_rows::<Person, _, _>(&rt, 1, move |sources| {
        sources.of_bytes(text).with_names(["id", "name"]).flexible().into_chunks(1.kib());
    })
    .await?;
    ensure!(names(&rows) == ["Ada", "Bob"], "{rows:?}");
    Ok(())
}

pub async fn a_header_that_is_passed_over_can_be_replaced<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) = collect_rows::<Person, _, _>(&rt, 1, |sources| {
        sources.of_bytes("ID,NAME\n1,Ada\n").with_names(["id", "name"]).skip_rows(1).into_chunks(1.rows());
    })
    .await?;
    ensure!(names(&rows) == ["Ada"] && summary.read() == 1, "{rows:?}");
    Ok(())
}

pub async fn a_program_sees_the_header_of_each_source<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let paths = [folder.path().join("one.csv"), folder.path().join("two.csv")];
    for (path, text) in paths.iter().zip(["id,name\n1,Ada\n", "name,id\n"]) {
        std::fs::write(path, text)?;
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (given, shared) = (paths.clone(), seen.clone());
    let (rows, _) = collect_rows::<Person, _, _>(&rt, 1, move |sources| {
        sources
            .of_files(given)
            .on_header(move |header| {
                let columns: Vec<String> = header.names().map(ToOwned::to_owned).collect();
                let found = (header.source_name().to_owned(), columns, header.index("id"), header.len());
                shared.lock().unwrap_or_else(PoisonError::into_inner).push(found);
            })
            .into_chunks(1.rows());
    })
    .await?;
    ensure!(names(&rows) == ["Ada"], "{rows:?}");
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let due: Vec<_> = paths
        .iter()
        .zip([["id", "name"], ["name", "id"]])
        .zip([0, 1])
        .map(|((path, columns), id)| {
            (path.display().to_string(), columns.map(str::to_owned).to_vec(), Some(id), 2)
        })
        .collect();
    ensure!(seen == due, "{seen:?}");
    Ok(())
}

pub async fn a_header_that_is_refused_makes_its_source_unreadable<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for panics in [false, true] {
        let run = collect_rows::<Person, _, _>(&rt, 1, move |sources| {
            sources
                .of_bytes("id,name\n1,Ada\n")
                .name("people")
                .on_header(move |header| match header.index("age") {
                    Some(_) => Ok(()),
                    None if panics => crate::kit::explode("no age"),
                    None => Err("there is no age"),
                })
                .into_chunks(1.rows());
        });
        let error = failed(run.await)?;
        let text = format!("{error:#}");
        ensure!(matches!(error, AsyncTaskError::Io { .. }), "{error:?}");
        ensure!(text.contains("people") && text.contains("no age"), "{text}");
    }
    Ok(())
}

pub async fn settings_of_a_header_go_together<R: Runtime>(rt: R, _: Facts) -> Outcome {
    type Change = fn(Source<'_>) -> Source<'_>;
    let tried: [(Change, &str); 3] = [
        (|source| source.with_names::<&str>([]), "with_names"),
        (|source| source.with_headers(false).on_header(|_| ()), "on_header"),
        (|source| source.on_header(|_| ()).with_names(["a"]), "on_header"),
    ];
    for (set, named) in tried {
        let run = collect_rows::<Person, _, _>(&rt, 1, move |sources| {
            set(sources.of_bytes("a\n").csv()).into_chunks(1.rows());
        });
        match failed(run.await)? {
            AsyncTaskError::InvalidConfig(reason) => ensure!(reason.contains(named), "{reason}"),
            other => bail!("not a refused setting: {other:?}"),
        }
    }
    Ok(())
}
