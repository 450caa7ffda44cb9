// error: returning this value requires that
use sweet_async::prelude::*;

// The compiler has the word here. `key_by` says that a key cannot borrow from the value: a clone can be one.
fn main() {
    let names = AsyncTask::emits::<String>().sender(|sources| sources.of([String::new()]).into_chunks(1.items()));
    let _ = names.key_by(|name| name.as_str());
}
