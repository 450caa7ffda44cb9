//! Policies by key: a breaker or a limiter for each host or tenant, made on first use, bounded in number.

mod entry;
mod keyable;
mod table;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;

pub use crate::keyed::keyable::Keyable;

use crate::error::AsyncTaskError;
use crate::keyed::entry::Entry;
use crate::keyed::table::{Insertion, Table};
use crate::panic::caught;
use crate::tree::entered::current_time;

type Make<K, V> = Box<dyn Fn(&K) -> Result<V, AsyncTaskError> + Send + Sync>;

/// One policy for each key: a [`CircuitBreaker`](crate::CircuitBreaker) for each host, a
/// [`Limiter`](crate::Limiter) for each tenant, or a pair of both. The policy of a key is made when the key
/// is first asked for. Clones are the same policies.
///
/// ```
/// use sweet_async_core::{AsyncTaskError, CircuitBreaker, Keyed, Limiter, Runtime, TaskBuilder};
///
/// struct Client {
///     hosts: Keyed<String, (CircuitBreaker, Limiter)>,
/// }
///
/// impl Client {
///     fn new() -> Result<Self, AsyncTaskError> {
///         let hosts = Keyed::new(1_000, |host: &String| {
///             let breaker = CircuitBreaker::builder().name(host.as_str()).build()?;
///             let limiter = Limiter::builder().name(host.as_str()).max_concurrent(8).build()?;
///             Ok((breaker, limiter))
///         })?;
///         Ok(Self { hosts })
///     }
///
///     async fn fetch<R: Runtime>(&self, runtime: &R, host: &str) -> Result<String, AsyncTaskError> {
///         let (breaker, limiter) = self.hosts.get(host)?;
///         let task = TaskBuilder::<String, _>::new(runtime.clone());
///         task.circuit_breaker(&breaker).limiter(&limiter).run(|| async { String::from("found") }).await
///     }
/// }
///
/// # fn main() -> Result<(), AsyncTaskError> {
/// let client = Client::new()?;
/// assert!(client.hosts.is_empty());
/// let (breaker, _) = client.hosts.get("example.org")?;
/// assert_eq!(breaker.name().map(|name| &**name), Some("example.org"));
/// assert_eq!(client.hosts.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// With one kind of policy, `.limiter(&keyed.get(host)?)` is all.
///
/// # Bound and eviction
///
/// There are never more keys than the bound. Where there are as many, a new key takes the place of the one
/// whose policy was least recently asked for and is idle ([`Keyable::is_idle`]). A policy is never evicted
/// while it is in use, so that a key never has two:
///
/// - while there is a handle to it: in a builder, in a task that waits or runs, or kept by the program. So do
///   not keep the handles of keys that are no longer needed.
/// - while an open breaker refuses calls. Once its open timeout has passed, and nothing calls it, it may be
///   evicted. Otherwise, hosts that are gone for good would fill the bound.
/// - while a limiter's rate has not refilled. A new limiter would permit the whole burst again.
///
/// A policy that several keys have, as one limiter for all hosts in a pair with a breaker for each, does not keep
/// any of these keys: it is not lost with one of them. For a key that is the only one to have it, it counts as
/// any other, and is in use while the program keeps a handle to it.
///
/// Evicted with the policy is what it has learnt: the failures that a closed breaker has counted so far, or
/// the number of permits of an adaptive limiter.
///
/// A new key is refused with an error while all are in use, and the known keys are served as before. A bound
/// that grew under load would be none, and the load is what it is for. Choose it above the number of keys
/// that are in use at the same time.
///
/// The rule is that of governor's `retain_recent`, which removes what does not differ from new state, at the
/// time of an insertion in place of a sweep.
///
/// # Cost
///
/// A lookup of a known key takes no lock: a hash, a comparison, and the clone of the handle. It also writes a
/// number that all keys share, unless the key was the last one that was asked for. A new key takes a short
/// lock; at the bound, it looks for an idle policy, and looks at all of them only if none is idle. The hash
/// is that of the standard library, since keys often come from outside.
///
/// The code of a key (`Hash`, `Eq`, `Clone`, `Drop`) and the closure run without a lock, and may call back.
pub struct Keyed<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    table: Table<K, V>,
    hasher: RandomState,
    make: Make<K, V>,
}

