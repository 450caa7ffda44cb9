//! Finds the bytes that shape a text, 64 bytes at a time.

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// Up to four bytes that are looked for, all at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needles(pub(crate) [u8; 4]);

impl Needles {
    /// A bit for each byte of the block: set where it is one of the four.
    ///
    /// Plain loops over arrays of a fixed size: the compiler makes vector instructions of them, on any processor that
    /// has some.
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

    /// The same for the bytes from `at` on, of which there may be fewer.
    fn hits_from(self, data: &[u8], at: usize) -> u64 {
        let rest = data.get(at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(block) => self.hits(block),
            None => {
                let mut block = [0; BLOCK];
                for (to, from) in block.iter_mut().zip(rest) {
                    *to = *from;
                }
                // A needle may be the very byte that fills the block up.
                self.hits(&block) & !(u64::MAX << rest.len())
            }
        }
    }
}

/// Walks over the places in some bytes where one of the needles is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteMask {
    needles: Needles,
    /// Where the block begins that `bits` tells of.
    block: usize,
    bits: u64,
    /// Where the next block begins.
    ahead: usize,
}

impl ByteMask {
    pub(crate) fn new(needles: Needles) -> Self {
        Self { needles, block: 0, bits: 0, ahead: 0 }
    }

    /// Goes to `at`, in data that may be other than before.
    pub(crate) fn jump(&mut self, at: usize) {
        (self.bits, self.ahead) = (0, at);
    }

    /// Leaves out the places before `at`.
    #[inline]
    pub(crate) fn skip_to(&mut self, at: usize) {
        if at >= self.ahead {
            (self.bits, self.ahead) = (0, at);
        } else if at > self.block {
            self.bits &= u64::MAX << (at - self.block);
        }
    }

    /// The next place, or the length of `data`, which must be the same until the next `jump`.
    #[inline(always)]
    pub(crate) fn next(&mut self, data: &[u8]) -> usize {
        let place = self.peek(data);
        self.bits &= self.bits.wrapping_sub(1);
        place
    }

    /// As [`next`](Self::next), without going on behind it.
    #[inline(always)]
    pub(crate) fn peek(&mut self, data: &[u8]) -> usize {
        while self.bits == 0 {
            if self.ahead >= data.len() {
                return data.len();
            }
            self.bits = self.needles.hits_from(data, self.ahead);
            self.block = self.ahead;
            self.ahead += BLOCK;
        }
        self.block + self.bits.trailing_zeros() as usize
    }
}
