//! Work that stays on one thread, in a `LocalExecutor`.

use std::fmt;
use std::future::Future;
use std::rc::Rc;

use sweet_async_core::runtime::{LocalExecutor, LocalFuture, LocalRuntime};

use crate::SmolRuntime;

/// smol's own executor of one thread.
#[derive(Clone)]
pub struct SmolLocal(Rc<async_executor::LocalExecutor<'static>>);

impl LocalRuntime for SmolRuntime {
    type Local = SmolLocal;

    fn local(&self) -> SmolLocal {
        SmolLocal(Rc::new(async_executor::LocalExecutor::new()))
    }
}

impl LocalExecutor for SmolLocal {
    fn spawn(&self, work: LocalFuture) {
        self.0.spawn(work).detach();
    }

    async fn drive<F: Future>(&self, future: F) -> F::Output {
        self.0.run(future).await
    }
}

impl fmt::Debug for SmolLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmolLocal").finish_non_exhaustive()
    }
}
