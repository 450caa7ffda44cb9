//! The thread's own state: the shard of the worker that polls its receiver here.

use std::any::Any;
use std::cell::Cell;

/// A shard whose type is its pipeline's.
pub(crate) type Erased = Box<dyn Any + Send>;

thread_local! {
    static INSTALLED: Cell<Option<Erased>> = const { Cell::new(None) };
}

/// Swaps the thread's shard, and back when dropped.
struct Swap<'a> {
    shard: &'a mut Option<Erased>,
    outer: Option<Erased>,
}

impl Drop for Swap<'_> {
    fn drop(&mut self) {
        let outer = self.outer.take();
        let _ = INSTALLED.try_with(|cell| *self.shard = cell.replace(outer));
    }
}

/// Runs `f` with `shard` as the thread's own.
pub(crate) fn with_installed<O>(shard: &mut Option<Erased>, f: impl FnOnce() -> O) -> O {
    let outer = INSTALLED.try_with(|cell| cell.replace(shard.take())).unwrap_or(None);
    let swap = Swap { shard, outer };
    let output = f();
    drop(swap);
    output
}

/// The thread's shard while it is in use. A `collect` from within a key's own `Hash` or `Eq` finds none and takes the slow
/// path.
pub(crate) struct Installed(Option<Erased>);

impl Installed {
    #[inline]
    pub(crate) fn take() -> Self {
        let mut taken = None;
        let _ = INSTALLED.try_with(|cell| taken = cell.take());
        Self(taken)
    }

    /// It, if it is an `S`.
    #[inline]
    pub(crate) fn get<S: 'static>(&mut self) -> Option<&mut S> {
        self.0.as_mut()?.downcast_mut()
    }

    /// It, whatever it is.
    pub(crate) fn any(&mut self) -> Option<&mut Erased> {
        self.0.as_mut()
    }
}

impl Drop for Installed {
    #[inline]
    fn drop(&mut self) {
        let shard = self.0.take();
        let _ = INSTALLED.try_with(|cell| cell.set(shard));
    }
}
