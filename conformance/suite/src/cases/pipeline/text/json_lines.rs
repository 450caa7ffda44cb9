//! Pipelines, formats: JSON Lines has one value a line, and a bad line is rejected alone.

use serde::Deserialize;
use serde_json::Value;

use crate::kit::prelude::*;
use crate::kit::{Person, Sample, collect_rows, sample};

/// Returns the values read, and line, byte and reason of the rejected lines; the same for every chunk size
/// and worker count.
async fn read<R: Runtime, T>(
    rt: &R,
    text: impl Into<Vec<u8>>,
) -> Result<(Vec<T>, Vec<(u64, u64, String)>), Failure>
where
    T: serde::de::DeserializeOwned + Clone + PartialEq + Send + 'static,
{
    let text = text.into();
    let mut answer = None;
    for settings in [Sample { chunk: 1.lines(), workers: 1 }, sample(), Sample { chunk: 1.kib(), workers: 3 }]
    {
        let input = text.clone();
        let (rows, summary) = collect_rows::<T, _, _>(rt, settings.workers, move |sources| {
            sources.of_bytes(input).json_lines().with_max_record(64).into_chunks(settings.chunk);
        })
        .await?;
        ensure!(summary.read() == summary.handled() + summary.rejected());
        let bad = summary.errors().iter().map(|error| {
            let position = error.position();
            (position.line().unwrap_or(0), position.byte().unwrap_or(0), error.reason())
        });
        let found = (rows.into_iter().map(|(_, row)| row).collect(), bad.collect());
        ensure!(answer.get_or_insert_with(|| found.clone()) == &found, "it depends on how it is cut");
    }
    answer.context("three ways were tried")
}

pub async fn each_line_is_a_value<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "{\"id\":1,\"name\":\"Ada\\nLovelace\"}\r\n {\"name\":\"Grace, \\\"x\\\"\",\"id\":2,\"more\":[1,{}]}\n";
    let (people, bad) = read::<_, Person>(&rt, text).await?;
    ensure!(bad.is_empty(), "{bad:?}");
    ensure!(
        people
            .iter()
            .map(|person| (person.id, &*person.name))
            .eq([(1, "Ada\nLovelace"), (2, "Grace, \"x\"")])
    );
    let (values, _) = read::<_, Value>(&rt, "1\n\"a\"\n[null]\ntrue").await?;
    ensure!(values == [Value::from(1), "a".into(), vec![Value::Null].into(), true.into()]);
    Ok(())
}

pub async fn blank_lines_are_no_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (values, bad) = read::<_, u32>(&rt, "\n \r\n1\n\n\t\n2\r\n\r\n \nx\n  ").await?;
    ensure!(values == [1, 2]);
    ensure!(bad.len() == 1 && bad.iter().all(|(line, byte, _)| (*line, *byte) == (9, 16)), "{bad:?}");
    for text in ["", "\n", " \n\n", "\u{feff}"] {
        let (values, bad) = read::<_, u32>(&rt, text).await?;
        ensure!(values.is_empty() && bad.is_empty(), "{text:?}");
    }
    Ok(())
}

pub async fn an_error_reports_line_and_column<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "{\"id\":1,\"name\":\"a\"}\n{\"id\":\"x\",\"name\":\"b\"}\n{\"id\":3\n{\"name\":\"c\"}\n7 8\n";
    let (people, bad) = read::<_, Person>(&rt, text).await?;
    ensure!(people.len() == 1);
    let positions: Vec<_> = bad.iter().map(|(line, byte, _)| (*line, *byte)).collect();
    ensure!(positions == [(2, 20), (3, 42), (4, 50), (5, 63)], "{positions:?}");
    let reasons: Vec<_> = bad.into_iter().map(|(_, _, reason)| reason).collect();
    let [typed, cut, missing, scalar] = reasons.as_slice() else { bail!("{reasons:?}") };
    ensure!(typed.starts_with("column 9: invalid type: string \"x\""), "{typed}");
    ensure!(cut.starts_with("column 7: EOF while parsing"), "{cut}");
    ensure!(missing.contains("missing field `id`"), "{missing}");
    ensure!(scalar.contains("invalid type: integer"), "{scalar}");
    ensure!(reasons.iter().all(|reason| !reason.contains("line 1")), "{reasons:?}");
    Ok(())
}

pub async fn bad_lines_are_rejected_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut text = "\u{feff}\"a\"\n".as_bytes().to_vec();
    text.extend(b"\"\xff\"\n");
    text.extend(format!("\"{}\"\n", "y".repeat(100)).into_bytes());
    text.extend(b"\"z\0\"\n\"open\n\"last\"");
    let (values, bad) = read::<_, String>(&rt, text).await?;
    ensure!(values == ["a", "last"], "{values:?}");
    let positions: Vec<_> = bad.iter().map(|(line, byte, _)| (*line, *byte)).collect();
    ensure!(positions == [(2, 7), (3, 11), (4, 114), (5, 119)], "{positions:?}");
    let reasons: Vec<_> = bad.iter().map(|(_, _, reason)| &**reason).collect();
    ensure!(reasons.first().is_some_and(|reasons| reasons.contains("UTF-8")), "{reasons:?}");
    ensure!(reasons.get(1).is_some_and(|reasons| reasons.contains("64")), "{reasons:?}");
    ensure!(reasons.get(2).is_some_and(|reasons| reasons.contains("control character")), "{reasons:?}");
    Ok(())
}

pub async fn utf_16_is_named<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let run = collect_rows::<Value, _, _>(&rt, 1, |sources| {
        sources.of_bytes(&b"\xff\xfe1\0\n\0"[..]).json_lines().into_chunks(1.lines());
    });
    let error = failed(run.await)?;
    ensure!(error.to_string().contains("UTF-16LE"), "{error}");
    Ok(())
}

pub async fn a_value_that_is_refused_may_stop_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(rename = "n")]
        _n: u8,
    }
    let run = AsyncTask::emits::<Strict>()
        .on(&rt)
        .sender(|sources| {
            sources
                .of_bytes("{\"n\":1}\n\n{\"n\":2,\"m\":3}\n{\"n\":300}\n")
                .json_lines()
                .into_chunks(1.lines())
        })
        .for_each(|_: Event<Strict>| {});
    match failed(run.await)? {
        AsyncTaskError::Parse { position, reason, .. } => {
            ensure!((position.line(), position.byte()) == (Some(3), Some(9)));
            ensure!(reason.contains("unknown field `m`"), "{reason}");
        }
        other => bail!("{other:?}"),
    }
    Ok(())
}
