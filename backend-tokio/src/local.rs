//! Work that stays on one thread, in a `LocalSet`.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;

use sweet_async_core::runtime::{LocalExecutor, LocalFuture, LocalRuntime};
use tokio::runtime::Handle;
use tokio::task::LocalSet;

use crate::TokioRuntime;

/// A `LocalSet`, polled in the context of its runtime.
#[derive(Clone)]
pub struct TokioLocal {
    set: Rc<LocalSet>,
    handle: Handle,
}

impl LocalRuntime for TokioRuntime {
    type Local = TokioLocal;

    fn local(&self) -> TokioLocal {
        TokioLocal { set: Rc::new(LocalSet::new()), handle: self.handle().clone() }
    }
}

impl LocalExecutor for TokioLocal {
    fn spawn(&self, work: LocalFuture) {
        self.set.spawn_local(work);
    }

    async fn drive<F: Future>(&self, future: F) -> F::Output {
        let mut driven = pin!(self.set.run_until(future));
        poll_fn(|cx| {
            // The thread need not be one of Tokio's.
            let _context = self.handle.enter();
            driven.as_mut().poll(cx)
        })
        .await
    }
}

impl fmt::Debug for TokioLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioLocal").finish_non_exhaustive()
    }
}
