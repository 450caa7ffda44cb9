//! hyper's connections on each backend: their tasks are tasks of the library, and their timers those of the runtime.
#![cfg(all(feature = "smol", feature = "tokio"))]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{bail, ensure};
use futures_lite::future::{or, pending, yield_now};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Executor as _, Timer as _};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sweet_async::hyper::{HyperExecutor, HyperTimer};
use sweet_async::prelude::*;
use sweet_async::sim::SimRuntime;
use sweet_async::smol::SmolPool;
use sweet_async::tokio::OwnedTokio;
use sweet_async::{BoxError, Scope, TaskBuilder};

type Sender = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

/// The requests that are under way.
#[derive(Clone, Default)]
struct UnderWay(Arc<AtomicUsize>);

struct Guard(UnderWay);

impl UnderWay {
    fn enter(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Connects a client to a server over memory, both as members of the scope. The server answers "/", and never answers
/// other paths.
async fn connect<R: Runtime>(scope: &Scope<R>, runtime: &R, requests: &UnderWay) -> Result<Sender, BoxError> {
    let (ours, theirs) = tokio::io::duplex(4096);
    let executor = HyperExecutor::in_scope(runtime, scope);
    let (server, requests) = (executor.clone(), requests.clone());
    let timer = HyperTimer::new(runtime);
    scope.spawn(move || async move {
        let service = service_fn(move |request: Request<Incoming>| {
            let guard = requests.enter();
            async move {
                if request.uri().path() != "/" {
                    pending::<()>().await;
                }
                drop(guard);
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"served"))))
            }
        });
        let mut builder = hyper::server::conn::http2::Builder::new(server);
        builder.timer(timer).keep_alive_interval(Some(Duration::from_secs(30)));
        Ok(builder.serve_connection(TokioIo::new(theirs), service).await?)
    });
    let (sender, connection) = hyper::client::conn::http2::handshake(executor, TokioIo::new(ours)).await?;
    scope.spawn(move || async move { Ok(connection.await?) });
    Ok(sender)
}

fn request(path: &str) -> Result<Request<Empty<Bytes>>, BoxError> {
    Ok(Request::get(format!("http://here{path}")).body(Empty::new())?)
}

/// A request is answered, and two that hang are gone once their scope has ended.
async fn served<R: Runtime>(runtime: R) -> anyhow::Result<()> {
    let (before, requests) = (runtime.active_task_count(), UnderWay::default());
    let seen = requests.clone();
    let inside = runtime.clone();
    let scope = TaskBuilder::<(), R>::new(runtime.clone()).scope(|s| async move {
        let mut sender = connect(&s, &inside, &seen).await?;
        let answer = sender.send_request(request("/")?).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        if body != "served" {
            return Err(BoxError::from("another answer"));
        }
        let (one, two) = (sender.send_request(request("/hangs")?), sender.send_request(request("/hangs")?));
        let answered = async {
            let _ = futures_lite::future::zip(one, two).await;
            Err(BoxError::from("an answer"))
        };
        let arrived = async {
            while seen.count() < 2 {
                yield_now().await;
            }
            Err(BoxError::from("the end"))
        };
        or(answered, arrived).await
    });
    let Err(error) = scope.await else { bail!("the scope has not failed") };
    let error = anyhow::Error::from(error);
    ensure!(format!("{error:#}").contains("the end"), "{error:#}");
    ensure!(requests.count() == 0, "{} requests are under way", requests.count());
    let left = runtime.active_task_count() - before;
    ensure!(left == 0, "{left} tasks are left");
    Ok(())
}

#[test]
fn requests_end_with_their_scope_on_tokio() -> anyhow::Result<()> {
    let tokio = OwnedTokio::multi_thread(2)?;
    tokio.block_on(served(tokio.runtime().clone()))?
}

#[test]
fn requests_end_with_their_scope_on_smol() -> anyhow::Result<()> {
    let smol = SmolPool::new(2)?;
    smol.block_on(served(smol.runtime().clone()))?
}

/// A detached future is counted, and ends once the shutdown has begun, which waits for it.
async fn detached<R: Runtime>(runtime: R) -> anyhow::Result<()> {
    let (ended, closing) = (UnderWay::default(), runtime.clone());
    let guard = ended.enter();
    HyperExecutor::new(&runtime).execute(async move {
        closing.root().closing().await;
        drop(guard);
    });
    ensure!(runtime.active_task_count() == 1);
    runtime.shutdown(Duration::from_secs(10)).await?;
    ensure!(ended.count() == 0, "the shutdown has not waited");
    Ok(())
}

#[test]
fn detached_futures_are_waited_for_on_tokio() -> anyhow::Result<()> {
    let tokio = OwnedTokio::multi_thread(1)?;
    tokio.block_on(detached(tokio.runtime().clone()))?
}

#[test]
fn detached_futures_are_waited_for_on_smol() -> anyhow::Result<()> {
    let smol = SmolPool::new(1)?;
    smol.block_on(detached(smol.runtime().clone()))?
}

#[test]
fn waits_are_those_of_the_runtime() -> anyhow::Result<()> {
    let sim = SimRuntime::new(1);
    let timer = HyperTimer::new(sim.runtime());
    let begun = timer.now();
    sim.block_on(timer.sleep(Duration::from_secs(3600)))?;
    ensure!(timer.now() - begun == Duration::from_secs(3600));
    // Longer than any clock can say: it is still waiting.
    let endless = sim.block_on(or(
        async {
            timer.sleep(Duration::MAX).await;
            false
        },
        async { true },
    ))?;
    ensure!(endless, "it has ended");
    Ok(())
}
