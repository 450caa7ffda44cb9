// error: type annotations needed
// error: consider specifying the generic arguments
use sweet_async::prelude::*;

// The compiler asks for the error's type, and no library can add to that: end with `Ok::<_, ParseIntError>(number)`.
fn main() {
    let names = AsyncTask::emits::<String>().sender(|sources| sources.of([String::new()]).into_chunks(1.items()));
    let _ = names.try_map(|name| {
        let number = name.parse::<u64>()?;
        Ok(number)
    });
}
