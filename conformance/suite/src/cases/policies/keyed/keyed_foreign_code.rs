//! Recovery, keyed policies: the code of keys and the making of policies may call back, and may panic.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::{Keyed, Limiter};

use crate::cases::restarts::Calls;
use crate::kit::explode;
use crate::kit::prelude::*;

/// The policies, for code that they call. They are taken out at the end, since they own that code.
struct Back<K>(Arc<Mutex<Option<Keyed<K, Limiter>>>>);

impl<K> Back<K> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn set(&self, keyed: Option<Keyed<K, Limiter>>) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), keyed);
        drop(before);
    }

    fn get(&self) -> Option<Keyed<K, Limiter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<K> Clone for Back<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

fn one_permit() -> Result<Limiter, AsyncTaskError> {
    Limiter::builder().max_concurrent(1).build()
}

/// A key whose code asks for the number of keys.
#[derive(Clone)]
struct Asking {
    number: u32,
    back: Back<Asking>,
    asked: Calls,
}

impl Asking {
    fn ask(&self) {
        if let Some(keyed) = self.back.get() {
            self.asked.next();
            std::hint::black_box(keyed.len());
        }
    }
}

impl Hash for Asking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ask();
        self.number.hash(state);
    }
}

impl PartialEq for Asking {
    fn eq(&self, other: &Self) -> bool {
        self.ask();
        self.number == other.number
    }
}

impl Eq for Asking {}

impl Drop for Asking {
    fn drop(&mut self) {
        self.ask();
    }
}

pub async fn the_code_of_a_key_may_call_back<R: Runtime>(_: R, _: Facts) -> Outcome {
    let (back, asked) = (Back::new(), Calls::default());
    let key = |number| Asking { number, back: back.clone(), asked: asked.clone() };
    let keyed = Keyed::new(2, |_: &Asking| one_permit())?;
    back.set(Some(keyed.clone()));
    for number in [1, 2, 1, 3, 4, 4, 5] {
        keyed.get(&key(number))?;
        ensure!(keyed.len() <= 2);
    }
    ensure!(keyed.remove(&key(5)).is_some() && keyed.remove(&key(5)).is_none());
    ensure!(keyed.snapshot().len() == 1);
    back.set(None);
    ensure!(asked.made() > 20, "{} calls", asked.made());
    Ok(())
}

pub async fn the_making_of_a_policy_may_get_those_of_other_keys<R: Runtime>(_: R, _: Facts) -> Outcome {
    let back = Back::new();
    let inner = back.clone();
    let keyed = Keyed::new(8, move |key: &u32| {
        if let (Some(keyed), Some(before)) = (inner.get(), key.checked_sub(1)) {
            keyed.get(&before)?;
        }
        one_permit()
    })?;
    back.set(Some(keyed.clone()));
    keyed.get(&5)?;
    let keys: Vec<_> = keyed.snapshot().into_iter().map(|(key, _)| key).collect();
    back.set(None);
    ensure!(keys == [0, 1, 2, 3, 4, 5], "{keys:?}");
    Ok(())
}

pub async fn a_policy_made_during_its_own_making_is_the_one_that_stays<R: Runtime>(
    _: R,
    _: Facts,
) -> Outcome {
    let (back, calls, asks) = (Back::new(), Calls::default(), AtomicBool::new(true));
    let (inner, counted) = (back.clone(), calls.clone());
    let keyed = Keyed::new(8, move |key: &u32| {
        let name = counted.next().to_string();
        if asks.swap(false, Ordering::SeqCst)
            && let Some(keyed) = inner.get()
        {
            keyed.get(key)?;
        }
        Limiter::builder().name(name).max_concurrent(1).build()
    })?;
    back.set(Some(keyed.clone()));
    let (first, second) = (keyed.get(&7)?, keyed.get(&7)?);
    back.set(None);
    // The second call to `make` was ready first.
    for limiter in [first, second] {
        ensure!(limiter.name().is_some_and(|name| &**name == "2"), "{limiter:?}");
    }
    ensure!(calls.made() == 2 && keyed.len() == 1);
    Ok(())
}

pub async fn a_panic_while_a_policy_is_made_is_an_error<R: Runtime>(_: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let keyed = Keyed::new(8, move |_: &u32| {
        if calls.next() <= 2 {
            explode::<()>("while it is made");
        }
        one_permit()
    })?;
    for _ in 0..2 {
        let error = failed(keyed.get(&1))?;
        ensure!(error.is_panic() && error.to_string().contains("while it is made"), "{error}");
        ensure!(keyed.is_empty());
    }
    keyed.get(&1)?;
    ensure!(keyed.len() == 1);
    Ok(())
}

/// A key whose code panics, as long as it has the fault.
struct Fragile {
    number: u32,
    fault: Arc<AtomicU32>,
}

const IN_HASH: u32 = 1;
const IN_EQ: u32 = 2;
const IN_CLONE: u32 = 3;
/// In the destructor of the key whose number is zero.
const IN_DROP: u32 = 4;

impl Fragile {
    fn may_panic(&self, fault: u32) {
        if self.fault.load(Ordering::SeqCst) == fault {
            explode::<()>("the code of a key");
        }
    }
}

impl Hash for Fragile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.may_panic(IN_HASH);
        self.number.hash(state);
    }
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Self) -> bool {
        self.may_panic(IN_EQ);
        self.number == other.number
    }
}

impl Eq for Fragile {}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        self.may_panic(IN_CLONE);
        Self { number: self.number, fault: self.fault.clone() }
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        if self.number == 0 {
            self.may_panic(IN_DROP);
        }
    }
}

pub async fn a_panic_in_the_code_of_a_key_is_an_error_and_harms_nothing<R: Runtime>(
    _: R,
    _: Facts,
) -> Outcome {
    let fault = Arc::new(AtomicU32::new(0));
    let key = |number| Fragile { number, fault: fault.clone() };
    let keyed = Keyed::new(2, |_: &Fragile| one_permit())?;
    keyed.get(&key(0))?;
    // A known key is hashed and compared; a new one is also cloned, and the last evicts the first.
    keyed.get(&key(1))?;
    keyed.get(&key(0))?;
    keyed.get(&key(1))?;
    for (kind, number) in [(IN_HASH, 0), (IN_HASH, 5), (IN_EQ, 1), (IN_CLONE, 5), (IN_DROP, 5)] {
        let asked = key(number);
        fault.store(kind, Ordering::SeqCst);
        let result = keyed.get(&asked);
        fault.store(0, Ordering::SeqCst);
        let error = failed(result).with_context(|| format!("{kind}, {number}"))?;
        ensure!(error.is_panic() && error.to_string().contains("the code of a key"), "{kind}: {error}");
        ensure!(keyed.len() == 2, "{kind}: {} keys", keyed.len());
    }
    // The key was added before the destructor of the other ran.
    let mut numbers: Vec<_> = keyed.snapshot().iter().map(|(key, _)| key.number).collect();
    numbers.sort_unstable();
    ensure!(numbers == [1, 5], "{numbers:?}");
    for number in [1, 5, 6, 7] {
        keyed.get(&key(number))?;
    }
    ensure!(keyed.len() == 2);
    Ok(())
}
