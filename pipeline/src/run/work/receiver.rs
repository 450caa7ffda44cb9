//! How a receiver's closure is called: synchronous ones in slices, asynchronous ones one await at a time; with an event,
//! or with a batch of them; again, where it failed and the strategy says so.

pub(crate) mod sealed {
    pub trait Sealed {}
    impl<K> Sealed for sweet_async_core::task::Sync<K> {}
    impl<K> Sealed for sweet_async_core::task::Async<K> {}
    impl<T> Sealed for crate::event::single::Event<T> {}
    impl<T> Sealed for crate::event::batch::Batch<T> {}
}
