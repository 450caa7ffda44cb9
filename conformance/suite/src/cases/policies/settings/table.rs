//! The form of the tables: a row has a setting with an impossible value, and parts of the error's text.

use std::borrow::Borrow;

use crate::kit::prelude::*;

/// Parts of an error's text: the setting, the value, and the range.
pub(super) type Parts = [&'static str; 3];

/// A row about a builder: how the setting is set, and the parts.
pub(super) type Row<B> = (fn(B) -> B, Parts);

/// The builder with the setting alone, before the others, and after them.
pub(super) fn in_each_order<B: Clone>(builder: &B, set: fn(B) -> B, others: fn(B) -> B) -> [B; 3] {
    [set(builder.clone()), others(set(builder.clone())), set(others(builder.clone()))]
}

/// The errors of builders, each of which is due to be refused.
pub(super) fn refusals<B, T, E>(
    builders: impl IntoIterator<Item = B>,
    build: impl Fn(B) -> Result<T, E>,
) -> Result<Vec<E>, Failure> {
    builders.into_iter().map(|builder| failed(build(builder))).collect()
}

/// Fails unless all errors are of an invalid setting, with one text that has all `parts`.
pub(super) fn all_say<E: Borrow<AsyncTaskError>>(
    errors: impl IntoIterator<Item = E>,
    parts: Parts,
) -> Outcome {
    let mut first: Option<Box<str>> = None;
    for error in errors {
        let refusal: &AsyncTaskError = error.borrow();
        let AsyncTaskError::InvalidConfig(text) = refusal else { bail!("{parts:?}: {refusal:?}") };
        ensure!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
        let due = first.get_or_insert_with(|| text.clone());
        ensure!(due == text, "{due}, and {text}");
    }
    ensure!(first.is_some(), "{parts:?}: nothing was refused");
    Ok(())
}
