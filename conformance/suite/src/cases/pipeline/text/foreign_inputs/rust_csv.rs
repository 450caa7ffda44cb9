//! The inputs of the csv crate's and csv-core's tests.

use super::input::Set::{
    Comment, Delimiter, Escape, Header, NoDoubleQuote, NoQuote, OneWidth, Quote, Terminator, Trim,
};
use super::input::{Input, read, refused, unreadable};
use crate::library::pipeline::Trim as Trimmed;

/// Fields with white space, and names with white space.
const SPACED: &[u8] = b"foo,  bar,\tbaz\n  1,  2,  3\n1\t,\t,3\t\t";

const TRIMMED: &str =
    "a field is trimmed once it is split, also in quotes, and a quote after white space opens nothing";
const TEXT: &str =
    "names are text, so that fields can be found by them; there the bytes of a header can be read";

pub(super) const INPUTS: &[Input] = &[
    // csv-core.
    read("one_row_one_field", &[], b"a", &[&["a"]]),
    read("one_row_many_fields", &[], b"a,b,c", &[&["a", "b", "c"]]),
    read("one_row_trailing_comma", &[], b"a,b,", &[&["a", "b", ""]]),
    read("one_row_one_field_lf", &[], b"a\n", &[&["a"]]),
    read("one_row_many_fields_lf", &[], b"a,b,c\n", &[&["a", "b", "c"]]),
    read("one_row_trailing_comma_lf", &[], b"a,b,\n", &[&["a", "b", ""]]),
    read("one_row_one_field_crlf", &[], b"a\r\n", &[&["a"]]),
    read("one_row_many_fields_crlf", &[], b"a,b,c\r\n", &[&["a", "b", "c"]]),
    read("one_row_trailing_comma_crlf", &[], b"a,b,\r\n", &[&["a", "b", ""]]),
    read("one_row_one_field_cr", &[], b"a\r", &[&["a"]]),
    read("one_row_many_fields_cr", &[], b"a,b,c\r", &[&["a", "b", "c"]]),
    read("one_row_trailing_comma_cr", &[], b"a,b,\r", &[&["a", "b", ""]]),
    read("many_rows_one_field", &[], b"a\nb", &[&["a"], &["b"]]),
    read("many_rows_many_fields", &[], b"a,b,c\nx,y,z", &[&["a", "b", "c"], &["x", "y", "z"]]),
    read("many_rows_trailing_comma", &[], b"a,b,\nx,y,", &[&["a", "b", ""], &["x", "y", ""]]),
    read("many_rows_one_field_lf", &[], b"a\nb\n", &[&["a"], &["b"]]),
    read("many_rows_many_fields_lf", &[], b"a,b,c\nx,y,z\n", &[&["a", "b", "c"], &["x", "y", "z"]]),
    read("many_rows_trailing_comma_lf", &[], b"a,b,\nx,y,\n", &[&["a", "b", ""], &["x", "y", ""]]),
    read("many_rows_one_field_crlf", &[], b"a\r\nb\r\n", &[&["a"], &["b"]]),
    read("many_rows_many_fields_crlf", &[], b"a,b,c\r\nx,y,z\r\n", &[&["a", "b", "c"], &["x", "y", "z"]]),
    read("many_rows_trailing_comma_crlf", &[], b"a,b,\r\nx,y,\r\n", &[&["a", "b", ""], &["x", "y", ""]]),
    read("many_rows_one_field_cr", &[], b"a\rb\r", &[&["a"], &["b"]]),
    read("many_rows_many_fields_cr", &[], b"a,b,c\rx,y,z\r", &[&["a", "b", "c"], &["x", "y", "z"]]),
    read("many_rows_trailing_comma_cr", &[], b"a,b,\rx,y,\r", &[&["a", "b", ""], &["x", "y", ""]]),
    read("trailing_lines_no_record", &[], b"\n\n\na,b,c\nx,y,z\n\n\n", &[&["a", "b", "c"], &["x", "y", "z"]]),
    read(
        "trailing_lines_no_record_cr",
        &[],
        b"\r\r\ra,b,c\rx,y,z\r\r\r",
        &[&["a", "b", "c"], &["x", "y", "z"]],
    ),
    read(
        "trailing_lines_no_record_crlf",
        &[],
        b"\r\n\r\n\r\na,b,c\r\nx,y,z\r\n\r\n\r\n",
        &[&["a", "b", "c"], &["x", "y", "z"]],
    ),
    read("empty", &[], b"", &[]),
    read("empty_lines", &[], b"\n\n\n\n", &[]),
    read(
        "empty_lines_interspersed",
        &[],
        b"\n\na,b\n\n\nx,y\n\n\nm,n\n",
        &[&["a", "b"], &["x", "y"], &["m", "n"]],
    ),
    read("empty_lines_crlf", &[], b"\r\n\r\n\r\n\r\n", &[]),
    read(
        "empty_lines_interspersed_crlf",
        &[],
        b"\r\n\r\na,b\r\n\r\n\r\nx,y\r\n\r\n\r\nm,n\r\n",
        &[&["a", "b"], &["x", "y"], &["m", "n"]],
    ),
    read("empty_lines_mixed", &[], b"\r\n\n\r\n\n", &[]),
    read(
        "empty_lines_interspersed_mixed",
        &[],
        b"\n\r\na,b\r\n\n\r\nx,y\r\n\n\r\nm,n\r\n",
        &[&["a", "b"], &["x", "y"], &["m", "n"]],
    ),
    read("empty_lines_cr", &[], b"\r\r\r\r", &[]),
    read(
        "empty_lines_interspersed_cr",
        &[],
        b"\r\ra,b\r\r\rx,y\r\r\rm,n\r",
        &[&["a", "b"], &["x", "y"], &["m", "n"]],
    ),
    read("term_weird", &[Terminator('z')], b"zza,bzc,dzz", &[&["a", "b"], &["c", "d"]]),
    read(
        "ascii_delimited",
        &[Delimiter('\x1f'), Terminator('\x1e')],
        b"a\x1fb\x1ec\x1fd",
        &[&["a", "b"], &["c", "d"]],
    ),
    read("bom_at_start", &[], b"\xef\xbb\xbfa", &[&["a"]]),
    read("bom_in_field", &[], b"a\xef\xbb\xbf", &[&["a\u{feff}"]]),
    read("bom_at_field_start", &[], b"a,\xef\xbb\xbfb", &[&["a", "\u{feff}b"]]),
    read("quote_empty", &[], b"\"\"", &[&[""]]),
    read("quote_lf", &[], b"\"\"\n", &[&[""]]),
    read("quote_space", &[], b"\" \"", &[&[" "]]),
    read("quote_inner_space", &[], b"\" a \"", &[&[" a "]]),
    read("quote_outer_space", &[], b"  \"a\"  ", &[&["  \"a\"  "]]),
    read("quote_change", &[Quote('z')], b"zaz", &[&["a"]]),
    refused("quote_delimiter", &[Quote(',')], b",a,,b", "`with_quote` is ','")
        .differs("one character cannot be quote and delimiter; there its meaning is an accident"),
    read("quote_no_escapes", &[], b"\"a\\\"b\"", &[&["a\\b\""]]),
    read("quote_escapes_no_double", &[NoDoubleQuote], b"\"a\"\"b\"", &[&["a\"b\""]]),
    read("quote_escapes", &[Escape('\\')], b"\"a\\\"b\"", &[&["a\"b"]]),
    read("quote_escapes_change", &[Escape('z')], b"\"az\"b\"", &[&["a\"b"]]),
    read("quote_escapes_with_comma", &[Escape('\\'), NoDoubleQuote], b"\"\\\"A,B\\\"\"", &[&["\"A,B\""]]),
    read("quoting_disabled", &[NoQuote], b"\"abc,foo\"", &[&["\"abc", "foo\""]]),
    read("delimiter_tabs", &[Delimiter('\t')], b"a\tb", &[&["a", "b"]]),
    read("delimiter_weird", &[Delimiter('z')], b"azb", &[&["a", "b"]]),
    read("extra_record_crlf_1", &[], b"foo\n1\n", &[&["foo"], &["1"]]),
    read("extra_record_crlf_2", &[], b"foo\r\n1\r\n", &[&["foo"], &["1"]]),
    read("comment_1", &[Comment('#')], b"foo\n# hi\nbar\n", &[&["foo"], &["bar"]]),
    read("comment_2", &[Comment('#')], b"foo\n # hi\nbar\n", &[&["foo"], &[" # hi"], &["bar"]]),
    refused("comment_3", &[Comment('\n')], b"foo\n# hi\nbar\n", "`with_comment` is '\\n'")
        .differs("a line end cannot begin a comment; there it has no effect"),
    read("comment_4", &[Comment('#')], b"foo,b#ar,baz", &[&["foo", "b#ar", "baz"]]),
    read("comment_5", &[Comment('#')], b"foo,#bar,baz", &[&["foo", "#bar", "baz"]]),
    read("trim_left_no_quote", &[Trim(Trimmed::Fields)], b"foo, bar,  baz", &[&["foo", "bar", "baz"]]),
    read(
        "trim_left_quoted",
        &[Trim(Trimmed::Fields)],
        b"\"abc\",\" foo\", \" bar\", \" \",  \"\"",
        &[&["abc", "foo", "\" bar\"", "\" \"", "\"\""]],
    )
    .differs(TRIMMED),
    // The csv crate.
    read(
        "read_byte_record",
        &[],
        b"foo,\"b,ar\",baz\nabc,mno,xyz",
        &[&["foo", "b,ar", "baz"], &["abc", "mno", "xyz"]],
    ),
    read(
        "read_trimmed_records_and_headers",
        &[Header, Trim(Trimmed::All)],
        SPACED,
        &[&["foo", "bar", "baz"], &["1", "2", "3"], &["1", "", "3"]],
    ),
    read(
        "read_trimmed_header",
        &[Header, Trim(Trimmed::Headers)],
        SPACED,
        &[&["foo", "bar", "baz"], &["  1", "  2", "  3"], &["1\t", "\t", "3\t\t"]],
    ),
    unreadable(
        "read_trimed_header_invalid_utf8",
        &[Header, Trim(Trimmed::Headers)],
        b"foo,  b\xffar,\tbaz\na,b,c\nd,e,f",
        "field 2: not valid UTF-8 from its byte 1 on",
    )
    .differs(TEXT),
    read(
        "read_trimmed_records",
        &[Header, Trim(Trimmed::Fields)],
        SPACED,
        &[&["foo", "  bar", "\tbaz"], &["1", "2", "3"], &["1", "", "3"]],
    ),
    read(
        "read_trimmed_records_without_headers",
        &[Trim(Trimmed::All)],
        b"a1, b1\t,\t c1\t\n",
        &[&["a1", "b1", "c1"]],
    ),
    read("read_record_unequal_continue", &[OneWidth], b"foo\nbar,baz\nquux", &[&["foo"], &["quux"]])
        .rejects(&[(2, "expected 1 field, found 2")]),
    read("read_record_unequal_ok", &[], b"foo\nbar,baz", &[&["foo"], &["bar", "baz"]]),
    read(
        "read_record_headers",
        &[Header, OneWidth],
        b"foo,bar,baz\na,b,c\nd,e,f",
        &[&["foo", "bar", "baz"], &["a", "b", "c"], &["d", "e", "f"]],
    ),
    unreadable(
        "read_record_headers_invalid_utf8",
        &[Header],
        b"foo,b\xffar,baz\na,b,c\nd,e,f",
        "line 1, byte 0: field 2: not valid UTF-8 from its byte 1 on",
    )
    .differs(TEXT),
    read("headers_on_empty_data", &[Header], b"", &[]),
    read("headers_absent", &[Header], b"a\nb", &[&["a"], &["b"]]),
    read("headers_trailing_lf", &[Header], b"a,b,c\n\n\n\n", &[&["a", "b", "c"]]),
    read("flexible_rows2", &[], b"a,b\nx", &[&["a", "b"], &["x"]]),
    read("nonflexible2", &[OneWidth], b"a,b\nx", &[&["a", "b"]])
        .rejects(&[(2, "expected 2 fields, found 1")]),
    read("byte_strings_invalid_utf8", &[], b"a\xffbc,xyz", &[&["a\u{fffd}bc", "xyz"]]),
];
