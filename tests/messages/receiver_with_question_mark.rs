// error: type annotations needed
use sweet_async::prelude::*;

// The compiler asks for the error's type, and no library can add to that: `try_for_each` is what to use.
fn main() {
    let texts = AsyncTask::emits::<String>().sender(|sources| sources.of([String::new()]).into_chunks(1.items()));
    let _ = texts.for_each(|event: Event<String>| {
        event.take_data().parse::<u32>()?;
        Ok(())
    });
}
