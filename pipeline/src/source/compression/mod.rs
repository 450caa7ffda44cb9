//! The compression of text sources: the choice of a codec, and the readers that decompress.

pub(crate) mod codec;
#[cfg(feature = "compression")]
pub(crate) mod compressed;
#[cfg(feature = "compression")]
pub(crate) mod decompress;
#[cfg(feature = "compression")]
pub(crate) mod gzip;
pub(crate) mod plaintext;
#[cfg(feature = "compression")]
pub(crate) mod zstd;
