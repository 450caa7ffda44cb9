// error: this work does not give a `u32`
// error: where `E` converts into `Box<dyn Error + Send + Sync>`
use sweet_async::prelude::*;

struct NoError;

fn main() {
    let _ = AsyncTask::to::<u32>().run(|| async { Err::<u32, NoError>(NoError) });
}
