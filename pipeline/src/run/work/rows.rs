//! The rows of a chunk, decoded one by one when their worker asks for them, and the decoders that a worker
//! keeps.

use std::vec;

use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Decoder, DynDecoders};

/// The number of decoders that a worker keeps, one for each source: making one is expensive. The number is
/// enough for the sources that are usually read at the same time.
const DECODERS: usize = 8;

/// A decoder, and the factory that made it.
pub(crate) type CachedDecoder<T> = (DynDecoders, Box<dyn Decoder<T>>);

/// The rows of a chunk that were not handed out yet.
pub(crate) enum Rows<T> {
    Items(ItemRows<T>),
    Raw(CachedDecoder<T>),
    /// Rows that were parsed before the chunk's turn.
    Parsed(vec::IntoIter<Decoded<T>>),
    /// One row, or none.
    One(Option<Decoded<T>>),
}

impl<T> Iterator for Rows<T> {
    type Item = Decoded<T>;

    #[inline]
    fn next(&mut self) -> Option<Decoded<T>> {
        match self {
            Self::Items(items) => items.next(),
            Self::Raw((_, decoder)) => decoder.next(),
            Self::Parsed(rows) => rows.next(),
            Self::One(row) => row.take(),
        }
    }
}

/// Items, and the position of the next one in its source.
pub(crate) struct ItemRows<T> {
    items: vec::IntoIter<T>,
    sequence: u64,
}

impl<T> ItemRows<T> {
    pub(crate) fn new(items: Vec<T>, first: u64) -> Self {
        Self { items: items.into_iter(), sequence: first }
    }
}

impl<T> Iterator for ItemRows<T> {
    type Item = Decoded<T>;

    #[inline]
    fn next(&mut self) -> Option<Decoded<T>> {
        let data = self.items.next()?;
        let sequence = self.sequence;
        self.sequence += 1;
        Some(Decoded { sequence, line: 0, byte: 0, len: 0, data: Ok(data) })
    }
}

/// The decoders that a worker has used last; the latest is at the end.
pub(crate) struct DecoderCache<T>(Vec<CachedDecoder<T>>);

impl<T: 'static> DecoderCache<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// The rows of a chunk of text. There are none if `decoders` are for another type of row, which no
    /// pipeline mixes.
    pub(crate) fn rows(&mut self, chunk: &RawChunk, decoders: DynDecoders) -> Rows<T> {
        let kept = self.0.iter().rposition(|(made_by, _)| made_by.is(&decoders));
        let cached = match kept {
            Some(kept) => Some(self.0.remove(kept)),
            None => decoders.get().map(|make| make()).map(|decoder| (decoders, decoder)),
        };
        match cached {
            Some(mut cached) => {
                cached.1.start(chunk);
                Rows::Raw(cached)
            }
            None => Rows::One(None),
        }
    }

    /// Keeps the decoder of rows that are not needed any more. Where there are too many decoders, the one that
    /// was used longest ago is dropped.
    pub(crate) fn keep(&mut self, rows: Rows<T>) {
        let Rows::Raw(mut cached) = rows else { return };
        cached.1.release();
        if self.0.len() == DECODERS {
            self.0.remove(0);
        }
        self.0.push(cached);
    }
}
