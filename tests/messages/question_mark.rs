// error: type annotations needed
use sweet_async::prelude::*;

// The compiler asks for the error's type, and no library can add to that: `try_run` is what to use.
fn main() {
    let _ = AsyncTask::to::<u32>().run(|| async { Ok("5".parse::<u32>()?) });
}
