// error: cannot be joined with others
// error: join what `spawn` or `run` gives
fn main() {
    let _ = sweet_async::all([async {}]);
}
