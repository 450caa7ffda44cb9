//! For crates that build kinds of task out of this one's: pipelines, orchestras. Not under semver: it changes with what they need.

pub use crate::limit::acquire::{Acquire, Permit};
pub use crate::limit::aimd::{Aimd, Load, Window};
pub use crate::limit::observer::{Change, Look, Observer, WINDOW};
pub use crate::metrics::counters::Sums;
pub use crate::runtime::context::{current_task, giving_up, is_overdue, keeps_running};
pub use crate::task::attempts::Pause;
pub use crate::task::birth::{Birth, Birthplace, Born, Kind};
pub use crate::task::blocking::OnPool;
pub use crate::task::body::{as_part_of, timed_out};
pub use crate::task::control::children::{adopt, cancel, children, has_jobs, release};
pub use crate::task::control::{Shared, TaskRef};
pub use crate::task::handle::{spawn, spawn_reporting, spawn_with};
pub use crate::task::id::IdField;
pub use crate::task::in_place::{caught, notify_all};
pub use crate::task::metering::{disable, enable, sums};
pub use crate::task::node::InNode;
pub use crate::task::recovery::{Recovery, RecoveryWork};
pub use crate::task::span::within;
pub use crate::task::tracked::{Reports, Told, embedded, spawn_tracked, whole};
pub use crate::task::traits::Handle;
pub use crate::task::values::Values;
pub use crate::task::{Configured, DEFAULT_GRACE, InPlace};
pub use crate::time::Sleep;
pub use crate::time::timeout::{Limit, Timeout};
