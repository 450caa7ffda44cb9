//! A program of work that belongs together: work in place, which borrows, and the members of a scope, which has ended
//! only once all of them have. After the failure of one member, the others are killed.
//!
//! ```text
//! cargo run --example scope                                            # on Tokio
//! cargo run --example scope --no-default-features --features smol      # on smol
//! cargo run --example scope --features smol                            # on both
//! ```

use std::future::pending;
use std::io::Write;
use std::sync::Arc;

use sweet_async::BoxError;
use sweet_async::prelude::*;

async fn count_words(line: &str) -> usize {
    sweet_async::yield_now().await;
    line.split(' ').count()
}

/// Counts words in two ways, then fails, and writes what has become of the tasks.
pub(crate) async fn story(out: &mut impl Write) -> anyhow::Result<()> {
    let text = String::from("one scope\nand its three members");

    writeln!(out, "work in place, joined: it is part of this function, and borrows")?;
    let counts = text.lines().map(|line| AsyncTask::to::<usize>().run(move || count_words(line)));
    writeln!(out, "  words: {:?}", sweet_async::all(counts).await?)?;

    writeln!(out, "a scope: its body borrows; its members are tasks, and own what they need")?;
    let borrowed = &text;
    let sum = scope(|s| async move {
        let members = borrowed.lines().map(|line| {
            let line = line.to_owned();
            s.spawn(move || async move { Ok(count_words(&line).await) })
        });
        let counts = sweet_async::all(members).await?;
        Ok(counts.into_iter().sum::<usize>())
    });
    writeln!(out, "  words: {}", sum.await?)?;

    writeln!(out, "a scope with a member that fails")?;
    let file = Arc::new("stands in for a file");
    let held = file.clone();
    let ended = scope(|s| async move {
        let reader = s.spawn_with(move |cx| async move {
            let _held = held;
            cx.started();
            pending::<Result<(), BoxError>>().await
        });
        reader.ready().await?;
        // A builder gives a member its name and its policies.
        let check = AsyncTask::to::<()>().name("check").timeout(60.seconds());
        s.spawn_as(check, || async { Err::<(), _>("row 7 is broken") });
        Ok(())
    });
    // The scope has waited for the end of the reader, whose destructors have run: this is the only reference.
    if let Err(error) = ended.await {
        let left = Arc::strong_count(&file) - 1;
        writeln!(out, "  {error:#}; {left} members left")?;
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    examples::on_each_backend(story)
}
