//! The backends that are compiled in, for programs that run on each of them.

use std::io::{self, Stdout, Write};

use sweet_async::OwnedRuntime;
use sweet_async::prelude::*;

/// Runs `story` on each backend that is compiled in. It prints the name of the backend, and then what `story` writes.
///
/// # Errors
///
/// As [`run_on`].
pub fn on_each_backend<F>(story: F) -> anyhow::Result<()>
where
    F: AsyncFnOnce(&mut Stdout) -> anyhow::Result<()> + Copy,
{
    #[cfg(feature = "tokio")]
    print_on(sweet_async::tokio::OwnedTokio::multi_thread(2)?, story)?;
    #[cfg(feature = "smol")]
    print_on(sweet_async::smol::SmolPool::new(2)?, story)?;
    #[cfg(not(any(feature = "tokio", feature = "smol")))]
    {
        let _ = story;
        writeln!(io::stdout(), "no backend is compiled in: add `--features tokio` or `--features smol`")?;
    }
    Ok(())
}

#[cfg_attr(not(any(feature = "tokio", feature = "smol")), allow(dead_code, reason = "there is no backend"))]
fn print_on<O, F>(owned: O, story: F) -> anyhow::Result<()>
where
    O: OwnedRuntime,
    F: AsyncFnOnce(&mut Stdout) -> anyhow::Result<()>,
{
    let mut out = io::stdout();
    writeln!(out, "on {}", O::NAME)?;
    run_on(owned, &mut out, story)
}

/// Runs `story` as the main future of `owned`, and then ends that runtime.
///
/// # Errors
///
/// The error of the story, or of a runtime that cannot be made, used or ended.
pub fn run_on<O, W, F>(owned: O, out: &mut W, story: F) -> anyhow::Result<()>
where
    O: OwnedRuntime,
    W: Write,
    F: AsyncFnOnce(&mut W) -> anyhow::Result<()>,
{
    owned.block_on(story(out))??;
    // An error says which tasks were left.
    Ok(owned.shutdown(10.seconds())?)
}
