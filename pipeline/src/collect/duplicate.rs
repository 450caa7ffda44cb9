//! The rule for values under the same key.

use std::fmt;
use std::sync::Arc;

/// The rule of a pipeline for a key that is collected more than once: see
/// [`on_duplicate`](crate::Pipeline::on_duplicate).
///
/// Source order decides, whatever the strategy, the number of workers and the order in which workers collect.
/// Values that one row collects under one key are in the order in which it collected them.
///
/// Under every rule each value whose key was there already is counted in
/// [`FinalEvent::duplicates`](crate::FinalEvent::duplicates).
#[derive(Default)]
#[non_exhaustive]
pub enum OnDuplicate<V> {
    /// The value that is last in source order stays. Memory is bounded by the keys.
    #[default]
    KeepLast,
    /// The value that is first in source order stays. Memory is bounded by the keys.
    KeepFirst,
    /// The first value in source order stays. The row of each later one is rejected, with a reason that names
    /// the position of the first row. The [`ErrorStrategy`](crate::ErrorStrategy) applies to the rejected
    /// row. It counts as rejected and not as handled, even though its receiver has run. Of two values that
    /// one row collects under one key the later stays, and that is no error. Entries of a rejected row under
    /// other keys stay as well.
    ///
    /// The order of two rows is known for certain only at the end. Until then the position of each row that
    /// has collected is kept, and the key of each duplicate, whose value is dropped at once. So memory is
    /// bounded by the values that are collected, 32 bytes for the place of each row.
    Error,
    /// The values are merged, from the first in source order to the last: `f(f(first, second), third)`. Right
    /// for any function, also for one whose result depends on the order.
    ///
    /// An earlier value may come at any time. So all values are kept until the end, where one thread merges
    /// them: memory is bounded by the values. Where the order makes no difference,
    /// [`MergeUnordered`](Self::MergeUnordered) needs less.
    Merge(MergeFn<V>),
    /// The values are merged as they come, in no particular order. For a function that gives the same result
    /// in any order and grouping, such as a sum. Memory is bounded by the keys.
    MergeUnordered(MergeFn<V>),
}

/// Makes one value of two, the earlier one first.
pub type MergeFn<V> = Arc<dyn Fn(V, V) -> V + Send + Sync>;

impl<V> OnDuplicate<V> {
    /// [`Merge`](Self::Merge) with `f`.
    pub fn merge(f: impl Fn(V, V) -> V + Send + Sync + 'static) -> Self {
        Self::Merge(Arc::new(f))
    }

    /// [`MergeUnordered`](Self::MergeUnordered) with `f`.
    pub fn merge_unordered(f: impl Fn(V, V) -> V + Send + Sync + 'static) -> Self {
        Self::MergeUnordered(Arc::new(f))
    }
}

impl<V> Clone for OnDuplicate<V> {
    fn clone(&self) -> Self {
        match self {
            Self::KeepLast => Self::KeepLast,
            Self::KeepFirst => Self::KeepFirst,
            Self::Error => Self::Error,
            Self::Merge(merge) => Self::Merge(merge.clone()),
            Self::MergeUnordered(merge) => Self::MergeUnordered(merge.clone()),
        }
    }
}

impl<V> fmt::Debug for OnDuplicate<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeepLast => "KeepLast",
            Self::KeepFirst => "KeepFirst",
            Self::Error => "Error",
            Self::Merge(_) => "Merge",
            Self::MergeUnordered(_) => "MergeUnordered",
        })
    }
}
