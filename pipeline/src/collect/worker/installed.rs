//! The shard that is installed on a thread: that of the worker that polls its receiver there.

use std::any::Any;
use std::cell::Cell;

/// A shard of any pipeline's type.
pub(crate) type Erased = Box<dyn Any + Send>;

thread_local! {
    static INSTALLED: Cell<Option<Erased>> = const { Cell::new(None) };
}

/// Restores the thread's outer shard, and returns the inner one, when it is dropped.
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

/// Runs `f` with `shard` installed on the thread.
pub(crate) fn with_installed<O>(shard: &mut Option<Erased>, f: impl FnOnce() -> O) -> O {
    let outer = INSTALLED.try_with(|cell| cell.replace(shard.take())).unwrap_or(None);
    let swap = Swap { shard, outer };
    let output = f();
    drop(swap);
    output
}

/// The thread's shard while it is in use. A `collect` from within a key's own `Hash` or `Eq` finds none, and
/// takes the slow path.
pub(crate) struct Installed(Option<Erased>);

impl Installed {
    #[inline]
    pub(crate) fn take() -> Self {
        let mut taken = None;
        let _ = INSTALLED.try_with(|cell| taken = cell.take());
        Self(taken)
    }

    /// The shard, if it is an `S`.
    #[inline]
    pub(crate) fn get<S: 'static>(&mut self) -> Option<&mut S> {
        self.0.as_mut()?.downcast_mut()
    }
}

impl Drop for Installed {
    #[inline]
    fn drop(&mut self) {
        let shard = self.0.take();
        let _ = INSTALLED.try_with(|cell| cell.set(shard));
    }
}
