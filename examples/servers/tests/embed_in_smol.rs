//! Tests of the line server on smol: a client that leaves cancels its jobs, a shutdown joins detached jobs,
//! and the counts add up.
#![cfg(feature = "smol")]

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::bail;
use servers::embed_in_smol::{Client, serve, tour};
use servers::jobs::{JobCounts, Jobs};
use smol::Timer;
use smol::future;
use smol::net::TcpListener;
use sweet_async::prelude::*;
use sweet_async::smol::SmolPool;

/// Runs a server with `clients`, one of which sends `quit`, and returns the counts of the jobs.
async fn server(clients: impl AsyncFnOnce(SocketAddr) -> anyhow::Result<()>) -> anyhow::Result<JobCounts> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let jobs = Jobs::default();
    let playing = future::try_zip(serve(listener, jobs.clone(), 10.seconds()), clients(address));
    let late = async {
        Timer::after(60.seconds()).await;
        bail!("it hangs")
    };
    future::or(playing, late).await?;
    Ok(jobs.counts())
}

/// Runs on a pool of the test's own: a shutdown of the global executor is for the whole process.
fn on_smol(clients: impl AsyncFnOnce(SocketAddr) -> anyhow::Result<()>) -> anyhow::Result<JobCounts> {
    SmolPool::new(2)?.block_on(server(clients))?
}

#[test]
fn a_client_that_disconnects_cancels_its_jobs() -> anyhow::Result<()> {
    let jobs = on_smol(async |server| {
        let mut staying = Client::connect(server).await?;
        let mut leaving = Client::connect(server).await?;
        assert_eq!(leaving.ask("sum 3").await?, "sum 3: 14");
        leaving.send("wait").await?;
        leaving.send("wait").await?;
        let stats = staying.until(|stats| stats.jobs.live == 2).await?;
        assert_eq!(stats.jobs, JobCounts { started: 3, live: 2, finished: 1, cancelled: 0 });
        drop(leaving);
        // The two tasks of the client that stays are left: its own, and the one that writes its answers.
        let stats = staying.until(|stats| stats.active == 2).await?;
        assert_eq!(stats.jobs, JobCounts { started: 3, live: 0, finished: 1, cancelled: 2 });
        staying.ask("quit").await?;
        Ok(())
    })?;
    assert_eq!(jobs.cancelled, 2);
    Ok(())
}

#[test]
fn a_line_without_an_end_cancels_the_jobs_of_its_client() -> anyhow::Result<()> {
    let jobs = on_smol(async |server| {
        let mut rude = Client::connect(server).await?;
        rude.send("wait").await?;
        let mut staying = Client::connect(server).await?;
        staying.until(|stats| stats.jobs.live == 1).await?;
        rude.send(&"x".repeat(256)).await?;
        staying.until(|stats| stats.active == 2).await?;
        staying.ask("quit").await?;
        Ok(())
    })?;
    assert_eq!(jobs, JobCounts { started: 1, live: 0, finished: 0, cancelled: 1 });
    Ok(())
}

#[test]
fn quit_joins_background_jobs_and_cancels_jobs_with_a_client() -> anyhow::Result<()> {
    let jobs = on_smol(async |server| {
        let mut waiting = Client::connect(server).await?;
        waiting.send("wait").await?;
        let mut quitting = Client::connect(server).await?;
        assert_eq!(quitting.ask("background").await?, "background: accepted");
        quitting.send("wait").await?;
        quitting.until(|stats| stats.jobs.live == 3).await?;
        assert_eq!(quitting.ask("quit").await?, "bye");
        assert_eq!((quitting.receive().await?, waiting.receive().await?), (None, None));
        Ok(())
    })?;
    assert_eq!(jobs, JobCounts { started: 3, live: 0, finished: 1, cancelled: 2 });
    Ok(())
}

#[test]
fn background_jobs_outlive_their_client() -> anyhow::Result<()> {
    let jobs = on_smol(async |server| {
        let mut leaving = Client::connect(server).await?;
        leaving.ask("background").await?;
        drop(leaving);
        let mut staying = Client::connect(server).await?;
        // The two tasks of the client, and the job.
        let stats = staying.until(|stats| stats.active == 3).await?;
        assert!(stats.jobs.finished == 0 && stats.jobs.cancelled == 0);
        staying.ask("quit").await?;
        Ok(())
    })?;
    assert_eq!(jobs, JobCounts { started: 1, live: 0, finished: 1, cancelled: 0 });
    Ok(())
}

#[test]
fn a_job_does_not_wait_for_the_line_before_it() -> anyhow::Result<()> {
    on_smol(async |server| {
        let mut client = Client::connect(server).await?;
        for _ in 0..99 {
            client.send("wait").await?;
        }
        assert_eq!(client.ask("sum 4").await?, "sum 4: 30");
        client.ask("quit").await?;
        Ok(())
    })?;
    Ok(())
}

#[test]
fn invalid_lines_are_refused() -> anyhow::Result<()> {
    let jobs = on_smol(async |server| {
        let mut client = Client::connect(server).await?;
        for line in ["", "sum", "sum -1", "sum 1001", "wait 3", "QUIT"] {
            let answer = client.ask(line).await?;
            assert!(answer.starts_with(&format!("{line}: expected ")), "{answer}");
        }
        for _ in 0..100 {
            client.send("wait").await?;
        }
        assert_eq!(client.ask("sum 1").await?, "sum 1: too many jobs, wait for some");
        client.until(|stats| stats.jobs.live == 100).await?;
        client.ask("quit").await?;
        Ok(())
    })?;
    assert_eq!(jobs, JobCounts { started: 100, live: 0, finished: 0, cancelled: 100 });
    Ok(())
}

#[test]
fn the_tour_ends_well_on_the_global_executor() -> anyhow::Result<()> {
    let mut out = Vec::new();
    let jobs = smol::block_on(server(async |server| tour(server, &mut out).await))?;
    assert_eq!(jobs, JobCounts { started: 4, live: 0, finished: 2, cancelled: 2 });
    assert_eq!(String::from_utf8(out)?.lines().count(), 6);
    Ok(())
}
