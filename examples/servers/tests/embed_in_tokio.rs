//! Tests of the web server on axum: a client that leaves cancels its job, a shutdown joins detached jobs, and
//! the counts add up.
#![cfg(feature = "tokio")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use servers::embed_in_tokio::client::{ask, send};
use servers::embed_in_tokio::{MAX_N, serve, tour, until};
use servers::jobs::{JobCounts, Jobs};
use sweet_async::RuntimeError;
use sweet_async::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Stops the server when dropped.
type Stop = oneshot::Sender<()>;

/// The end of a server.
#[derive(Debug)]
struct Ended {
    served: anyhow::Result<()>,
    jobs: JobCounts,
}

/// Runs a server with `clients`, on Tokio runtimes of both flavours that were built without this library.
fn on_tokio(
    limit: Duration,
    clients: impl AsyncFn(SocketAddr, Stop) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Ended>> {
    let flavours = [Builder::new_current_thread(), Builder::new_multi_thread()];
    let run = |mut flavour: Builder| -> anyhow::Result<Ended> {
        let running = flavour.worker_threads(2).enable_all().build()?;
        let playing = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            let (stop, stopped) = oneshot::channel::<()>();
            let stopped = async {
                let _ = stopped.await;
            };
            let jobs = Jobs::default();
            let serving = serve(listener, jobs.clone(), stopped, limit);
            let (served, played) = tokio::join!(serving, clients(address, stop));
            played?;
            Ok(Ended { served, jobs: jobs.counts() })
        };
        running.block_on(async { timeout(60.seconds(), playing).await.context("it hangs")? })
    };
    flavours.into_iter().map(run).collect()
}

#[test]
fn a_client_that_disconnects_cancels_its_job() -> anyhow::Result<()> {
    let ended = on_tokio(10.seconds(), async |server, _stop| {
        for (before, connection) in (0..).zip(["close", "keep-alive"]) {
            let mut client = TcpStream::connect(server).await?;
            let request = format!("GET /slow HTTP/1.1\r\nhost: here\r\nconnection: {connection}\r\n\r\n");
            client.write_all(request.as_bytes()).await?;
            let stats = until(server, |stats| stats.jobs.live == 1).await?;
            assert_eq!((stats.active, stats.jobs.cancelled), (1, before));
            drop(client);
            let stats = until(server, |stats| stats.active == 0).await?;
            let started = before + 1;
            assert_eq!(stats.jobs, JobCounts { started, live: 0, finished: 0, cancelled: started });
        }
        Ok(())
    })?;
    for Ended { served, .. } in ended {
        served?;
    }
    Ok(())
}

#[test]
fn a_shutdown_joins_the_background_job() -> anyhow::Result<()> {
    let ended = on_tokio(10.seconds(), async |server, _stop| {
        assert_eq!(ask(server, "POST", "/background").await?.status, 202);
        let stats = until(server, |stats| stats.jobs.live == 1).await?;
        assert_eq!(stats.active, 1);
        Ok(())
    })?;
    for Ended { served, jobs } in ended {
        served?;
        assert_eq!(jobs, JobCounts { started: 1, live: 0, finished: 1, cancelled: 0 });
    }
    Ok(())
}

#[test]
fn a_job_that_outlives_the_limit_is_reported_and_its_client_gets_an_error() -> anyhow::Result<()> {
    let ended = on_tokio(Duration::ZERO, async |server, stop| {
        let slow = send(server, "GET", "/slow").await?;
        until(server, |stats| stats.jobs.live == 1).await?;
        drop(stop);
        let answer = slow.answer().await?;
        ensure!(answer.status == 503, "{answer}");
        Ok(())
    })?;
    for Ended { served, jobs } in ended {
        let error = served.err().context("nothing was left")?;
        let left =
            matches!(error.downcast_ref(), Some(RuntimeError::TasksLeft { tasks: 1, blocking: 0, .. }));
        assert!(left, "{error}");
        assert_eq!(jobs, JobCounts { started: 1, live: 0, finished: 0, cancelled: 1 });
    }
    Ok(())
}

#[test]
fn the_counts_of_many_clients_add_up() -> anyhow::Result<()> {
    let ended = on_tokio(10.seconds(), async |server, _stop| {
        let mut leaving = Vec::new();
        let mut waiting = Vec::new();
        for n in 0..20_u64 {
            leaving.push(send(server, "GET", "/slow").await?);
            waiting.push((n, send(server, "GET", &format!("/work/{n}")).await?));
            ask(server, "POST", "/background").await?;
        }
        for (n, waiting) in waiting {
            assert_eq!(waiting.answer().await?.body, (n * (n + 1) * (2 * n + 1) / 6).to_string());
        }
        until(server, |stats| stats.jobs.started == 60).await?;
        drop(leaving);
        let stats = until(server, |stats| stats.active == 20).await?;
        assert_eq!(stats.jobs, JobCounts { started: 60, live: 20, finished: 20, cancelled: 20 });
        Ok(())
    })?;
    for Ended { served, jobs } in ended {
        served?;
        assert_eq!(jobs, JobCounts { started: 60, live: 0, finished: 40, cancelled: 20 });
    }
    Ok(())
}

#[test]
fn too_much_work_is_refused() -> anyhow::Result<()> {
    let ended = on_tokio(10.seconds(), async |server, _stop| {
        assert_eq!(ask(server, "GET", &format!("/work/{MAX_N}")).await?.status, 200);
        assert_eq!(ask(server, "GET", &format!("/work/{}", MAX_N + 1)).await?.status, 400);
        Ok(())
    })?;
    assert!(ended.iter().all(|ended| ended.jobs.started == 1), "{ended:?}");
    Ok(())
}

#[test]
fn the_tour_ends_well() -> anyhow::Result<()> {
    let ended = on_tokio(10.seconds(), async |server, _stop| {
        let mut out = Vec::new();
        tour(server, &mut out).await?;
        assert_eq!(String::from_utf8(out)?.lines().count(), 5);
        Ok(())
    })?;
    for Ended { served, jobs } in ended {
        served?;
        assert_eq!(jobs, JobCounts { started: 3, live: 0, finished: 2, cancelled: 1 });
    }
    Ok(())
}
