//! The seal on the kinds of receivers and of deliveries: other crates cannot add any.

#[allow(unnameable_types, reason = "a seal")]
pub trait Sealed {}
impl<K> Sealed for sweet_async_core::internals::Sync<K> {}
impl<K> Sealed for sweet_async_core::internals::Async<K> {}
impl<T> Sealed for crate::event::single::Event<T> {}
impl<T> Sealed for crate::event::batch::Batch<T> {}
