//! Interfaces for crates that build kinds of task on this one: pipelines, orchestras. They are not under
//! semver: they change with the needs of these crates.

pub use crate::adaptive::aimd::{Aimd, Load, Window};
pub use crate::adaptive::observer::{Change, Observer, Sample, WINDOW};
pub use crate::limit::acquire::{Acquire, Permit};
pub use crate::metrics::counters::Sums;
pub use crate::panic::{caught, notify_all};
pub use crate::task::builder::embedded::{Inner, embedded, whole};
pub use crate::task::builder::spawn_in::acquire_for;
pub use crate::task::capabilities::Handle;
pub use crate::task::handle::task::spawn;
pub use crate::task::layers::pause::{Pause, next_attempt};
pub use crate::task::lifecycle::grace::DEFAULT_GRACE;
pub use crate::task::lifecycle::in_place::InPlaceTask;
pub use crate::task::lifecycle::on_complete::{OnComplete, Reports};
pub use crate::task::lifecycle::spawn::{Kind, Registered, SpawnRequest, SpawnSite};
pub use crate::task::settings::configured::Configured;
pub use crate::task::work::blocking::OnPool;
pub use crate::task::work::body::{as_part_of, timed_out};
pub use crate::task::work::in_place::InPlace;
pub use crate::time::Sleep;
pub use crate::time::timeout::Limit;
pub use crate::tree::children::{adopt, cancel, cancel_because, children, handle_dropped, has_jobs, release};
pub use crate::tree::current::current_task;
pub use crate::tree::extras::recovery::{Recovery, RecoveryWork};
pub use crate::tree::extras::values::Values;
pub use crate::tree::node::{Shared, TaskRef};
pub use crate::tree::overdue::{giving_up, is_overdue, keeps_running};
pub use crate::tree::span::within;
pub use crate::tree::usage::metering::{disable, enable, mode, sums};
pub use crate::vocabulary::id::IdField;
