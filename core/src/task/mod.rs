//! One task: its builder, its work, its life and its handle.
//!
//! ```text
//! TaskBuilder ──run──►  Timeout( InPlace | Inline | OnPool )                awaited where it is
//!             ──spawn─► Supervised( Timeout( InPlace | Inline | OnPool ) )  on the runtime; Task is its handle
//! ```

mod blocking;
mod builder;
mod control;
mod handle;
mod id;
mod in_place;
mod info;
mod parcel;
mod policies;
mod span;
mod status;
mod supervise;
mod work;

pub use builder::{Run, TaskBuilder};
pub(crate) use control::{Shared, TaskRef};
pub(crate) use handle::spawn;
pub use handle::{Cancellation, Canceller, Task};
pub use id::TaskId;
pub(crate) use in_place::{InPlace, caught, notify_all};
pub use info::TaskInfo;
pub use policies::{Configured, PolicySet, Unconfigured};
pub use status::TaskStatus;
pub use work::{Async, Fallible, Here, IntoAsyncResult, IntoResult, Plain, Pool, Sync, Work};
