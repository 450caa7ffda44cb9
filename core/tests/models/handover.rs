//! The output of a task on a runtime whose type is not known, on its way to the join handle.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::thread::spawn;

use crate::runtime::erased::{Sender, channel};
use crate::{ALL, check, joined};

/// Not loom's atomic: it only observes.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Polls the handle while `end` has the other end: it is ready with `due`, or is woken and is ready then.
fn handed_over(end: fn(Sender<u32>), due: Option<u32>) {
    check(ALL, move || {
        let (sender, join) = channel();
        let ended = spawn(move || end(sender));
        let mut join = pin!(join);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        match join.as_mut().poll(&mut cx) {
            Poll::Ready(output) => {
                assert_eq!(output, due);
                joined(ended);
            }
            Poll::Pending => {
                joined(ended);
                assert!(woken.0.load(Ordering::SeqCst), "nothing polls it again");
                assert_eq!(join.poll(&mut cx), Poll::Ready(due));
            }
        }
    });
}

#[test]
fn an_output_reaches_the_handle() {
    handed_over(|sender| sender.send(7), Some(7));
}

#[test]
fn a_handle_whose_task_was_dropped_is_woken() {
    handed_over(drop, None);
}
