//! The listeners of a task: for its end, for a cancellation, and for its report that it is ready to be used.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::panic::notify_all;
use crate::sync::EventListener;
use crate::tree::node::Control;
use crate::tree::state::{HAS_LISTENERS, State};

impl Control {
    /// Notifies the listeners of the task, if there are any.
    pub(crate) fn notify_listeners(&self) {
        if self.state.load().has(HAS_LISTENERS) {
            self.notify_all_listeners();
        }
    }

    /// Notifies the listeners of a task that has HAS_LISTENERS, and so has the extras (I5 of `state`).
    pub(crate) fn notify_all_listeners(&self) {
        notify_all(&self.extras().changed);
    }

    /// Notes that the task is ready to be used.
    pub(crate) fn started(&self) {
        if self.state.note_started() {
            self.notify_all_listeners();
        }
    }

    /// A listener for the next change, or `None` if `done` holds already.
    pub(crate) fn listen(&self, done: impl Fn(State) -> bool) -> Option<EventListener> {
        if done(self.state.load()) {
            return None;
        }
        let listener = self.extras().changed.listen();
        // Listen first, then set the flag: a thread that changes the state either sees the flag and notifies,
        // or came first, and its change is seen here (I6 of `state`).
        let before = self.state.note_listener();
        (!done(before)).then_some(listener)
    }

    /// Ready once `done` holds of the state.
    pub(crate) fn poll_change(
        &self,
        listener: &mut Option<EventListener>,
        done: impl Fn(State) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match listener {
                Some(active) => std::task::ready!(Pin::new(active).poll(cx)),
                None => {
                    *listener = self.listen(&done);
                    if listener.is_none() {
                        return Poll::Ready(());
                    }
                    continue;
                }
            }
            *listener = None;
        }
    }
}
