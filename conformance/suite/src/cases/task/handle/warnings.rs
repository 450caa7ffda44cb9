//! Promise 1, drop: a handle that is dropped before the task's first poll warns through tracing.

use crate::kit::prelude::*;
use crate::kit::spans::{span, warnings};

pub async fn a_handle_dropped_before_the_first_poll_causes_a_warning<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let caller = span()?;
    let warnings = warnings(&caller)?;
    let held = hold_workers(&rt, at).await?;
    let named = AsyncTask::to::<()>().on(&rt).name("forgotten").spawn(pending::<()>);
    let bare = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    let expected = [(named.id(), Some("forgotten")), (bare.id(), None)];
    caller.in_scope(|| drop((named, bare)));
    held.release().await?;
    for (id, name) in expected {
        let warning = warnings.try_recv().context("no warning")?;
        ensure!(warning.task_id == id.as_u64(), "{warning:?} is not about {id}");
        ensure!(warning.task_name.as_deref() == name, "{warning:?}");
        ensure!(warning.message.contains("dropped") && warning.message.contains("detach"), "{warning:?}");
    }
    ensure!(warnings.is_empty(), "more than one warning for each");
    Ok(())
}

pub async fn a_handle_that_is_not_forgotten_causes_no_warning<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let caller = span()?;
    let warnings = warnings(&caller)?;
    let builder = || AsyncTask::to::<()>().on(&rt);
    let started = Latch::new();
    let start = started.clone();
    let running = builder().spawn(|| async move {
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    let mut ended = builder().spawn(|| async {});
    (&mut ended).await?;
    let held = hold_workers(&rt, at).await?;
    let (detached, cancelled) = (builder().spawn(|| async {}), builder().spawn(pending::<()>));
    caller.in_scope(|| {
        drop(running);
        drop(ended);
        detached.detach();
        drop(cancelled.cancel(CancelLevel::Kill));
        drop(cancelled);
    });
    held.release().await?;
    let warning = warnings.try_recv();
    ensure!(warning.is_err(), "{warning:?}");
    Ok(())
}
