//! The header of a CSV source, as a program sees it before the source's first row.

use std::sync::Arc;

use sweet_async_core::extend::caught;
use sweet_async_core::task::IntoResult;

/// The header of one source: the names of its columns, in order. See
/// [`on_header`](crate::TextSource::on_header).
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    source: &'a str,
    names: &'a [Box<str>],
}

impl<'a> Header<'a> {
    /// The name of the source.
    pub fn source_name(&self) -> &'a str {
        self.source
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Always false: a header has at least one column.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the names of the columns, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.names.iter().map(|name| &**name)
    }

    /// Returns the index of the column with this name, from 0; of several, the first.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| **other == *name)
    }
}

/// The function of a program that is called with each header. Its error is a text: it becomes part of the
/// error of the source.
#[derive(Clone)]
pub(crate) struct OnHeader(Arc<Call>);

type Call = dyn Fn(Header<'_>) -> Result<(), String> + Send + Sync;

impl OnHeader {
    pub(crate) fn new<F, O, K>(call: F) -> Self
    where
        F: Fn(Header<'_>) -> O + Send + Sync + 'static,
        O: IntoResult<(), K>,
    {
        Self(Arc::new(move |header| call(header).into_result().map_err(|error| error.reason())))
    }

    /// Calls the function. A panic in it is an error as well.
    #[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has a header"))]
    pub(crate) fn call(&self, source: &str, names: &[Box<str>]) -> Result<(), String> {
        match caught(|| (self.0)(Header { source, names })) {
            Ok(result) => result,
            Err(panic) => Err(panic.to_string()),
        }
    }
}
