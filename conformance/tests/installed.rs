//! The installed default runtime. In a file of its own, since it belongs to the whole process.
#![cfg(any(feature = "tokio", feature = "smol"))]

use anyhow::ensure;
use conformance::Outcome;
use sweet_async::{AsyncTask, RuntimeError, install_default};

#[test]
fn the_first_default_stays_and_a_second_is_an_error() -> Outcome {
    #[cfg(feature = "tokio")]
    let (owner, name) = (sweet_async::tokio::OwnedTokio::multi_thread(1)?, "tokio");
    #[cfg(not(feature = "tokio"))]
    let (owner, name) = (sweet_async::smol::SmolPool::new(1)?, "smol");
    install_default(owner.runtime().clone())?;
    let second = install_default(owner.runtime().clone());
    ensure!(matches!(second, Err(RuntimeError::AlreadyInstalled)));
    // Outside of every runtime, tasks and `block_on` use the default.
    let spawned = futures_lite::future::block_on(AsyncTask::to::<u32>().spawn(|| async { 1 }));
    ensure!(spawned? == 1);
    let found = sweet_async::block_on(async {
        use sweet_async::{Ambient, Runtime as _, RuntimeSource as _};
        Ambient.resolve().map(|runtime| runtime.name())
    })?;
    ensure!(found? == name);
    Ok(())
}
