//! The sources of a pipeline, as its sender closure adds them.

use std::marker::PhantomData;

use crate::source::plan::Plan;
use crate::text::chunk::ChunkSize;
use sweet_async_core::error::AsyncTaskError;

/// The sources of a pipeline, as the sender closure adds them. A channel is added at once, a queue when its
/// format is named, and every other source by its `into_chunks`. Several are read one after the other, in the
/// order in which they were added, unless [`SenderStrategy`](crate::SenderStrategy) says otherwise.
pub struct Sources<T> {
    pub(crate) plans: Plans,
    events: PhantomData<fn() -> T>,
}

/// The sources that were added so far.
#[derive(Default)]
pub(crate) struct Plans {
    plans: Vec<Plan>,
    /// The first invalid setting. The pipeline fails with it when it is to start, and reads nothing.
    fault: Option<AsyncTaskError>,
}

/// The output of a sender closure: `()`, since `into_chunks` adds each source.
#[diagnostic::on_unimplemented(
    message = "a sender closure returns `()`, and this one a `{Self}`",
    note = "a source is added by `into_chunks`: end with it, such as `.into_chunks(100.rows())`; one of a queue, with its format"
)]
pub trait SenderOutput: output::Sealed {}

impl SenderOutput for () {}

mod output {
    #[allow(unnameable_types, reason = "a seal")]
    pub trait Sealed {}
    impl Sealed for () {}
}

impl<T: Send + 'static> Sources<T> {
    pub(crate) fn new() -> Self {
        Self { plans: Plans::default(), events: PhantomData }
    }

    pub(crate) fn into_plans(self) -> Result<Vec<Plan>, AsyncTaskError> {
        self.plans.into_all()
    }
}

impl Plans {
    pub(crate) fn push(&mut self, plan: Plan) {
        self.plans.push(plan);
    }

    pub(crate) fn add(&mut self, size: ChunkSize, plans: Result<Vec<Plan>, AsyncTaskError>) {
        let plans = match size {
            ChunkSize::Rows(0) | ChunkSize::Bytes(0) => {
                Err(AsyncTaskError::out_of_range("the size of `into_chunks`", 0, "at least 1"))
            }
            _ => plans,
        };
        self.extend(plans);
    }

    pub(crate) fn extend(&mut self, plans: Result<Vec<Plan>, AsyncTaskError>) {
        match plans {
            Ok(plans) => self.plans.extend(plans),
            Err(fault) => self.refuse(fault),
        }
    }

    pub(crate) fn refuse(&mut self, fault: AsyncTaskError) {
        self.fault.get_or_insert(fault);
    }

    fn into_all(self) -> Result<Vec<Plan>, AsyncTaskError> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.plans.is_empty() => Err(AsyncTaskError::config(
                "the sender named no source: call one of Sources' methods, such as of or of_file, and into_chunks on what it gives",
            )),
            None => Ok(self.plans),
        }
    }
}
