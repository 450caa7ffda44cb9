//! The compression of text sources: the choice of a codec, and the readers that decompress.

pub(crate) mod codec;
#[cfg(feature = "compression")]
pub(crate) mod decompress;
#[cfg(feature = "compression")]
pub(crate) mod gzip;
#[cfg(feature = "compression")]
pub(crate) mod zstd;