impl<K, V> Keyed<K, V>
where
    K: Eq + Hash + Clone + Send + Sync,
    V: Keyable,
{
    /// Holds at most `max_keys` policies. `make` gives a new one for a key that has none.
    ///
    /// Of two threads that ask for the same new key at once, both may call `make`; both are given the policy
    /// of the first that is ready, and the other is dropped.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a bound of zero.
    pub fn new(
        max_keys: usize,
        make: impl Fn(&K) -> Result<V, AsyncTaskError> + Send + Sync + 'static,
    ) -> Result<Self, AsyncTaskError> {
        if max_keys == 0 {
            return Err(AsyncTaskError::out_of_range("`max_keys` of keyed policies", 0, "at least 1"));
        }
        let shared = Shared { table: Table::new(max_keys), hasher: RandomState::new(), make: Box::new(make) };
        Ok(Self(Arc::new(shared)))
    }

    /// A handle to the policy of `key`, which may be in a borrowed form (`&str` for a `String`). The policy
    /// is made if there is none.
    ///
    /// # Errors
    ///
    /// The error of `make`, after which the key has no policy; [`AsyncTaskError::Panic`] if `make` or the
    /// code of a key panics; [`AsyncTaskError::InvalidState`] for a new key while the policies of all others
    /// are in use and their number is at its bound.
    pub fn get<Q>(&self, key: &Q) -> Result<V, AsyncTaskError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        caught(|| self.get_or_make(key))?
    }

    fn get_or_make<Q>(&self, key: &Q) -> Result<V, AsyncTaskError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let Shared { table, hasher, make } = &*self.0;
        let hash = hasher.hash_one(key);
        let is_key = |other: &K| <K as Borrow<Q>>::borrow(other) == key;
        let mut seen = match table.find(hash, is_key) {
            Ok(policy) => return Ok(policy),
            Err(seen) => seen,
        };
        let owned = key.to_owned();
        let policy = make(&owned)?;
        let entry = Arc::new(Entry::new(hash, owned, policy.clone()));
        let (now, mut replaced) = (current_time(), Vec::new());
        loop {
            match table.insert(&entry, &seen, now, &mut replaced) {
                Insertion::Done => {
                    // Before the policy is returned: the destructor of a key may panic.
                    drop((replaced, seen, entry));
                    return Ok(policy);
                }
                Insertion::Full => {
                    return Err(AsyncTaskError::InvalidState(
                        "all keyed policies are in use, and there may be no more of them",
                    ));
                }
                // By another thread, or by a key's code or `make`, which may have added an equal key.
                Insertion::Changed => match table.find(hash, is_key) {
                    Ok(other) => {
                        drop((seen, entry));
                        return Ok(other);
                    }
                    Err(later) => seen = later,
                },
            }
        }
    }

    /// Removes the policy of `key`, even if it is in use, and returns it. Handles to it keep working; the
    /// next [`get`](Self::get) of the key makes a new policy beside it. A panic of the code of a key is
    /// passed on.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.0.hasher.hash_one(key);
        self.0.table.remove(hash, |other: &K| <K as Borrow<Q>>::borrow(other) == key)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.table.len()
    }

    /// True if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All keys with their policies, the least recently used first, to look at them. They do not count as
    /// used, but a handle keeps its policy from being evicted, so do not keep the list.
    pub fn snapshot(&self) -> Vec<(K, V)> {
        let entries = self.0.table.entries();
        entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.handle()?))).collect()
    }
}

impl<K, V> Clone for Keyed<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V: Keyable> fmt::Debug for Keyed<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, max_keys) = (self.0.table.len(), self.0.table.max());
        f.debug_struct("Keyed").field("keys", &keys).field("max_keys", &max_keys).finish_non_exhaustive()
    }
}
