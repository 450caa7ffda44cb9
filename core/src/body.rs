//! Work whose type the state machines that drive it do not know, so that they are compiled once for all work.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;

/// Work as a state machine sees it.
pub trait Body: Clear {
    /// Polls the work. Once it is ready the work is dropped, and the value of a success is kept in its place
    /// until it is taken or cleared.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>>;
}

/// A [`Body`] whose value can be taken.
pub trait Holds<T>: Body {
    /// Takes the value of work that has succeeded.
    fn take_value(self: Pin<&mut Self>) -> Option<T>;
}

/// The result of a whole, after a state machine around `body` has ended with `result`.
pub(crate) fn finish<T>(
    body: Pin<&mut impl Holds<T>>,
    result: Result<(), AsyncTaskError>,
) -> Result<T, AsyncTaskError> {
    result?;
    body.take_value().ok_or(AsyncTaskError::Shutdown)
}

/// The part of a [`Body`] that needs no future.
pub trait Clear {
    /// Drops the work, or the value that it has given.
    fn clear(self: Pin<&mut Self>);
}

/// A state machine around work of any type: a policy, or several.
pub trait Layer {
    /// Polls `body` once, as the policy says. Ready: nothing of the work is left but the value of a success.
    fn poll(
        self: Pin<&mut Self>,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>>;

    /// Returns what the layer holds for the work, such as a permit, after the work was dropped.
    fn release(self: Pin<&mut Self>);
}

/// A body with a layer around it, which is a body for the layer outside of that.
pub(crate) struct Layered<'a> {
    pub(crate) layer: Pin<&'a mut dyn Layer>,
    pub(crate) body: Pin<&'a mut dyn Body>,
}

impl Body for Layered<'_> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let Self { layer, body } = self.get_mut();
        layer.as_mut().poll(body.as_mut(), cx)
    }
}

impl Clear for Layered<'_> {
    fn clear(self: Pin<&mut Self>) {
        let Self { layer, body } = self.get_mut();
        clear_then(body.as_mut(), || layer.as_mut().release());
    }
}

/// Drops `work`, and then calls `release`, also while the destructor of the work unwinds.
pub(crate) fn clear_then(work: Pin<&mut dyn Clear>, release: impl FnMut()) {
    struct Release<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Release<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    let _release = Release(release);
    work.clear();
}

pin_project! {
    /// The work until it has ended, then its value.
    #[project = SlotProj]
    pub enum Slot<B, T> {
        Work { #[pin] work: B },
        Value { value: Option<T> },
        Cleared,
    }
}

impl<B, T> Slot<B, T> {
    /// Takes the value of work that has succeeded.
    pub(crate) fn take(self: Pin<&mut Self>) -> Option<T> {
        match self.project() {
            SlotProj::Value { value } => value.take(),
            _ => None,
        }
    }

    /// The result of a whole with a recovery. The value is in the slot then, whichever of the two gave it.
    pub(crate) fn keep_answer(
        mut self: Pin<&mut Self>,
        answer: Result<Option<T>, AsyncTaskError>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let answer = answer?;
        if answer.is_some() {
            self.set(Self::Value { value: answer });
        }
        Poll::Ready(Ok(()))
    }
}

impl<B, T> Clear for Slot<B, T> {
    fn clear(mut self: Pin<&mut Self>) {
        self.set(Self::Cleared);
    }
}

impl<B, T> Body for Slot<B, T>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let SlotProj::Work { work } = self.as_mut().project() else { return Poll::Ready(Err(ENDED)) };
        match ready!(work.poll(cx)) {
            Ok(value) => {
                self.set(Self::Value { value: Some(value) });
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                self.set(Self::Cleared);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<B, T> Holds<T> for Slot<B, T>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.take()
    }
}

/// The error of a future that is polled after it has ended.
pub(crate) const ENDED: AsyncTaskError =
    AsyncTaskError::InvalidState("this future was polled after it had ended");

pin_project! {
    /// Work with a layer of policies around it: one thin shell for all of them.
    #[must_use = "nothing runs until it is awaited"]
    pub struct Governed<B, T, L> {
        // In this order: the layer, and the permits that it holds, are dropped after the work.
        #[pin]
        work: Option<B>,
        #[pin]
        layer: L,
        output: PhantomData<fn() -> T>,
    }
}

impl<B, T, L> Governed<B, T, L> {
    /// `work` within `layer`.
    pub(crate) fn within(layer: L, work: B) -> Self {
        Self { work: Some(work), layer, output: PhantomData }
    }
}

impl<B, T, L> Future for Governed<B, T, L>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    L: Layer,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut value = None;
        let body = pin!(Polled { work: this.work, value: &mut value });
        ready!(this.layer.poll(body, cx))?;
        let Some(value) = value else { return Poll::Ready(Err(AsyncTaskError::Shutdown)) };
        Poll::Ready(Ok(value))
    }
}

/// Work for the length of one poll. Its value is not kept in the future: that may then be sent to another
/// thread also if the value may not.
struct Polled<'a, B, T> {
    work: Pin<&'a mut Option<B>>,
    value: &'a mut Option<T>,
}

impl<B, T> Clear for Polled<'_, B, T> {
    fn clear(self: Pin<&mut Self>) {
        let Self { work, value } = self.get_mut();
        **value = None;
        work.set(None);
    }
}

impl<B, T> Body for Polled<'_, B, T>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let Self { work, value } = self.get_mut();
        let Some(running) = work.as_mut().as_pin_mut() else { return Poll::Ready(Err(ENDED)) };
        let result = ready!(running.poll(cx));
        work.set(None);
        Poll::Ready(result.map(|given| **value = Some(given)))
    }
}
