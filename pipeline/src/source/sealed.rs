//! Text sources whose chunks become messages, for other pipelines to read.

use std::sync::Arc;

use bytes::Bytes;

use crate::queue::Sealing;
use crate::source::format::DynFormat;
use crate::source::plan::{Plan, TextPlan};
use crate::source::sources::Sources;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use crate::text::dialect::Dialect;
use crate::text::fault::BadRow;
use sweet_async_core::error::AsyncTaskError;

impl<M> Sources<M> {
    /// Adds the sources that `sender` names, with their chunks as messages of `job`.
    pub(crate) fn add_sealed<T: Send + 'static>(&mut self, job: &str, sender: impl FnOnce(&mut Sources<T>)) {
        let mut sources = Sources::new();
        sender(&mut sources);
        self.plans.extend(sources.into_plans().and_then(|plans| sealed(plans, job)));
    }
}

/// Returns the same sources with their chunks as messages of `job`.
///
/// # Errors
///
/// A source is not text: only text can be published.
fn sealed(plans: Vec<Plan>, job: &str) -> Result<Vec<Plan>, AsyncTaskError> {
    let sealed = |(source, plan): (usize, Plan)| match plan {
        Plan::Text(text) => Ok(Plan::Text(text.sealed(job.into(), format!("{job}/{source}").into()))),
        other => Err(AsyncTaskError::config(format!(
            "{} cannot be published: only text can, from files, bytes and readers; write items as JSON Lines",
            other.name()
        ))),
    };
    plans.into_iter().enumerate().map(sealed).collect()
}

impl TextPlan {
    /// Returns the same text with each chunk as a message of `job`. The keys of the messages begin with `key`.
    fn sealed(self, job: Arc<str>, key: Arc<str>) -> Self {
        Self { format: Arc::new(Sealed { job, key, format: self.format }), ..self }
    }
}

/// The format of a source whose chunks become messages.
struct Sealed {
    job: Arc<str>,
    key: Arc<str>,
    format: Arc<dyn DynFormat>,
}

impl DynFormat for Sealed {
    fn dialect(&self) -> Dialect {
        self.format.dialect()
    }

    fn has_header(&self) -> bool {
        self.format.has_header()
    }

    fn learn(&self, name: &str, first: &RawChunk) -> Result<DynDecoders, BadRow> {
        let head = self.message_head(name, first)?;
        Ok(DynDecoders::new(Sealing::new(self.job.clone(), head, self.key.clone()).decoders()))
    }

    fn message_head(&self, name: &str, first: &RawChunk) -> Result<Bytes, BadRow> {
        self.format.message_head(name, first)
    }

    fn is_whole(&self) -> bool {
        true
    }
}
