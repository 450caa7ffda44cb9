//! Text whose chunks become messages, for others to read.

use std::sync::Arc;

use crate::queue::{Head, Kind, QueueMessage, Sealing};
use crate::source::text::{MakeDecoder, TextFormat, TextPlan};
use crate::text::chunk::RawChunk;
use crate::text::decode::Decoders;
use crate::text::fault::BadRow;

impl<T: Send + 'static> TextPlan<T> {
    /// The same text, each chunk of it as a message; their keys begin with `key`.
    pub(crate) fn sealed(self, key: Arc<str>) -> TextPlan<QueueMessage> {
        let Self { name, input, format, size, max_record, length } = self;
        let TextFormat { dialect, headers, decoders, .. } = format;
        let decoders = Arc::new(Seals { source: name.clone(), key, of: decoders });
        let format = TextFormat { dialect, headers, decoders, whole: true };
        TextPlan { name, input, format, size, max_record, length }
    }
}

/// Makes messages of the chunks of a source.
struct Seals<T> {
    source: Arc<str>,
    key: Arc<str>,
    of: Arc<dyn MakeDecoder<T>>,
}

impl<T> MakeDecoder<QueueMessage> for Seals<T> {
    fn learn(&self, first: &RawChunk) -> Result<Decoders<QueueMessage>, BadRow> {
        let head = Head { source: self.source.clone(), kind: self.kind(first)? };
        Ok(Sealing::new(&head, self.key.clone()).decoders())
    }

    fn kind(&self, first: &RawChunk) -> Result<Kind, BadRow> {
        self.of.kind(first)
    }
}
