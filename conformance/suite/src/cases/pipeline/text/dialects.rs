//! Pipelines, formats: delimiter, quote and comment can be set, and settings that cannot work are refused.

use crate::kit::prelude::*;
use crate::kit::{Raw, collect_rows};

type Source<'a> = crate::library::pipeline::TextSource<'a, Raw, crate::library::pipeline::Csv>;

/// Returns the rows of `text` with these settings, the same for every chunk size; there is no header.
async fn read<R: Runtime>(
    rt: &R,
    text: &'static str,
    set: fn(Source<'_>) -> Source<'_>,
) -> Result<Vec<Vec<String>>, Failure> {
    let mut answer = None;
    for chunk in [1.rows(), 2.rows(), 1.kib()] {
        let (rows, summary) = collect_rows::<Raw, _, _>(rt, 2, move |sources| {
            set(sources.of_bytes(text).with_headers(false).flexible()).into_chunks(chunk);
        })
        .await?;
        ensure!(summary.rejected() == 0, "{:?}", summary.errors());
        let found: Vec<Raw> = rows.into_iter().map(|(_, row)| row).collect();
        ensure!(answer.get_or_insert_with(|| found.clone()) == &found, "it depends on the chunks");
    }
    answer.context("three ways were tried")
}

pub async fn a_quote_can_be_another_character<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows = read(&rt, "'a,''1',\"b\"\n'c\n',d\n", |source| source.with_quote(Some('\''))).await?;
    ensure!(rows == [["a,'1", "\"b\""], ["c\n", "d"]], "{rows:?}");
    Ok(())
}

pub async fn without_a_quote_quotes_are_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows = read(&rt, "\"a,b\"\n\"open,c\n", |source| source.with_quote(None)).await?;
    ensure!(rows == [["\"a", "b\""], ["\"open", "c"]], "{rows:?}");
    Ok(())
}

pub async fn comments_are_passed_over<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "# a, \"note\r\na,#1\n#\n\n#x\n\"# no\",\"\n# no\"\n#last";
    let rows = read(&rt, text, |source| source.with_comment('#')).await?;
    ensure!(rows == [["a", "#1"], ["# no", "\n# no"]], "{rows:?}");
    let rows = read(&rt, "#a\nb\n", |source| source).await?;
    ensure!(rows == [["#a"], ["b"]], "none by default");
    Ok(())
}

pub async fn a_comment_may_stand_before_the_header<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) = collect_rows::<crate::kit::Person, _, _>(&rt, 1, |sources| {
        sources
            .of_bytes("# made by hand\n\nid,name\n# one\n1,Ada\nx,y\n")
            .with_comment('#')
            .into_chunks(1.rows());
    })
    .await?;
    ensure!(rows.len() == 1 && rows.iter().all(|(_, person)| person.name == "Ada"));
    let error = summary.errors().first().context("x is no id")?;
    ensure!((error.position().line(), error.position().byte()) == (Some(6), Some(36)), "{error}");
    Ok(())
}

pub async fn settings_go_together_with_a_delimiter<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows = read(&rt, "a\t'b\t1'\n%c\nd\te\n", |source| {
        source.with_delimiter(Delimiter::Tab).with_quote(Some('\'')).with_comment('%')
    })
    .await?;
    ensure!(rows == [["a", "b\t1"], ["d", "e"]], "{rows:?}");
    Ok(())
}

pub async fn invalid_quotes_and_comment_characters_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    type Change = fn(Source<'_>) -> Source<'_>;
    let tried: [(Change, &str); 8] = [
        (|source| source.with_quote(Some('é')), "quote"),
        (|source| source.with_comment('é'), "comment"),
        (|source| source.with_quote(Some('\n')), "quote"),
        (|source| source.with_comment('\r'), "comment"),
        (|source| source.with_quote(Some(',')), "delimiter"),
        (|source| source.with_comment(','), "delimiter"),
        (|source| source.with_comment('"'), "quote"),
        (|source| source.with_quote(Some('#')).with_comment('#'), "quote"),
    ];
    for (set, named) in tried {
        let run = collect_rows::<Raw, _, _>(&rt, 1, move |sources| {
            set(sources.of_bytes("a\n").csv()).into_chunks(1.rows());
        });
        match failed(run.await)? {
            AsyncTaskError::InvalidConfig(reason) => ensure!(reason.contains(named), "{reason}"),
            other => bail!("not a refused setting: {other:?}"),
        }
    }
    Ok(())
}
