//! A program that uses a library which is generic over the runtime, on each backend that is compiled in. The
//! library is `src/generic_library.rs`: it depends on no executor, and its user chooses one.
//!
//! ```text
//! cargo run --release --example generic_library                                            # on Tokio
//! cargo run --release --example generic_library --no-default-features --features smol      # on smol
//! cargo run --release --example generic_library --features smol                            # on both
//! ```

use std::io::{self, Write as _};
use std::num::NonZeroUsize;

use examples::generic_library::{Limits, fetch_all};
use sweet_async::prelude::*;
use sweet_async::{BoxError, OwnedRuntime, Runtime};

/// Stands in for fetching a page. Later pages take less time, so that they do not end in order.
async fn page(runtime: impl Runtime, number: u64) -> Result<String, BoxError> {
    runtime.sleep(50u64.saturating_sub(number * 5).millis()).await?;
    match number {
        7 => Err("no such page".into()),
        _ => Ok(format!("page {number}")),
    }
}

async fn fetch<R: Runtime>(runtime: &R) -> anyhow::Result<()> {
    let limits = Limits { at_once: NonZeroUsize::MIN.saturating_add(3), each: 10.seconds() };
    let mut out = io::stdout();
    writeln!(out, "on {}", runtime.name())?;
    for pages in [1..=6, 1..=9] {
        write!(out, "  {pages:?}  ")?;
        match fetch_all(runtime, limits, pages, |number| page(runtime.clone(), number)).await {
            Ok(pages) => write!(out, "{}", pages.join(", "))?,
            Err(error) => write!(out, "{error}: {:#}", error.error)?,
        }
        writeln!(out, "; tasks left: {}", runtime.active_task_count())?;
    }
    Ok(())
}

#[cfg_attr(not(any(feature = "tokio", feature = "smol")), allow(dead_code, reason = "there is no backend"))]
fn run<O: OwnedRuntime>(owned: O) -> anyhow::Result<()> {
    owned.block_on(fetch(owned.runtime()))??;
    owned.shutdown(10.seconds())?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    #[cfg(feature = "tokio")]
    run(sweet_async::tokio::OwnedTokio::multi_thread(2)?)?;
    #[cfg(feature = "smol")]
    run(sweet_async::smol::SmolPool::new(2)?)?;
    #[cfg(not(any(feature = "tokio", feature = "smol")))]
    writeln!(io::stdout(), "no backend is compiled in: add `--features tokio` or `--features smol`")?;
    Ok(())
}
