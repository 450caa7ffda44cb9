//! The grammar of CSV: one state machine, which the cutter and the splitter both walk.
//!
//! ```text
//!             comment mark            LF
//!   Between ---------------> Comment ----> Between
//!      |
//!      | any byte but a row end
//!      v      quote             quote             quote
//!   FieldStart ------> Quoted <------> QuoteEnded    (twice: a quote as text)
//!      |                                 |
//!      | any other byte                  | any other byte
//!      v                                 v
//!    Plain <------------------------------
//!      |  delimiter: FieldStart, as from FieldStart and QuoteEnded
//!      |  LF: the record ends        -> Between, likewise
//!      |  CR: AfterCr, the record ends after an LF that may follow -> Between, likewise
//!
//!   Quoted --escape--> Escaped --any byte, which is text--> Quoted
//!
//!   Rest (of the first line of a record that is refused) --CR or LF--> it ends -> Between
//! ```
//!
//! A quote opens only where a field starts; elsewhere it is text. In a dialect whose quotes are not
//! doubled, the quote after a closing one is text as well. A dialect may have one byte of its own that
//! ends records, in place of CR and LF, which are text then. A comment ends at LF alone. These are the csv
//! crate's rules, to the byte.
//!
//! [`machine`] has the transitions, one byte at a time, and the [`Event`](machine::Event) of each.
//! [`walker`] takes the bytes that have a meaning, passes over those that have none, and hands the events to a
//! [`Sink`](walker::Sink): to that of the [cutter](crate::text::cut::scan), which needs the ends of records, or
//! to that of the splitter, which needs the ends of fields.

pub(crate) mod byte_mask;
pub(crate) mod machine;
pub(crate) mod walker;
