//! Work, values and errors: the kinds of work that a task takes, and the error that each failure becomes.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::num::ParseIntError;

use crate::kit::explode;
use crate::kit::prelude::*;

#[derive(Debug, PartialEq)]
struct Custom(u32);

impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom {}", self.0)
    }
}

impl std::error::Error for Custom {}

fn not_a_number() -> Result<u32, ParseIntError> {
    "x".parse()
}

pub async fn run_takes_all_four_kinds_of_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    ensure!(task().run(|| async { 1 }).await? == 1);
    ensure!(task().run(|| async { Ok::<_, io::Error>(2) }).await? == 2);
    ensure!(task().run(|| 3).await? == 3);
    ensure!(task().run(|| "4".parse::<u32>()).await? == 4);
    ensure!(task().run_blocking(|| 5).await? == 5);
    ensure!(task().run_blocking(|| "6".parse::<u32>()).await? == 6);
    ensure!(failed(task().run(|| async { not_a_number() }).await)?.is_failure());
    ensure!(failed(task().run(not_a_number).await)?.is_failure());
    ensure!(failed(task().run_blocking(not_a_number).await)?.is_failure());
    Ok(())
}

pub async fn spawn_takes_all_four_kinds_of_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    ensure!(task().spawn(|| async { 1 }).await? == 1);
    ensure!(task().spawn(|| async { Ok::<_, io::Error>(2) }).await? == 2);
    ensure!(task().spawn(|| 3).await? == 3);
    ensure!(task().spawn(|| "4".parse::<u32>()).await? == 4);
    ensure!(task().spawn_blocking(|| 5).await? == 5);
    ensure!(task().spawn_blocking(|| "6".parse::<u32>()).await? == 6);
    ensure!(failed(task().spawn(|| async { not_a_number() }).await)?.is_failure());
    ensure!(failed(task().spawn(not_a_number).await)?.is_failure());
    ensure!(failed(task().spawn_blocking(not_a_number).await)?.is_failure());
    Ok(())
}

pub async fn try_run_and_try_spawn_let_question_marks_mix<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    let work = |fails: bool| async move {
        let one = "1".parse::<u32>()?;
        if fails {
            Err(io::Error::other("no"))?;
        }
        Ok(one + 1)
    };
    ensure!(task().try_run(|| work(false)).await? == 2);
    ensure!(task().try_spawn(move || work(false)).await? == 2);
    ensure!(failed(task().try_run(|| work(true)).await)?.downcast_ref::<io::Error>().is_some());
    ensure!(failed(task().try_spawn(move || work(true)).await)?.downcast_ref::<io::Error>().is_some());
    Ok(())
}

pub async fn a_custom_error_can_be_downcast_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    let error = failed(task().run(|| async { Err::<u32, _>(Custom(7)) }).await)?;
    ensure!(error.downcast_ref::<Custom>() == Some(&Custom(7)));
    ensure!(error.to_string() == "the work failed" && format!("{error:#}") == "the work failed: custom 7");
    let error = failed(task().spawn(|| async { Err::<u32, _>(Custom(8)) }).await)?;
    ensure!(matches!(error.downcast::<Custom>(), Ok(Custom(8))));
    let error = failed(task().spawn_blocking(|| Err::<u32, _>(Custom(9))).await)?;
    let other = failed(error.downcast::<io::Error>())?;
    ensure!(
        matches!(other.downcast::<Custom>(), Ok(Custom(9))),
        "a downcast that fails gives the error back"
    );
    Ok(())
}

pub async fn an_io_error_keeps_its_kind<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let error =
        failed(AsyncTask::to::<u32>().on(&rt).spawn(move || async move { Err::<u32, _>(denied()) }).await)?;
    ensure!(error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::PermissionDenied));
    Ok(())
}

