//! Text sources whose chunks become messages, for other pipelines to read.

use std::sync::Arc;

use crate::queue::{Head, Kind, QueueMessage, Sealing};
use crate::source::text::{MakeDecoder, TextFormat, TextPlan};
use crate::text::chunk::RawChunk;
use crate::text::decode::Decoders;
use crate::text::fault::BadRow;

impl<T: Send + 'static> TextPlan<T> {
    /// Returns the same text with each chunk as a message. The keys of the messages begin with `key`.
    pub(crate) fn sealed(self, key: Arc<str>) -> TextPlan<QueueMessage> {
        let Self { name, input, format, size, max_record, length } = self;
        let TextFormat { dialect, headers, decoders, .. } = format;
        let decoders = Arc::new(SealDecoders { source: name.clone(), key, inner: decoders });
        let format = TextFormat { dialect, headers, decoders, whole: true };
        TextPlan { name, input, format, size, max_record, length }
    }
}

/// Makes decoders that turn the chunks of a source into messages.
struct SealDecoders<T> {
    source: Arc<str>,
    key: Arc<str>,
    inner: Arc<dyn MakeDecoder<T>>,
}

impl<T> MakeDecoder<QueueMessage> for SealDecoders<T> {
    fn learn(&self, first: &RawChunk) -> Result<Decoders<QueueMessage>, BadRow> {
        let head = Head { source: self.source.clone(), kind: self.kind(first)? };
        Ok(Sealing::new(&head, self.key.clone()).decoders())
    }

    fn kind(&self, first: &RawChunk) -> Result<Kind, BadRow> {
        self.inner.kind(first)
    }
}
