//! Several errors of one group.

use std::error::Error;
use std::fmt;

use crate::error::AsyncTaskError;
use crate::error::failure::causes;

/// More than one error: of the members of a scope, or of work that was joined. Its `source` is that of the
/// first error; `{:#}` adds the causes of the first.
pub struct SeveralErrors(Box<Inner>);

struct Inner {
    first: AsyncTaskError,
    others: Vec<AsyncTaskError>,
}

impl SeveralErrors {
    pub(crate) fn new(first: AsyncTaskError, others: Vec<AsyncTaskError>) -> Self {
        Self(Box::new(Inner { first, others }))
    }

    /// The first error.
    pub fn first(&self) -> &AsyncTaskError {
        &self.0.first
    }

    pub(super) fn first_mut(&mut self) -> &mut AsyncTaskError {
        &mut self.0.first
    }

    /// The errors after the first, in the order in which they came.
    pub fn others(&self) -> &[AsyncTaskError] {
        &self.0.others
    }

    /// The first error alone.
    pub fn into_first(self) -> AsyncTaskError {
        self.0.first
    }

    /// All errors, beginning with the first.
    pub fn into_all(self) -> impl Iterator<Item = AsyncTaskError> {
        let Inner { first, others } = *self.0;
        std::iter::once(first).chain(others)
    }
}

impl fmt::Display for SeveralErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (and {} more", self.0.first, self.0.others.len())?;
        for other in &self.0.others {
            // They are in no chain of sources, so their whole text is written here.
            write!(f, "; {other:#}")?;
        }
        f.write_str(")")?;
        causes(f, self.source())
    }
}

impl fmt::Debug for SeveralErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeveralErrors").field("first", &self.0.first).field("others", &self.0.others).finish()
    }
}

impl Error for SeveralErrors {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.first.source()
    }
}
