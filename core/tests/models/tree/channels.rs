//! The channels between a task and its spawner, against each other and against the end of the task.

use loom::thread::{JoinHandle, spawn};

use crate::tasks::task;
use crate::tree::children::end;
use crate::tree::ending::Ending;
use crate::tree::extras::channels::Channel;
use crate::tree::node::TaskRef;
use crate::tree::state::RUNNING;
use crate::{ALL, FEW, check, joined};

/// A direction of channels.
struct Down;

fn channel(task: &TaskRef) -> Channel<u32> {
    task.control.extras().channels.get::<Down, u32>()
}

fn opening(task: &TaskRef) -> JoinHandle<Channel<u32>> {
    let task = task.clone();
    spawn(move || channel(&task))
}

#[test]
fn both_sides_find_the_same_channel() {
    check(ALL, || {
        let task = task(RUNNING);
        let other = opening(&task);
        let own = channel(&task);
        assert!(joined(other).is_some_and(|other| other.sender.same_channel(&own.sender)));
    });
}

#[test]
fn no_channel_is_left_open_at_the_end() {
    check(FEW, || {
        let task = task(RUNNING);
        let before = channel(&task);
        let channels = [opening(&task), opening(&task)];
        end(&task, None, Ending::Completed);
        let channels = channels.map(|opening| joined(opening).is_some_and(|each| each.sender.is_closed()));
        assert_eq!((before.sender.is_closed(), channels), (true, [true, true]));
    });
}
