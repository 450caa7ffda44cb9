//! A serde deserializer of one record, as in the csv crate: by column name where there is a header, else in
//! order.
//!
//! It reads the same values as the csv crate, type for type, with the same errors. An error names a field
//! also where a type of the user's refuses it.

use std::fmt;

use serde::de::value::BorrowedBytesDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer as _, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use crate::text::csv::table::Record;
use crate::text::fault::BadRowReason;

/// Reads the record into a `T`.
#[inline]
pub(crate) fn record<'de, T: Deserialize<'de>>(record: Record<'de>) -> Result<T, BadRowReason> {
    T::deserialize(&mut Reader { record, next: 0, key: 0 }).map_err(|error| error.explain(record))
}

/// The reason why a record cannot be read. It is boxed, and so one machine word: every value that is read is
/// returned in a `Result` with it.
#[derive(Debug)]
pub(crate) struct Error(Box<Fault>);

#[derive(Debug)]
struct Fault {
    /// The index of the field at fault, from 0. `None` if no single field is.
    field: Option<usize>,
    reason: BadRowReason,
}

impl Error {
    #[cold]
    fn at(field: usize, reason: BadRowReason) -> Self {
        Self(Box::new(Fault { field: Some(field), reason }))
    }

    #[cold]
    fn end() -> Self {
        de::Error::custom("expected field, but got end of row")
    }

    #[cold]
    fn explain(self, record: Record<'_>) -> BadRowReason {
        let Fault { field, reason } = *self.0;
        match field {
            Some(index) => BadRowReason::field(index, record.layout().name(index), &reason),
            None => reason,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(Box::new(Fault { field: None, reason: BadRowReason::parse(&reason) }))
    }
}

struct Reader<'de> {
    record: Record<'de>,
    /// The index of the field that is read next.
    next: usize,
    /// The index of the column whose name is read next.
    key: usize,
}

impl<'de> Reader<'de> {
    #[inline]
    fn next_text(&mut self) -> Result<&'de str, Error> {
        let field = self.next;
        // A refused field counts as read all the same: a type may do without it and go on.
        self.next += 1;
        match self.record.text(field) {
            Some(Ok(text)) => Ok(text),
            Some(Err(fault)) => Err(Error::at(field, BadRowReason::not_utf8(&fault))),
            None => Err(Error::end()),
        }
    }

    #[inline]
    fn next_bytes(&mut self) -> Result<&'de [u8], Error> {
        let field = self.next;
        self.next += 1;
        self.record.get(field).ok_or_else(Error::end)
    }

    #[inline]
    fn peek(&self) -> Option<&'de [u8]> {
        self.record.get(self.next)
    }

    /// Returns the error of the field that was read last.
    #[cold]
    fn refused(&self, reason: &impl fmt::Display) -> Error {
        Error::at(self.next.saturating_sub(1), BadRowReason::parse(reason))
    }

    #[inline]
    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(&mut self) -> Result<T, Error> {
        self.next_text()?.parse().map_err(|error| self.refused(&error))
    }

    /// Reads a value made of one or more fields. If the value's own type refuses it, the error names the last
    /// of them.
    #[inline]
    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let before = self.next;
        seed.deserialize(&mut *self).map_err(|mut error| {
            if self.next > before && self.next <= self.record.len() {
                error.0.field.get_or_insert(self.next - 1);
            }
            error
        })
    }

    fn visit_inferred<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let bytes = self.next_bytes()?;
        let Some(Ok(text)) = self.record.text(self.next - 1) else {
            return visitor.visit_borrowed_bytes(bytes);
        };
        match text {
            "true" => return visitor.visit_bool(true),
            "false" => return visitor.visit_bool(false),
            _ => {}
        }
        if let Ok(number) = text.parse() {
            visitor.visit_u64(number)
        } else if let Ok(number) = text.parse() {
            visitor.visit_i64(number)
        } else if let Ok(number) = text.parse() {
            visitor.visit_u128(number)
        } else if let Ok(number) = text.parse() {
            visitor.visit_i128(number)
        } else if let Ok(number) = text.parse() {
            visitor.visit_f64(number)
        } else {
            visitor.visit_borrowed_str(text)
        }
    }

    /// Visits the columns by name where they have names, else in order.
    #[inline]
    fn visit_columns<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        if self.record.layout().names.is_some() { visitor.visit_map(self) } else { visitor.visit_seq(self) }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $int:ty),*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = self.next_text()?;
            let number = match text.strip_prefix("0x") {
                Some(digits) => <$int>::from_str_radix(digits, 16),
                None => text.parse(),
            };
            visitor.$visit(number.map_err(|error| self.refused(&error))?)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_inferred(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.parsed()?)
    }

    integers! {
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f32(self.parsed()?)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.parsed()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.next_text()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => visitor.visit_char(char),
            _ => {
                let count = text.chars().count();
                let reason = format_args!("expected single character but got {count} characters in '{text}'");
                Err(self.refused(&reason))
            }
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.next_text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.next_text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.next_bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.next_bytes()?.to_vec())
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            None => visitor.visit_none(),
            Some([]) => {
                self.next += 1;
                visitor.visit_none()
            }
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_columns(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_columns(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("unsupported deserializer method: deserialize_identifier"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }

    /// Passes over a column that is not wanted.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.next_bytes()?;
        visitor.visit_unit()
    }
}

impl<'de> SeqAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.peek().is_none() { Ok(None) } else { self.value(seed).map(Some) }
    }
}

impl<'de> MapAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(name) = self.record.layout().name(self.key) else { return Ok(None) };
        self.key += 1;
        seed.deserialize(BorrowedBytesDeserializer::new(name.as_bytes())).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.value(seed)
    }
}

/// A field can only name a variant, not hold its content.
impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = self.next_text()?;
        seed.deserialize(name.into_deserializer()).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Error> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"newtype variant"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"tuple variant"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"struct variant"))
    }
}
