//! The inputs of the tests of Python's module `csv`.

use super::input::Set::{
    Delimiter, Escape, Header, MaxRecord, Names, NoDoubleQuote, NoQuote, OneWidth, Quote, Strict, Trim,
};
use super::input::{BLANK_LINES, Input, ONE_WIDTH, OPEN_QUOTE, Rows, Set, read, refused};
use crate::library::pipeline::Trim as Trimmed;

const ESCAPE: &str = "an escape has its meaning in quotes alone";
const NUMBERED: &[Set] = &[Names(&["1", "2", "3", "4", "5", "6"]), OneWidth];

/// Rows with line ends of all kinds in quotes. `$end` ends each row.
macro_rules! line_ends_in_quotes {
    ($end:literal) => {
        concat!(
            "\"\na\",\"b\nc\",\"d\n\"",
            $end,
            "\"\re\",\"f\rg\",\"h\r\"",
            $end,
            "\"\r\ni\",\"j\r\nk\",\"l\r\n\"",
            $end,
            "\"\n\rm\",\"n\n\ro\",\"p\n\r\"",
            $end,
            "\"\r\rq\",\"r\r\rs\",\"t\r\r\"",
            $end,
            "\"\n\nu\",\"v\n\nw\",\"x\n\n\"",
            $end
        )
        .as_bytes()
    };
}

const LINE_ENDS_IN_QUOTES: Rows = &[
    &["\na", "b\nc", "d\n"],
    &["\re", "f\rg", "h\r"],
    &["\r\ni", "j\r\nk", "l\r\n"],
    &["\n\rm", "n\n\ro", "p\n\r"],
    &["\r\rq", "r\r\rs", "t\r\r"],
    &["\n\nu", "v\n\nw", "x\n\n"],
];

