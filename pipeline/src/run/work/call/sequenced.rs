//! The position of a receiver's argument in source order.

use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::run::work::call::sealed::Sealed;

/// An argument that has a position in source order.
pub trait Sequenced: Sealed + Sized {
    /// The data of an event.
    type Data;

    /// The event, or the first one of a batch.
    #[doc(hidden)]
    fn first_event(&self) -> Option<&Event<Self::Data>>;

    /// The earliest position in source order of its events.
    #[doc(hidden)]
    fn earliest(&self) -> u64;

    /// A clone for another attempt.
    #[doc(hidden)]
    fn spare(&self, clone: fn(&Self::Data) -> Self::Data) -> Self;
}

impl<T> Sequenced for Event<T> {
    type Data = T;

    fn first_event(&self) -> Option<&Event<T>> {
        Some(self)
    }

    fn earliest(&self) -> u64 {
        self.sequence
    }

    fn spare(&self, clone: fn(&T) -> T) -> Self {
        let Self { ref data, origin, sequence, line, byte, attempt } = *self;
        Self { data: clone(data), origin, sequence, line, byte, attempt: attempt.saturating_add(1) }
    }
}

impl<T> Sequenced for Batch<T> {
    type Data = T;

    fn first_event(&self) -> Option<&Event<T>> {
        self.first()
    }

    fn earliest(&self) -> u64 {
        self.iter().map(Event::sequence).min().unwrap_or(0)
    }

    fn spare(&self, clone: fn(&T) -> T) -> Self {
        Self::new(self.iter().map(|event| event.spare(clone)).collect())
    }
}
