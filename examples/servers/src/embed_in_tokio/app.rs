//! The routes. Each handler is plain axum; the tasks that it starts find the Tokio runtime by themselves.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sweet_async::RuntimeError;
use sweet_async::prelude::*;
use sweet_async::tokio::TokioRuntime;
use tokio::time::sleep;

use crate::jobs::{JobCounts, Jobs};

/// The largest `n` of `GET /work/{n}`.
pub const MAX_N: u64 = 1000;

/// The answer to `GET /stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The number of tasks on this Tokio runtime, as the library counts them: jobs, and the tasks that jobs
    /// are made of.
    pub active: usize,
    /// The jobs, as their guards count them.
    #[serde(flatten)]
    pub jobs: JobCounts,
}

/// Returns the routes, which count their jobs in `jobs`.
pub fn app(jobs: Jobs) -> Router {
    Router::new()
        .route("/work/{n}", get(work))
        .route("/slow", get(slow))
        .route("/background", post(background))
        .route("/stats", get(stats))
        .with_state(jobs)
}

/// Answers with the sum of the first `n` squares.
async fn work(State(jobs): State<Jobs>, Path(n): Path<u64>) -> Result<String, Refusal> {
    if n > MAX_N {
        return Err(Refusal::TooMuch);
    }
    let task = AsyncTask::to::<u64>().name(format!("work {n}")).timeout(10.seconds());
    let sum = task.spawn(move || async move {
        let job = jobs.begin();
        let sum = sum_of_squares(n).await?;
        job.finish();
        Ok::<_, AsyncTaskError>(sum)
    });
    Ok(sum.await?.to_string())
}

/// Computes each square by a task, which is a child of the calling task. An error drops the other handles,
/// which cancels their tasks; the parent does not end before them.
async fn sum_of_squares(n: u64) -> Result<u64, AsyncTaskError> {
    let square = |number| async move {
        // All of Tokio is available: a task is on the runtime that it was started on.
        sleep(1.millis()).await;
        number * number
    };
    let squares: Vec<_> =
        (1..=n).map(|number| AsyncTask::to::<u64>().spawn(move || square(number))).collect();
    let mut sum = 0;
    for square in squares {
        sum += square.await?;
    }
    Ok(sum)
}

/// Never answers. When the client disconnects, hyper drops this future, and with it the handle, which cancels
/// the task. The handler needs no code for that.
async fn slow(State(jobs): State<Jobs>) -> Result<String, Refusal> {
    let task = AsyncTask::to::<()>().name("slow").timeout(1.hours()).spawn(move || async move {
        let job = jobs.begin();
        std::future::pending::<()>().await;
        job.finish();
    });
    task.await?;
    Ok(String::new())
}

/// Starts a job that outlives its request. Detached, it belongs to the runtime's root scope alone, so that a
/// shutdown waits for it: the job sees the shutdown begin, does what is left to do, and ends.
async fn background(State(jobs): State<Jobs>) -> Result<StatusCode, Refusal> {
    let runtime = TokioRuntime::current()?;
    let task = AsyncTask::to::<()>().name("background").spawn(move || async move {
        let job = jobs.begin();
        runtime.root().closing().await;
        sleep(10.millis()).await;
        job.finish();
    });
    task.detach();
    Ok(StatusCode::ACCEPTED)
}

async fn stats(State(jobs): State<Jobs>) -> Result<Json<Stats>, Refusal> {
    let active = TokioRuntime::current()?.active_task_count();
    Ok(Json(Stats { active, jobs: jobs.counts() }))
}

/// The reason for a missing answer.
enum Refusal {
    TooMuch,
    Task(AsyncTaskError),
}

impl From<AsyncTaskError> for Refusal {
    fn from(error: AsyncTaskError) -> Self {
        Self::Task(error)
    }
}

impl From<RuntimeError> for Refusal {
    fn from(error: RuntimeError) -> Self {
        Self::Task(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::TooMuch => (StatusCode::BAD_REQUEST, format!("at most {MAX_N}")),
            Self::Task(error) if error.is_timeout() => (StatusCode::GATEWAY_TIMEOUT, error.to_string()),
            // Refused by a shutdown, or killed at its limit.
            Self::Task(error) if error.is_shutdown() || error.is_cancelled() => {
                (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            Self::Task(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
        }
        .into_response()
    }
}
