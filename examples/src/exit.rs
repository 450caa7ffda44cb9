//! How a program ends.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use sweet_async::AsyncTaskError;

/// The program's exit code; an error is one line on stderr.
///
/// A pipe that was closed is no error: whoever reads the output has had enough, as `head` does.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Err(error) if !is_closed_pipe(&error) => {
            // If stderr is closed as well, nobody can be told.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let in_pipeline = || error.downcast_ref::<AsyncTaskError>()?.downcast_ref::<io::Error>();
    let io = error.downcast_ref::<io::Error>().or_else(in_pipeline);
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
