//! The tests: each interrupts processes in its own way.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sweet_async_core::{RuntimeExt as _, TaskBuilder};

use super::{LEASE, Parts, RESTART, SharedEngine};
use crate::{Backend as _, Outcome};

pub(super) fn consumers_are_killed<E: SharedEngine>(parts: &Parts<E>) -> Outcome {
    let mut processes = parts.processes();
    processes.start("publish")?;
    for _ in 0..3 {
        processes.start("consume")?;
    }
    parts.gather(&mut processes, Duration::from_millis(300), async |processes| {
        // The publisher is the first one, and the oldest consumer the second.
        let was_running = processes.kill(1)?;
        if was_running {
            processes.start("consume")?;
        }
        Ok(!was_running)
    })
}

pub(super) fn the_publisher_is_killed<E: SharedEngine>(parts: &Parts<E>) -> Outcome {
    let mut processes = parts.processes();
    let mut publisher = parts.processes();
    publisher.start("publish")?;
    for _ in 0..2 {
        processes.start("consume")?;
    }
    // Each time it lives for longer, so that it comes to its end.
    let (mut lives, mut left) = (1, 1);
    parts.gather(&mut processes, Duration::from_millis(30), async |_| {
        left -= 1;
        if left > 0 {
            return Ok(false);
        }
        let was_running = publisher.kill(0)?;
        if was_running {
            publisher.start("publish")?;
            lives *= 2;
            left = lives;
        }
        Ok(!was_running)
    })
}

pub(super) fn a_consumer_hangs_past_its_lease<E: SharedEngine>(parts: &Parts<E>) -> Outcome {
    let mut processes = parts.processes();
    for role in ["publish", "consume", "consume"] {
        processes.start(role)?;
    }
    let runtime = parts.backend.runtime();
    parts.gather(&mut processes, Duration::from_millis(20), async |processes| {
        let hanging = processes.running.get_mut(1).context("a consumer")?;
        ensure!(
            hanging.try_wait()?.is_none(),
            "the job was over before a consumer hung: more messages are needed"
        );
        signal("STOP", hanging.id())?;
        runtime.sleep(LEASE * 2).await?;
        signal("CONT", hanging.id())?;
        Ok(true)
    })
}

pub(super) fn connections_are_cut<E: SharedEngine>(parts: &Parts<E>) -> Outcome {
    let mut processes = parts.processes();
    for role in ["publish", "consume", "consume"] {
        processes.start(role)?;
    }
    let mut cuts = 0;
    parts.gather(&mut processes, Duration::from_millis(30), async |processes| {
        cuts += 1;
        ensure!(cuts > 1 || !processes.have_ended()?, "the job was over before a connection was cut");
        ensure!(E::cut(&parts.address).await?, "there are no connections to be cut");
        Ok(cuts >= 20 || processes.have_ended()?)
    })
}

pub(super) fn the_server_is_killed<E: SharedEngine>(parts: &Parts<E>) -> Outcome {
    let mut processes = parts.processes();
    for role in ["publish", "consume", "consume"] {
        processes.start(role)?;
    }
    let (runtime, mut kills) = (parts.backend.runtime(), 0);
    parts.gather(&mut processes, Duration::from_millis(100), async |processes| {
        kills += 1;
        ensure!(kills > 1 || !processes.have_ended()?, "the job was over before the server was killed");
        let restart = std::env::var(RESTART)?;
        // On another thread: the gathering consumer goes on meanwhile, and notices.
        let restarted = TaskBuilder::<std::process::ExitStatus, _>::new(runtime.clone())
            .spawn_blocking(move || Command::new(restart).stdout(Stdio::null()).status())
            .await?;
        ensure!(restarted.success(), "the server does not start again: {restarted}");
        Ok(kills >= 3 || processes.have_ended()?)
    })
}

/// Sends a signal to a process.
fn signal(name: &str, process: u32) -> Outcome {
    // The shell's own: the program is not everywhere.
    let sent = Command::new("sh").args(["-c", "kill -$0 $1", name, &process.to_string()]).status()?;
    if !sent.success() {
        // One that has ended gets none.
        bail!("kill -{name} {process}: {sent}");
    }
    Ok(())
}
