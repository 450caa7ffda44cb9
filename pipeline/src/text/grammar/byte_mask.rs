//! A search for the bytes that structure a text, 64 bytes at a time.

/// The number of bytes that are searched together.
const BLOCK: usize = 64;

/// Up to four bytes, searched for all at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needles(pub(crate) [u8; 4]);

impl Needles {
    /// Returns a bit for each byte of the block, set if the byte is one of the four.
    ///
    /// Plain loops over arrays of a fixed size: the compiler makes vector instructions of them, on any
    /// processor that has some.
    #[inline]
    fn hits(self, block: &[u8; BLOCK]) -> u64 {
        let [a, b, c, d] = self.0;
        let hits: [u8; BLOCK] =
            block.map(|byte| u8::from((byte == a) | (byte == b) | (byte == c) | (byte == d)));
        let (words, _) = hits.as_chunks::<8>();
        let mut bits = 0;
        for (shift, word) in (0..).step_by(8).zip(words) {
            // Eight bytes of zero or one: the product has each of them in a bit of its highest byte.
            let byte = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bits |= byte << shift;
        }
        bits
    }

    /// As [`hits`](Self::hits), for the bytes from `at` on, of which there may be fewer.
    fn hits_from(self, data: &[u8], at: usize) -> u64 {
        let rest = data.get(at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(block) => self.hits(block),
            None => {
                let mut block = [0; BLOCK];
                for (to, from) in block.iter_mut().zip(rest) {
                    *to = *from;
                }
                // The zero that fills up the block may itself be a needle.
                self.hits(&block) & !(u64::MAX << rest.len())
            }
        }
    }
}

/// A cursor over the offsets, in some bytes, at which one of the needles is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteMask {
    needles: Needles,
    /// The offset of the block that `bits` describes.
    block: usize,
    bits: u64,
    /// The offset of the next block.
    next_block: usize,
}

impl ByteMask {
    pub(crate) fn new(needles: Needles) -> Self {
        Self { needles, block: 0, bits: 0, next_block: 0 }
    }

    /// Goes to `at`. The data may be other than before.
    pub(crate) fn jump(&mut self, at: usize) {
        (self.bits, self.next_block) = (0, at);
    }

    /// Skips the offsets before `at`.
    #[inline]
    pub(crate) fn skip_to(&mut self, at: usize) {
        if at >= self.next_block {
            (self.bits, self.next_block) = (0, at);
        } else if at > self.block {
            self.bits &= u64::MAX << (at - self.block);
        }
    }

    /// Returns the next offset, or the length of `data`, and goes past it. `data` must be the same until the
    /// next `jump`.
    #[inline(always)]
    pub(crate) fn next(&mut self, data: &[u8]) -> usize {
        while self.bits == 0 {
            if self.next_block >= data.len() {
                return data.len();
            }
            self.bits = self.needles.hits_from(data, self.next_block);
            self.block = self.next_block;
            self.next_block += BLOCK;
        }
        let offset = self.block + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits.wrapping_sub(1);
        offset
    }
}
