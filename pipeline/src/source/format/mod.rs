//! The formats of text: each as a type, with its options, its decoders and its data in the messages of a queue.

#[cfg(feature = "csv")]
pub(crate) mod csv;
pub(crate) mod csv_options;
pub(crate) mod csv_settings;
pub(crate) mod header;
#[cfg(feature = "json")]
pub(crate) mod json_lines;
pub(crate) mod lines;
pub(crate) mod marker;

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::queue::wire::{Reader, put_text};
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoder, DynDecoders};
use crate::text::dialect::Dialect;
use crate::text::fault::BadRow;

/// A format: the rules by which its text is cut, and the data that makes rows of the chunks of one source, in
/// memory as in the messages of a queue.
pub(crate) trait Format: Send + Sync + 'static {
    type Head: Head;

    /// Its number in messages: its index in [`NAMES`].
    const NUMBER: u8;

    fn dialect(&self) -> Dialect;

    /// True if the first record is no row.
    fn has_header(&self) -> bool {
        false
    }

    /// Reads the data of the source `name` from its header, or from the first chunk where there is none.
    ///
    /// # Errors
    ///
    /// The header cannot be used.
    fn head(&self, name: &str, first: &RawChunk) -> Result<Self::Head, BadRow>;
}

/// The names of the formats, for the errors of other formats.
const NAMES: [&str; 3] = ["lines", "JSON Lines", "CSV"];

/// The data that all chunks of a source have in common.
pub(crate) trait Head: Sized + Send + Sync + 'static {
    fn write(&self, message: &mut BytesMut);

    /// `None` if the message does not hold it.
    fn read(message: &mut Reader) -> Option<Self>;
}

/// That of a format whose chunks have nothing in common.
impl Head for () {
    fn write(&self, _: &mut BytesMut) {}

    fn read(_: &mut Reader) -> Option<Self> {
        Some(())
    }
}

/// A format whose rows can be read into a `T`.
pub(crate) trait FormatOf<T>: Format {
    type Decoder: Decoder<T> + 'static;

    /// Makes a decoder for a worker.
    fn decoder(head: &Self::Head) -> Self::Decoder;
}

/// The decoders of a source, one for each worker.
pub(crate) fn decoders<F: FormatOf<T>, T: 'static>(head: F::Head) -> DynDecoders {
    DynDecoders::new::<T>(Arc::new(move || Box::new(F::decoder(&head))))
}

/// Reads the head of a message: the source's name, and the data of its format.
///
/// # Errors
///
/// The name of the format, if it is another one; `None` if it is no head.
pub(crate) fn read_head<F: Format>(head: &Bytes) -> Result<(Arc<str>, F::Head), Option<&'static str>> {
    let mut head = Reader(head.clone());
    let number = head.u8().ok_or(None)?;
    if number != F::NUMBER {
        return Err(NAMES.get(usize::from(number)).copied());
    }
    let data = F::Head::read(&mut head).ok_or(None)?;
    Ok((head.text().ok_or(None)?.into(), data))
}

/// Makes the head of the messages of the source `name`, for [`read_head`].
pub(crate) fn head_of_messages<F: Format>(name: &str, data: &F::Head) -> Bytes {
    let mut head = BytesMut::new();
    head.put_u8(F::NUMBER);
    data.write(&mut head);
    put_text(&mut head, name.as_bytes());
    head.freeze()
}

/// A format and a type of rows, without their types, on the way from a source to its reader.
pub(crate) trait DynFormat: Send + Sync {
    /// As [`Format::dialect`].
    fn dialect(&self) -> Dialect;

    /// As [`Format::has_header`].
    fn has_header(&self) -> bool;

    /// Makes the decoders of a source, once its first record is known. The error is that of [`Format::head`].
    fn learn(&self, name: &str, first: &RawChunk) -> Result<DynDecoders, BadRow>;

    /// As [`learn`](Self::learn), but returns the head of its messages, for [`read_head`].
    fn message_head(&self, name: &str, first: &RawChunk) -> Result<Bytes, BadRow>;

    /// True if a chunk counts as one row, and not as many as it has. Such a chunk is never cut short by a
    /// source that pauses or fails.
    fn is_whole(&self) -> bool {
        false
    }
}

/// A format of rows whose type only the function knows.
pub(crate) struct OfRows<F: Format> {
    pub(crate) format: F,
    pub(crate) decoders: fn(F::Head) -> DynDecoders,
}

impl<F: Format> DynFormat for OfRows<F> {
    fn dialect(&self) -> Dialect {
        self.format.dialect()
    }

    fn has_header(&self) -> bool {
        self.format.has_header()
    }

    fn learn(&self, name: &str, first: &RawChunk) -> Result<DynDecoders, BadRow> {
        Ok((self.decoders)(self.format.head(name, first)?))
    }

    fn message_head(&self, name: &str, first: &RawChunk) -> Result<Bytes, BadRow> {
        Ok(head_of_messages::<F>(name, &self.format.head(name, first)?))
    }
}