pub async fn texts_are_errors_with_their_message<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    let error = failed(task().run(|| async { Err::<u32, _>("borrowed") }).await)?;
    ensure!(error.is_failure() && source_text(&error) == "borrowed");
    let error = failed(task().spawn(|| async { Err::<u32, _>(String::from("owned")) }).await)?;
    ensure!(error.is_failure() && source_text(&error) == "owned");
    Ok(())
}

pub async fn an_anyhow_error_keeps_message_and_chain<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let work = || async { Err::<u32, anyhow::Error>(anyhow::Error::new(Custom(1)).context("outer")) };
    let error = failed(AsyncTask::to::<u32>().on(&rt).spawn(work).await)?;
    ensure!(error.is_failure() && source_text(&error) == "outer");
    let source = error.source().and_then(|outer| outer.source()).context("the source chain is kept")?;
    ensure!(source.to_string() == "custom 1" && source.is::<Custom>());
    ensure!(format!("{error:#}") == "the work failed: outer: custom 1", "{error:#}");
    Ok(())
}

pub async fn a_library_error_is_passed_through_and_never_nested<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        AsyncTask::to::<u32>().on(&inner).spawn(|| async { Err::<u32, _>(Custom(3)) }).await
    });
    let error = failed(task.await)?;
    ensure!(error.downcast_ref::<Custom>() == Some(&Custom(3)), "one level, not two: {error:?}");
    let inner = rt.clone();
    let task = AsyncTask::to::<u32>().on(&rt).try_spawn(move || async move {
        Ok(AsyncTask::to::<u32>().on(&inner).timeout(1.millis()).run(pending::<u32>).await?)
    });
    ensure!(failed(task.await)?.is_timeout(), "also through a boxed error");
    Ok(())
}

pub async fn errors_go_into_anyhow_and_boxes_by_question_mark<R: Runtime>(rt: R, _: Facts) -> Outcome {
    async fn boxed<R: Runtime>(rt: R) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AsyncTask::to::<u32>().on(&rt).spawn(|| async { Err::<u32, _>(Custom(4)) }).await?)
    }
    async fn any<R: Runtime>(rt: R) -> Result<u32, anyhow::Error> {
        Ok(AsyncTask::to::<u32>().on(&rt).spawn(|| async { Err::<u32, _>(Custom(5)) }).await?)
    }
    let error = failed(boxed(rt.clone()).await)?;
    ensure!(error.downcast_ref::<AsyncTaskError>().is_some_and(AsyncTaskError::is_failure));
    let error = failed(any(rt).await)?;
    ensure!(error.downcast_ref::<AsyncTaskError>().is_some_and(AsyncTaskError::is_failure));
    Ok(())
}

pub async fn a_result_can_be_the_value<R: Runtime>(rt: R, _: Facts) -> Outcome {
    type Inner = Result<u32, ParseIntError>;
    ensure!(AsyncTask::to::<Inner>().on(&rt).run(|| async { not_a_number() }).await?.is_err());
    ensure!(AsyncTask::to::<Inner>().on(&rt).spawn(|| async { not_a_number() }).await?.is_err());
    Ok(())
}

pub async fn predicates_name_one_kind_each<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    let kinds = |e: &AsyncTaskError| {
        [e.is_failure(), e.is_timeout(), e.is_cancelled(), e.is_panic(), e.is_shutdown()]
    };
    let failure = failed(task().run(|| async { Err::<u32, _>("no") }).await)?;
    ensure!(kinds(&failure) == [true, false, false, false, false]);
    let timeout = failed(task().timeout(Duration::ZERO).run(pending::<u32>).await)?;
    ensure!(kinds(&timeout) == [false, true, false, false, false]);
    let pending_task = task().spawn(pending::<u32>);
    pending_task.cancel(CancelLevel::Kill).await;
    ensure!(kinds(&failed(pending_task.await)?) == [false, false, true, false, false]);
    let panic = failed(task().spawn(|| async { explode::<u32>("no") }).await)?;
    ensure!(kinds(&panic) == [false, false, false, true, false]);
    Ok(())
}
