// error: `f64` cannot be a key
// error: a key is `Hash + Eq + Send + 'static`
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work() -> Result<(), AsyncTaskError> {
    AsyncTask::emits::<f64>()
        .sender(|sources| sources.of([1.5]).into_chunks(1.items()))
        .receiver(|event: Event<f64>, collector| collector.collect(event.take_data(), 1))
        .await_final_event(|event, collector| event.map(|_| drop(collector.collected())))
        .await
}

fn main() {}
