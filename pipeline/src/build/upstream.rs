//! The part of a pipeline before its receiver: the sender closure, and the stages.

use crate::policy::RetryEvents;
use crate::source::sources::Sources;
use crate::stage::chain::{Chain, Unstaged};

/// The sender closure of a pipeline, with or without stages. Its events carry a `T`.
#[diagnostic::on_unimplemented(
    message = "this is no sender of events that carry a `{T}`",
    note = "a sender is a closure that takes `&mut Sources<{T}>`, and the stages that make a `{T}` of its rows"
)]
pub trait Upstream<T> {
    /// The value of a row, as the sources give it.
    type Row: Send + 'static;
    /// The sender closure.
    type Sender: FnOnce(&mut Sources<Self::Row>);
    /// The stages.
    type Chain: Chain<Row = Self::Row, Out = T>;

    /// Returns the parts, and the retries of rows. `retrying` is set where there are no stages.
    #[doc(hidden)]
    fn split(self, retrying: Option<RetryEvents<T>>) -> Parts<Self::Sender, Self::Chain>;
}

/// The parts of an [`Upstream`].
pub struct Parts<F, C: Chain> {
    pub(crate) sender: F,
    pub(crate) chain: C,
    pub(crate) retrying: Option<RetryEvents<C::Row>>,
}

impl<T: Send + 'static, F: FnOnce(&mut Sources<T>)> Upstream<T> for F {
    type Row = T;
    type Sender = F;
    type Chain = Unstaged<T>;

    fn split(self, retrying: Option<RetryEvents<T>>) -> Parts<F, Unstaged<T>> {
        Parts { sender: self, chain: Unstaged::new(), retrying }
    }
}

/// A sender closure with stages after it.
pub struct Staged<F, C: Chain>(pub(crate) Parts<F, C>);

impl<F, C> Upstream<C::Out> for Staged<F, C>
where
    F: FnOnce(&mut Sources<C::Row>),
    C: Chain,
{
    type Row = C::Row;
    type Sender = F;
    type Chain = C;

    fn split(self, _: Option<RetryEvents<C::Out>>) -> Parts<F, C> {
        self.0
    }
}

// By hand: rows need not be clonable.
impl<F: Clone, C: Chain + Clone> Clone for Staged<F, C> {
    fn clone(&self) -> Self {
        let Parts { sender, chain, retrying } = &self.0;
        Self(Parts { sender: sender.clone(), chain: chain.clone(), retrying: retrying.clone() })
    }
}
