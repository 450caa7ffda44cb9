//! The mark of a thread that drops work whose time limit has passed: blocking work in it is given up, and not
//! waited for.

use std::cell::Cell;

// Why a thread-local? Only the destructor of a blocking call, which may be anywhere inside the work, can know
// that the call is given up. Without it the conformance case
// `timeout::started_blocking_work_inside_async_work_is_not_waited_for_either` fails.
thread_local! {
    /// Set while such work is dropped: true once part of it keeps running.
    static GIVEN_UP: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Runs `f`, which drops work whose time limit has passed. The second value is true if part of the work keeps
/// running: blocking work that had started, however deep inside the work it was awaited.
pub fn giving_up<O>(f: impl FnOnce() -> O) -> (O, bool) {
    /// Puts back what was marked before, also when `f` unwinds.
    struct PutBack(Option<bool>);
    impl Drop for PutBack {
        fn drop(&mut self) {
            let _ = GIVEN_UP.try_with(|cell| cell.set(self.0));
        }
    }
    let outer = PutBack(GIVEN_UP.try_with(|cell| cell.replace(Some(false))).unwrap_or(None));
    let output = f();
    let running = GIVEN_UP.try_with(Cell::get).unwrap_or(None) == Some(true);
    drop(outer);
    (output, running)
}

/// True while work is dropped because its time limit has passed; for destructors.
pub fn is_overdue() -> bool {
    GIVEN_UP.try_with(|cell| cell.get().is_some()).unwrap_or(false)
}

/// True if blocking work that is dropped while it runs has reached its time limit, so that it is not waited
/// for; [`giving_up`] then reports it.
pub fn keeps_running() -> bool {
    GIVEN_UP
        .try_with(|cell| {
            cell.get().is_some() && {
                cell.set(Some(true));
                true
            }
        })
        .unwrap_or(false)
}
