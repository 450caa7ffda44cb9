//! Text sources whose chunks become messages, for other pipelines to read.

use std::sync::Arc;

use crate::queue::{Head, Kind, Sealing};
use crate::source::text::{MakeDecoder, TextFormat, TextPlan};
use crate::source::{Plan, Sources};
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
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
        Plan::Text(text) => Ok(Plan::Text(text.sealed(format!("{job}/{source}").into()))),
        other => Err(AsyncTaskError::config(format!(
            "{} cannot be published: only text can, from files, bytes and readers; write items as JSON Lines",
            other.name()
        ))),
    };
    plans.into_iter().enumerate().map(sealed).collect()
}

impl TextPlan {
    /// Returns the same text with each chunk as a message. The keys of the messages begin with `key`.
    fn sealed(self, key: Arc<str>) -> Self {
        let TextFormat { dialect, headers, decoders, .. } = self.format;
        let decoders = Arc::new(SealDecoders { source: self.name.clone(), key, inner: decoders });
        Self { format: TextFormat { dialect, headers, decoders, whole: true }, ..self }
    }
}

/// Makes decoders that turn the chunks of a source into messages.
struct SealDecoders {
    source: Arc<str>,
    key: Arc<str>,
    inner: Arc<dyn MakeDecoder>,
}

impl MakeDecoder for SealDecoders {
    fn learn(&self, name: &str, first: &RawChunk) -> Result<DynDecoders, BadRow> {
        let head = Head { source: self.source.clone(), kind: self.kind(name, first)? };
        Ok(DynDecoders::new(Sealing::new(&head, self.key.clone()).decoders()))
    }

    fn kind(&self, name: &str, first: &RawChunk) -> Result<Kind, BadRow> {
        self.inner.kind(name, first)
    }
}
