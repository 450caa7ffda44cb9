//! Tests of the job that `observe` observes: its usage is that of the work that it does.

use examples::observed::{FILE_BYTES, start};
use sweet_async::BoxError;
use sweet_async::prelude::*;

#[test]
fn the_usage_of_the_job_includes_its_file() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    sweet_async::block_on(async {
        let mut job = start(folder.path());
        (&mut job).await?;
        let io = job.io_usage().ok_or("it is measured")?;
        assert_eq!((io.read.bytes, io.written.bytes), (FILE_BYTES, FILE_BYTES), "{io:?}");
        assert_eq!((io.read.operations, io.written.operations), (129, 128), "{io:?}");
        assert!(job.cpu_usage().is_none_or(|cpu| !cpu.total().is_zero()));
        Ok(())
    })?
}

/// The page of a scraper has the figures, by name.
#[cfg(feature = "prometheus")]
#[test]
fn the_published_page_has_the_names_and_adds_up() -> Result<(), BoxError> {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use sweet_async::metrics::Publisher;
    use sweet_async::{Ambient, RuntimeSource as _};

    let page = PrometheusBuilder::new().install_recorder()?;
    let folder = tempfile::tempdir()?;
    sweet_async::block_on(async {
        let mut publisher = Publisher::named(&Ambient.resolve()?, "tested");
        start(folder.path()).await?;
        // Publishing twice counts nothing twice.
        publisher.publish();
        publisher.publish();
        Ok::<_, BoxError>(())
    })??;
    page.run_upkeep();
    let text = page.render();
    for line in [
        "sweet_async_task_spawned{runtime=\"tested\"} 3",
        "sweet_async_task_ended{runtime=\"tested\",task_outcome=\"completed\"} 3",
        "sweet_async_task_live{runtime=\"tested\"} 0",
        "sweet_async_task_duration_count{runtime=\"tested\"} 3",
        "sweet_async_task_io{runtime=\"tested\",io_direction=\"read\"} 8388608",
        "sweet_async_blocking_ended{runtime=\"tested\"} 1",
    ] {
        assert!(text.lines().any(|published| published == line), "{line} is not in\n{text}");
    }
    Ok(())
}
