//! A client of flaky services, told line by line. Each chapter shows one policy at work. It prints no measured
//! time and no random number, so that the story is the same on each run and on each backend.

mod calls;
mod events;
mod load;
mod service;
mod structure;

use std::sync::{Arc, Mutex, PoisonError};

use sweet_async::BoxError;

/// The lines so far. Clones add to the same ones.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    fn line(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }
}

/// Plays all chapters on the ambient runtime, and returns the story.
///
/// # Errors
///
/// If a chapter does not go as it should, or there is no runtime.
pub async fn tell() -> Result<String, BoxError> {
    let story = Story::default();
    calls::retry_after(&story).await?;
    calls::breaker_by_rate(&story).await?;
    calls::breaker_for_each_host(&story).await?;
    load::adaptive_limiter(&story).await?;
    load::injected_failures(&story).await?;
    events::policies_of_events(&story).await?;
    structure::schedule(&story).await?;
    structure::heartbeat(&story).await?;
    structure::cancelled_for_a_reason(&story).await?;
    let lines = story.0.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(lines.join("\n"))
}
