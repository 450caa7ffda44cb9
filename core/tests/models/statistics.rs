//! `Counts`: readings while other threads count.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::spawn;

use crate::sync::shard::sit_at;
use crate::tree::ending::Ending;
use crate::tree::usage::statistics::Counts;
use crate::{ALL, FEW, check, joined};

#[test]
fn the_numbers_add_up_and_no_task_is_live_before_its_spawn() {
    check(FEW, || {
        let counts = Arc::new(Counts::default());
        let run = |shard, ending| {
            let counts = counts.clone();
            counts.begin();
            move || {
                sit_at(shard);
                counts.end(ending);
                counts.begin();
                counts.end(Ending::Cancelled);
            }
        };
        // The first task ends on another shard than it began on, as tasks that move do.
        let (first, second) = (spawn(run(1, Ending::Completed)), spawn(run(0, Ending::Failed)));
        let read = counts.read();
        assert!(read.live <= 4, "fewer than none: {read:?}");
        assert_eq!(read.spawned, read.live + read.completed + read.failed + read.cancelled);
        assert!(counts.alive() <= 4);
        assert!(joined(first).is_some() && joined(second).is_some());
        let read = counts.read();
        assert_eq!((read.spawned, read.completed, read.failed, read.cancelled), (4, 1, 1, 2));
        assert_eq!((read.live, counts.alive()), (0, 0));
    });
}

/// `RootScope::is_idle`.
fn is_idle(tasks: &Counts, jobs: &Counts) -> bool {
    let ended = (tasks.ended(), jobs.ended());
    ended == (tasks.begun(), jobs.begun())
}

#[test]
fn idle_means_that_nothing_was_alive_at_one_moment() {
    check(ALL, || {
        let counts = Arc::new((Counts::default(), Counts::default(), AtomicBool::new(false)));
        let (tasks, ..) = &*counts;
        tasks.begin();
        let run = counts.clone();
        // A task hands a job over and ends; the job spawns a task and ends. One of them is alive at any time.
        let worker = spawn(move || {
            sit_at(1);
            let (tasks, jobs, is_over) = &*run;
            jobs.begin();
            tasks.end(Ending::Completed);
            tasks.begin();
            jobs.end(Ending::Completed);
            is_over.store(true, Ordering::Relaxed);
            tasks.end(Ending::Failed);
        });
        let (tasks, jobs, is_over) = &*counts;
        if is_idle(tasks, jobs) {
            assert!(is_over.load(Ordering::Relaxed), "something was alive");
        }
        assert!(joined(worker).is_some());
        assert!(is_idle(tasks, jobs));
    });
}