pub(super) const INPUTS: &[Input] = &[
    read("oddinputs: an empty line", &[], b"\n", &[]).differs(BLANK_LINES),
    read("oddinputs", &[Strict], b"\"ab\"c", &[]).rejects(&[(1, "text after the quote")]),
    read("oddinputs", &[NoDoubleQuote], b"\"ab\"c", &[&["abc"]]),
    read("eol", &[], b"a,b\nc,d", &[&["a", "b"], &["c", "d"]]),
    read("eol", &[], b"a,b\r\nc,d\r\n", &[&["a", "b"], &["c", "d"]]),
    read("eol", &[], b"a,b\rc,d\r", &[&["a", "b"], &["c", "d"]]),
    read("eof", &[], b"a,\"", &[]).rejects(&[(1, "never closed")]).differs(OPEN_QUOTE),
    read("eof", &[], b"\"a", &[]).rejects(&[(1, "never closed")]).differs(OPEN_QUOTE),
    read("eof", &[Escape('^')], b"^", &[&["^"]]).differs(ESCAPE),
    read("eof, strict", &[Strict], b"a,\"", &[]).rejects(&[(1, "never closed")]),
    read("eof, strict", &[Strict], b"\"a", &[]).rejects(&[(1, "never closed")]),
    read("eof, strict", &[Strict, Escape('^')], b"^", &[&["^"]]).differs(ESCAPE),
    read("nul", &[], b"\0", &[&["\0"]]),
    read("nul", &[], b"a,\0b,c", &[&["a", "\0b", "c"]]),
    read("nul", &[], b"a,b\0,c", &[&["a", "b\0", "c"]]),
    read("nul", &[Escape('\\')], b"a,b\\\0,c", &[&["a", "b\\\0", "c"]]).differs(ESCAPE),
    read("nul", &[], b"a,\"\0b\",c", &[&["a", "\0b", "c"]]),
    read("delimiter", &[Delimiter(';')], b"a;b;c", &[&["a", "b", "c"]]),
    read("delimiter", &[Delimiter('\0')], b"a\0b\0c", &[&["a", "b", "c"]]),
    read("escape", &[Escape('\\')], b"a,\\b,c", &[&["a", "\\b", "c"]]).differs(ESCAPE),
    read("escape", &[Escape('\\')], b"a,b\\,c", &[&["a", "b\\", "c"]]).differs(ESCAPE),
    read("escape", &[Escape('\\')], b"a,\"b\\,c\"", &[&["a", "b,c"]]),
    read("escape", &[Escape('\\')], b"a,\"b,\\c\"", &[&["a", "b,c"]]),
    read("escape", &[Escape('\\')], b"a,\"b,c\\\"\"", &[&["a", "b,c\""]]),
    read("escape", &[Escape('\\')], b"a,\"b,c\"\\", &[&["a", "b,c\\"]]),
    read("escape", &[Escape('^')], b"a,^b,c", &[&["a", "^b", "c"]]).differs(ESCAPE),
    read("escape", &[Escape('\0')], b"a,\0b,c", &[&["a", "\0b", "c"]]).differs(ESCAPE),
    read("escape", &[], b"a,\\b,c", &[&["a", "\\b", "c"]]),
    read("quoting", &[], b"1,\",3,\",5", &[&["1", ",3,", "5"]]),
    read("quoting", &[NoQuote], b"1,\",3,\",5", &[&["1", "\"", "3", "\"", "5"]]),
    refused("quoting", &[NoQuote, Escape('\\')], b"1,\",3,\",5", "with_quote(None)").differs(ESCAPE),
    read("quoting", &[], b",3,\"5\",7.3, 9", &[&["", "3", "5", "7.3", " 9"]]),
    read("quoting", &[], b",,\"\",", &[&["", "", "", ""]]),
    read("quoting", &[], b"\"a\nb\", 7", &[&["a\nb", " 7"]]),
    read("quoting", &[Quote('@')], b"1,@,3,@,5", &[&["1", ",3,", "5"]]),
    read("quoting", &[Quote('\0')], b"1,\0,3,\0,5", &[&["1", ",3,", "5"]]),
    read(
        "skipinitialspace",
        &[Trim(Trimmed::Fields)],
        b"no space, space,  spaces,\ttab",
        &[&["no space", "space", "spaces", "tab"]],
    )
    .differs("white space of all kinds is trimmed, at both ends"),
    read("skipinitialspace", &[Trim(Trimmed::Fields)], b" , , ", &[&["", "", ""]]),
    read(
        "space_delimiter",
        &[Delimiter(' ')],
        b"a   b\n  a  \n  \n\n",
        &[&["a", "", "", "b"], &["", "", "a", "", ""], &["", "", ""]],
    )
    .differs(BLANK_LINES),
    read(
        "space_delimiter",
        &[Delimiter(' '), Trim(Trimmed::Fields)],
        b"a   b\n  a  \n  \n",
        &[&["a", "", "", "b"], &["", "", "a", "", ""], &["", "", ""]],
    )
    .differs("a delimiter separates fields, also where it is white space"),
    read("bigfield", &[MaxRecord(13)], b"XXXXXX,XXXXXX", &[&["XXXXXX", "XXXXXX"]]),
    read("bigfield", &[MaxRecord(12)], b"XXXXXX,XXXXXX", &[]).rejects(&[(1, "the limit of 12 bytes")]),
    read("roundtrip_quoteed_newlines, \\r\\n", &[], line_ends_in_quotes!("\r\n"), LINE_ENDS_IN_QUOTES),
    read("roundtrip_quoteed_newlines, \\n", &[], line_ends_in_quotes!("\n"), LINE_ENDS_IN_QUOTES),
    read("roundtrip_quoteed_newlines, \\r", &[], line_ends_in_quotes!("\r"), LINE_ENDS_IN_QUOTES),
    refused(
        "roundtrip_escaped_unquoted_newlines",
        &[NoQuote, Escape('\\')],
        b"\\\na,b\\\nc,d\\\n\n",
        "with_quote(None)",
    )
    .differs(ESCAPE),
    read(
        "space_dialect",
        &[Delimiter(' '), NoQuote],
        b"abc   def\nc1ccccc1 benzene\n",
        &[&["abc", "", "", "def"], &["c1ccccc1", "benzene"]],
    ),
    // The dialect of Excel, and others.
    read("singlequoted_left_empty", &[], b"\"\",", &[&["", ""]]),
    read("singlequoted_right_empty", &[], b",\"\"", &[&["", ""]]),
    read("single_quoted_quote", &[], b"\"\"\"\"", &[&["\""]]),
    read("quoted_quotes", &[], b"\"\"\"\"\"\"", &[&["\"\""]]),
    read("inline_quote", &[], b"a\"\"b", &[&["a\"\"b"]]),
    read("inline_quotes", &[], b"a\"b\"c", &[&["a\"b\"c"]]),
    read("quotes_and_more", &[], b"\"a\"b", &[&["ab"]]),
    read("lone_quote", &[], b"a\"b", &[&["a\"b"]]),
    read("quote_and_quote", &[], b"\"a\" \"b\"", &[&["a \"b\""]]),
    read("space_and_quote", &[], b" \"a\"", &[&[" \"a\""]]),
    read(
        "quoted",
        &[],
        b"1,2,3,\"I think, therefore I am\",5,6",
        &[&["1", "2", "3", "I think, therefore I am", "5", "6"]],
    ),
    read(
        "quoted_quote",
        &[],
        b"1,2,3,\"\"\"I see,\"\" said the blind man\",\"as he picked up his hammer and saw\"",
        &[&["1", "2", "3", "\"I see,\" said the blind man", "as he picked up his hammer and saw"]],
    ),
    read(
        "quoted_nl",
        &[],
        b"1,2,3,\"\"\"I see,\"\"\nsaid the blind man\",\"as he picked up his\nhammer and saw\"\n9,8,7,6",
        &[
            &["1", "2", "3", "\"I see,\"\nsaid the blind man", "as he picked up his\nhammer and saw"],
            &["9", "8", "7", "6"],
        ],
    ),
    read("dubious_quote", &[], b"12,12,1\",", &[&["12", "12", "1\"", ""]]),
    read("simple_reader, unix", &[], b"\"1\",\"abc def\",\"abc\"\n", &[&["1", "abc def", "abc"]]),
    read("escape_fieldsep, quoted", &[Escape('\\')], b"\"abc\\,def\"\r\n", &[&["abc,def"]]),
    // With names.
    read("dict_fields", &[Names(&["f1", "f2", "f3"]), OneWidth], b"1,2,abc\r\n", &[&["1", "2", "abc"]]),
    read(
        "dict_no_fieldnames",
        &[Header, OneWidth],
        b"f1,f2,f3\r\n1,2,abc\r\n",
        &[&["f1", "f2", "f3"], &["1", "2", "abc"]],
    ),
    read("dict_long", &[Names(&["f1", "f2"]), OneWidth], b"1,2,abc,4,5,6\r\n", &[])
        .rejects(&[(1, "expected 2 fields, found 6")])
        .differs(ONE_WIDTH),
    read("dict_long", &[Names(&["f1", "f2"])], b"1,2,abc,4,5,6\r\n", &[&["1", "2", "abc", "4", "5", "6"]]),
    read("dict_short", NUMBERED, b"1,2,abc,4,5,6\r\n1,2,abc\r\n", &[&["1", "2", "abc", "4", "5", "6"]])
        .rejects(&[(2, "expected 6 fields, found 3")])
        .differs(ONE_WIDTH),
    read(
        "dict_with_blanks",
        NUMBERED,
        b"1,2,abc,4,5,6\r\n\r\n1,2,abc,4,5,6\r\n",
        &[&["1", "2", "abc", "4", "5", "6"], &["1", "2", "abc", "4", "5", "6"]],
    ),
    read(
        "ordered_dict_reader",
        &[Header, OneWidth],
        b"FirstName,LastName\nEric,Idle\nGraham,Chapman,Over1,Over2\n\nUnder1\nJohn,Cleese\n",
        &[&["FirstName", "LastName"], &["Eric", "Idle"], &["John", "Cleese"]],
    )
    .rejects(&[(3, "expected 2 fields, found 4"), (5, "expected 2 fields, found 1")])
    .differs(ONE_WIDTH),
    // The samples of the sniffer, with the dialect that it is to find.
    read(
        "sniffer, sample1",
        &[Trim(Trimmed::Fields)],
        b"Harry's, Arlington Heights, IL, 2/1/03, Kimi Hayes\n",
        &[&["Harry's", "Arlington Heights", "IL", "2/1/03", "Kimi Hayes"]],
    ),
    read(
        "sniffer, sample2",
        &[Delimiter(':'), Quote('\'')],
        b"'Harry''s':'Arlington Heights':'IL':'2/1/03':'Kimi Hayes'\n\
          'Stonecutters ''Seafood'' and Chop House':'Lemont':'IL':'12/19/02':'Week Back'\n",
        &[
            &["Harry's", "Arlington Heights", "IL", "2/1/03", "Kimi Hayes"],
            &["Stonecutters 'Seafood' and Chop House", "Lemont", "IL", "12/19/02", "Week Back"],
        ],
    ),
    read(
        "sniffer, sample5",
        &[Delimiter('\t')],
        b"aaa\tbbb\r\nAAA\t\r\nBBB\t\r\n",
        &[&["aaa", "bbb"], &["AAA", ""], &["BBB", ""]],
    ),
    read(
        "sniffer, sample7",
        &[Delimiter('|'), Quote('\'')],
        b"'a'|'b'|'c'\r\n'd'|e|f\r\n",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    read(
        "unicode_read",
        &[],
        "Martin von L\u{f6}wis,Marc Andr\u{e9} Lemburg,Fran\u{e7}ois Pinard\r\n".as_bytes(),
        &[&["Martin von L\u{f6}wis", "Marc Andr\u{e9} Lemburg", "Fran\u{e7}ois Pinard"]],
    ),
];
