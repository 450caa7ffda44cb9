//! The builder of a pipeline, in the order of its calls: options, sender, stages, and the end: a receiver of
//! the events, or one without a receiver.

/// Implements `Clone` for a description of a pipeline of `T`s, which need not be clonable themselves.
macro_rules! clonable {
    ($name:ident<T $(, $param:ident)*> { $($field:tt),+ }) => {
        impl<T $(, $param: Clone)*> Clone for $name<T $(, $param)*> {
            fn clone(&self) -> Self {
                Self { $($field: self.$field.clone()),+ }
            }
        }
    };
}

pub(crate) mod boxed;
pub(crate) mod collect;
pub(crate) mod collect_vec;
pub(crate) mod fold;
pub(crate) mod for_each;
pub(crate) mod forward;
pub(crate) mod options;
pub(crate) mod publish;
#[cfg(feature = "json")]
pub(crate) mod publish_items;
pub(crate) mod pull;
pub(crate) mod sender;
pub(crate) mod stages;
pub(crate) mod upstream;
pub(crate) mod whole;
pub(crate) mod write;
