//! A file that cannot be written to its end. In a process of its own, whose files may have 32 KiB.
#![cfg(all(unix, feature = "pipeline", any(feature = "tokio", feature = "smol")))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sweet_async::prelude::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The variable that names the folder, in that process.
const FOLDER: &str = "SWEET_ASYNC_TEST_FULL_DISK";

#[test]
fn a_full_disk_is_an_error_that_names_the_file() -> TestResult {
    if let Some(folder) = env::var_os(FOLDER) {
        return write(&PathBuf::from(folder));
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.txt");
    fs::write(&path, "old\n")?;
    let limited =
        "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact a_full_disk_is_an_error_that_names_the_file";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(env::current_exe()?)
        .env(FOLDER, folder.path())
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(fs::read_to_string(&path)?, "old\n");
    assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing else is left");
    Ok(())
}

fn write(folder: &Path) -> TestResult {
    let path = folder.join("rows.txt");
    for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
        let rows = AsyncTask::emits::<u64>()
            .on_error(strategy)
            .sender(|sources| sources.of(0..).into_chunks(1000.items()))
            .write_lines(&path);
        let Err(error) = sweet_async::block_on(async { rows.await })? else {
            return Err("an error was due".into());
        };
        assert!(matches!(error, AsyncTaskError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    Ok(())
}
