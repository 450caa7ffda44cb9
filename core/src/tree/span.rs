//! The tracing span of work: the span that its caller was in.

use tracing::Span;
use tracing::level_filters::LevelFilter;

/// The span that the caller is in. Without a subscriber, as in most programs, it costs one read of a static.
pub(crate) fn current_span() -> Option<Span> {
    if LevelFilter::current() == LevelFilter::OFF {
        return None;
    }
    Some(Span::current()).filter(|span| !span.is_none())
}

/// Runs `f` within `span`, if there is one.
pub fn within<O>(span: Option<&Span>, f: impl FnOnce() -> O) -> O {
    match span {
        Some(span) => span.in_scope(f),
        None => f(),
    }
}
