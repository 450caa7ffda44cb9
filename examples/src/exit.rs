//! The exit code of a program.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use sweet_async::AsyncTaskError;

/// Returns the program's exit code. An error is printed as one line on stderr.
///
/// A closed pipe is no error: the reader of the output needs no more of it, as with `head`.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Err(error) if !is_closed_pipe(&error) => {
            // If stderr is closed as well, the error cannot be reported.
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
