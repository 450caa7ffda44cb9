//! The worst graphs for an orchestra: cycles, a long chain, a wide fan, and a failure at each task.

use crate::library::DynRuntime;
use crate::library::orchestra::OrchestratorError;

use super::Scale;
use crate::Flavour;
use crate::kit::orchestras::{cause, failing, orchestra};
use crate::kit::prelude::*;

/// Row 16: a cycle is refused and named. A chain overflows no stack, whether it runs or fails. A fan meets in
/// one task. A failure at each task of a graph skips the tasks that need it, and the others run.
pub(super) fn at_their_worst(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let (long, wide, each) = (scale.of(100_000).max(2), scale.of(10_000), scale.of(1_000));
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let took = chain(&rt, long, None).await?;
        let skipped = chain(&rt, long, Some(0)).await?;
        fan(&rt, wide).await?;
        for fails in 0..each {
            layers(&rt, each, fails).await?;
        }
        Ok(format!(
            "a chain of {long} in {took:.0?}, all of it skipped in {skipped:.0?}; {wide} met; {each} failures kept apart"
        ))
    })?
}

/// Runs a chain of which none or one task fails. Returns the time that the run took.
async fn chain(rt: &DynRuntime, long: usize, fails: Option<usize>) -> Result<Duration, Failure> {
    let all = orchestra(rt).build()?;
    for n in 0..long {
        let bad = fails == Some(n);
        all.register_task(n.to_string(), AsyncTask::to::<()>(), move || async move {
            if bad { Err("this one") } else { Ok(()) }
        })?;
        if n > 0 {
            all.add_dependency(n.to_string(), (n - 1).to_string())?;
        }
    }
    let last = (long - 1).to_string();
    match failed(all.add_dependency("0", &last))? {
        OrchestratorError::Cycle { path } => ensure!(path.len() == long + 1, "a path of {}", path.len()),
        other => bail!("{other}"),
    }
    ensure!(
        matches!(all.add_dependency(&last, &last), Err(OrchestratorError::Cycle { path }) if path.len() == 2)
    );
    let begun = std::time::Instant::now();
    let result = all.run().await;
    let (took, stats) = (begun.elapsed(), all.execution_stats());
    match fails {
        None => ensure!(result.is_ok() && stats.completed == long, "{stats:?}"),
        Some(fails) => {
            ensure!(
                (stats.completed, stats.failed, stats.skipped) == (fails, 1, long - fails - 1),
                "{stats:?}"
            );
            ensure!(cause(&all, &last)? == (fails.to_string(), false), "another cause");
        }
    }
    Ok(took)
}

async fn fan(rt: &DynRuntime, wide: usize) -> Outcome {
    let all = orchestra(rt).build()?;
    let parts: Result<Vec<_>, _> = (0..wide)
        .map(|n| all.register_task(n.to_string(), AsyncTask::to::<usize>(), move || async move { n }))
        .collect();
    let count =
        all.register_after("count", &parts?, AsyncTask::to::<usize>(), |parts| async move { parts.len() })?;
    all.run().await?;
    ensure!(count.output().as_deref() == Some(&wide), "{:?}", count.output());
    Ok(())
}

/// Runs ten columns of tasks. Each task needs the one above it, and the one to the left of that.
async fn layers(rt: &DynRuntime, nodes: usize, fails: usize) -> Outcome {
    const COLUMNS: usize = 10;
    let all = orchestra(rt).build()?;
    let mut hit = Vec::with_capacity(nodes);
    for node in 0..nodes {
        let name = node.to_string();
        match node == fails {
            true => failing(&all, &name)?,
            false => all.register_task(name.clone(), AsyncTask::to::<()>(), || async {})?,
        };
        let above: Vec<usize> = match node.checked_sub(COLUMNS) {
            Some(above) if above % COLUMNS > 0 => vec![above, above - 1],
            Some(above) => vec![above],
            None => Vec::new(),
        };
        for on in &above {
            all.add_dependency(&name, on.to_string())?;
        }
        hit.push(node == fails || above.iter().any(|on| hit.get(*on) == Some(&true)));
    }
    failed(all.run().await)?;
    let stats = all.execution_stats();
    let below = hit.iter().filter(|hit| **hit).count();
    ensure!((stats.failed, stats.skipped, stats.completed) == (1, below - 1, nodes - below), "{stats:?}");
    Ok(())
}
