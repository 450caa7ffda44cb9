//! Values that a task hands down to all tasks below it, by type.

use std::any::{Any, TypeId};
use std::sync::Arc;

type Value = Arc<dyn Any + Send + std::marker::Sync>;

/// One value for each type. They are shared with all tasks below, and copied only if one of them adds to
/// them.
#[derive(Clone, Default)]
pub struct Values(Vec<(TypeId, Value)>);

impl Values {
    /// Keeps `value`, in place of an earlier one of the same type.
    pub fn insert<T: Send + std::marker::Sync + 'static>(&mut self, value: T) {
        self.put(TypeId::of::<T>(), Arc::new(value));
    }

    fn put(&mut self, id: TypeId, value: Value) {
        self.0.retain(|(other, _)| *other != id);
        self.0.push((id, value));
    }

    pub(crate) fn get<T: Send + std::marker::Sync + 'static>(&self) -> Option<Arc<T>> {
        let id = TypeId::of::<T>();
        let (_, value) = self.0.iter().find(|(other, _)| *other == id)?;
        value.clone().downcast().ok()
    }

    /// These values, and those of `outer` that they do not replace.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        let mut merged = outer.clone();
        for (id, value) in &self.0 {
            merged.put(*id, value.clone());
        }
        merged
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").field("len", &self.0.len()).finish()
    }
}
