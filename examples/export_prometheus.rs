//! An export of the metrics of a runtime and its tasks to Prometheus.
//!
//! ```text
//! cargo run --release --example export_prometheus --features prometheus
//! ```
//!
//! The page is printed. A server answers scrapes with `publish` and `render`, as `metrics_page` does here.

use std::io::{self, Write as _};
use std::process::ExitCode;

use examples::{exit, observed};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sweet_async::metrics::Publisher;
use sweet_async::prelude::*;
use sweet_async::{Ambient, AmbientRuntime, RuntimeSource as _};

/// The answer to a scrape.
fn metrics_page(publisher: &mut Publisher<AmbientRuntime>, page: &PrometheusHandle) -> String {
    publisher.publish();
    page.run_upkeep();
    page.render()
}

async fn export(page: &PrometheusHandle) -> anyhow::Result<()> {
    let runtime = Ambient.resolve()?;
    let mut publisher = Publisher::new(&runtime);
    let folder = tempfile::tempdir()?;
    observed::start(folder.path()).await?;
    let failed = AsyncTask::to::<()>().metrics(true).spawn(|| async { Err::<(), _>("it fails") }).await;
    anyhow::ensure!(failed.is_err());
    writeln!(io::stdout(), "{}", metrics_page(&mut publisher, page))?;
    Ok(())
}

fn run() -> anyhow::Result<()> {
    // Bounds in seconds, by powers of four from a microsecond.
    let buckets: Vec<f64> = (0..14).map(|power| 1e-6 * 4f64.powi(power)).collect();
    let page = PrometheusBuilder::new().set_buckets(&buckets)?.install_recorder()?;
    sweet_async::block_on(export(&page))?
}

fn main() -> ExitCode {
    exit(run())
}
