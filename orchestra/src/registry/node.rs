//! Typed handles of tasks, and what they give to those that are declared after them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::registry::key::{Identity, Key, Mark};

/// A task of an orchestra that gives a `T`: what is declared after it receives that, and it can be had once the task has
/// completed. Clonable; it keeps nothing running.
pub struct Node<T> {
    name: Arc<str>,
    output: Arc<OnceLock<Arc<T>>>,
    own: Identity,
}

impl<T> Node<T> {
    pub(crate) fn new(name: Arc<str>, of: &Arc<Mark>) -> Self {
        Self { name, output: Arc::default(), own: Identity::new(of) }
    }

    /// Its name, unique within its orchestrator.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What it has given; `None` until it has completed, and where it never will.
    pub fn output(&self) -> Option<Arc<T>> {
        self.output.get().cloned()
    }

    pub(crate) fn own(&self) -> &Identity {
        &self.own
    }

    pub(crate) fn slot(&self) -> &Arc<OnceLock<Arc<T>>> {
        &self.output
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), output: self.output.clone(), own: self.own.clone() }
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

/// A task that another is declared after.
pub struct Dependency {
    pub(crate) name: Arc<str>,
    pub(crate) own: Identity,
}

impl Dependency {
    pub(crate) fn key(&self) -> Key<'_> {
        Key { name: &self.name, identity: Some(&self.own) }
    }
}

/// What gives the inputs, once they are there.
pub type Take<V> = Box<dyn FnOnce() -> Option<V> + Send>;

/// What a task may be declared after: a [`Node`], up to six of them of any types, or any number of one type.
pub trait Inputs {
    /// What its work is given: the output of each, shared.
    type Values: Clone + Send + Sync + 'static;

    #[doc(hidden)]
    fn dependencies(&self) -> Vec<Dependency>;

    #[doc(hidden)]
    fn take(&self) -> Take<Self::Values>;
}

impl<T: Send + Sync + 'static> Inputs for &Node<T> {
    type Values = Arc<T>;

    fn dependencies(&self) -> Vec<Dependency> {
        vec![Dependency { name: self.name.clone(), own: self.own.clone() }]
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
