//! Typed handles of tasks, and the outputs that they pass to tasks declared after them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::registry::key::{Identity, Key, Mark, TaskKey};

/// A handle of a task of an orchestra whose output is a `T`. Tasks that are declared after it receive the
/// output, which can also be read here once the task has completed. A node can be cloned, and keeps nothing
/// running.
pub struct Node<T> {
    name: Arc<str>,
    output: Arc<OnceLock<Arc<T>>>,
    identity: Identity,
}

impl<T> Node<T> {
    pub(crate) fn new(name: Arc<str>, mark: &Arc<Mark>) -> Self {
        Self { name, output: Arc::default(), identity: Identity::new(mark) }
    }

    /// Its name, unique within its orchestrator.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The output; `None` until the task has completed, and where it never does.
    pub fn output(&self) -> Option<Arc<T>> {
        self.output.get().cloned()
    }

    pub(crate) fn own_identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn output_slot(&self) -> &Arc<OnceLock<Arc<T>>> {
        &self.output
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), output: self.output.clone(), identity: self.identity.clone() }
    }
}

impl<T> fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("has_output", &self.output().is_some())
            .finish()
    }
}

impl<T> TaskKey for Node<T> {
    fn task_name(&self) -> &str {
        self.name()
    }

    fn identity(&self) -> Option<&Identity> {
        Some(self.own_identity())
    }
}

impl<T> TaskKey for &Node<T> {
    fn task_name(&self) -> &str {
        self.name()
    }

    fn identity(&self) -> Option<&Identity> {
        Some(self.own_identity())
    }
}

/// A task that another one is declared after.
pub struct Dependency {
    pub(crate) name: Arc<str>,
    pub(crate) identity: Identity,
}

impl Dependency {
    pub(crate) fn key(&self) -> Key<'_> {
        Key { name: &self.name, identity: Some(&self.identity) }
    }
}

/// A function that returns the inputs, once they are all there.
pub type Take<V> = Box<dyn FnOnce() -> Option<V> + Send>;

/// The tasks that a task may be declared after: a [`Node`], up to six of them of any types, or any number of
/// one type.
pub trait Inputs {
    /// The inputs of the work: the output of each task, shared.
    type Values: Clone + Send + Sync + 'static;

    #[doc(hidden)]
    fn dependencies(&self) -> Vec<Dependency>;

    #[doc(hidden)]
    fn take(&self) -> Take<Self::Values>;
}

impl<T: Send + Sync + 'static> Inputs for &Node<T> {
    type Values = Arc<T>;

    fn dependencies(&self) -> Vec<Dependency> {
        vec![Dependency { name: self.name.clone(), identity: self.identity.clone() }]
    }

    fn take(&self) -> Take<Arc<T>> {
        let output = self.output.clone();
        Box::new(move || output.get().cloned())
    }
}

impl<T: Send + Sync + 'static> Inputs for &[Node<T>] {
    type Values = Vec<Arc<T>>;

    fn dependencies(&self) -> Vec<Dependency> {
        self.iter().flat_map(|node| node.dependencies()).collect()
    }

    fn take(&self) -> Take<Vec<Arc<T>>> {
        let outputs: Vec<_> = self.iter().map(|node| node.output.clone()).collect();
        Box::new(move || outputs.iter().map(|output| output.get().cloned()).collect())
    }
}

impl<T: Send + Sync + 'static> Inputs for &Vec<Node<T>> {
    type Values = Vec<Arc<T>>;

    fn dependencies(&self) -> Vec<Dependency> {
        self.as_slice().dependencies()
    }

    fn take(&self) -> Take<Vec<Arc<T>>> {
        self.as_slice().take()
    }
}

macro_rules! tuples {
    ($($T:ident $node:ident),+) => {
        impl<$($T: Send + Sync + 'static),+> Inputs for ($(&Node<$T>,)+) {
            type Values = ($(Arc<$T>,)+);

            fn dependencies(&self) -> Vec<Dependency> {
                let ($($node,)+) = self;
                [$($node.dependencies()),+].into_iter().flatten().collect()
            }

            fn take(&self) -> Take<Self::Values> {
                let ($($node,)+) = self;
                let ($($node,)+) = ($($node.output.clone(),)+);
                Box::new(move || Some(($($node.get().cloned()?,)+)))
            }
        }
    };
}

tuples!(A a);
tuples!(A a, B b);
tuples!(A a, B b, C c);
tuples!(A a, B b, C c, D d);
tuples!(A a, B b, C c, D d, E e);
tuples!(A a, B b, C c, D d, E e, F f);
