//! The inputs of the tests of PapaParse's core.

use super::input::Set::{Comment, MaxRows, Strict, Terminator};
use super::input::{BLANK_LINES, CLOSED_BY_A_QUOTE, Input, OPEN_QUOTE, read};

pub(super) const INPUTS: &[Input] = &[
    read("Three rows", &[], b"A,b,c\nd,E,f\nG,h,i", &[&["A", "b", "c"], &["d", "E", "f"], &["G", "h", "i"]]),
    read("Whitespace at edges of unquoted field", &[], b"a,\tb ,c", &[&["a", "\tb ", "c"]]),
    read("Quoted field", &[], b"A,\"B\",C", &[&["A", "B", "C"]]),
    read("Quoted field with extra whitespace on edges", &[], b"A,\" B  \",C", &[&["A", " B  ", "C"]]),
    read("Quoted field with delimiter", &[], b"A,\"B,B\",C", &[&["A", "B,B", "C"]]),
    read("Quoted field with line break", &[], b"A,\"B\nB\",C", &[&["A", "B\nB", "C"]]),
    read("Quoted fields with line breaks", &[], b"A,\"B\nB\",\"C\nC\nC\"", &[&["A", "B\nB", "C\nC\nC"]]),
    read(
        "Quoted fields at end of row with delimiter and line break",
        &[],
        b"a,b,\"c,c\nc\"\nd,e,f",
        &[&["a", "b", "c,c\nc"], &["d", "e", "f"]],
    ),
    read("Quoted field with escaped quotes", &[], b"A,\"B\"\"B\"\"B\",C", &[&["A", "B\"B\"B", "C"]]),
    read(
        "Quoted field with escaped quotes at boundaries",
        &[],
        b"A,\"\"\"B\"\"\",C",
        &[&["A", "\"B\"", "C"]],
    ),
    read("Unquoted field with quotes at end of field", &[], b"A,B\",C", &[&["A", "B\"", "C"]]),
    read("Quoted field with quotes around delimiter", &[], b"A,\"\"\",\"\"\",C", &[&["A", "\",\"", "C"]]),
    read("Quoted field with quotes on right side of delimiter", &[], b"A,\",\"\"\",C", &[&["A", ",\"", "C"]]),
    read("Quoted field with quotes on left side of delimiter", &[], b"A,\"\"\",\",C", &[&["A", "\",", "C"]]),
    read(
        "Quoted field with 5 quotes in a row and a delimiter in there, too",
        &[],
        b"\"1\",\"cnonce=\"\"\"\",nc=\"\"\"\"\",\"2\"",
        &[&["1", "cnonce=\"\",nc=\"\"", "2"]],
    ),
    read("Quoted field with whitespace around quotes", &[], b"A, \"B\" ,C", &[&["A", " \"B\" ", "C"]]),
    read("Misplaced quotes in data, not as opening quotes", &[], b"A,B \"B\",C", &[&["A", "B \"B\"", "C"]]),
    read("Quoted field has no closing quote", &[], b"a,\"b,c\nd,e,f", &[])
        .rejects(&[(1, "the quote opened on line 1 is never closed")])
        .differs(OPEN_QUOTE),
    read(
        "Invalid quote after delimiter, with a valid closer",
        &[],
        b"\"a,\"b,c\"\nd,e,f",
        &[&["a,b", "c\""], &["d", "e", "f"]],
    )
    .differs(CLOSED_BY_A_QUOTE),
    read(
        "Invalid quote after delimiter, with a valid closer",
        &[Strict],
        b"\"a,\"b,c\"\nd,e,f",
        &[&["d", "e", "f"]],
    )
    .rejects(&[(1, "text after the quote")])
    .differs(CLOSED_BY_A_QUOTE),
    read("Invalid quote after delimiter", &[], b"a,\"b,\"c\nd,e,f", &[&["a", "b,c"], &["d", "e", "f"]])
        .differs(CLOSED_BY_A_QUOTE),
    read("Invalid quote after delimiter", &[Strict], b"a,\"b,\"c\nd,e,f", &[&["d", "e", "f"]])
        .rejects(&[(1, "text after the quote")])
        .differs(CLOSED_BY_A_QUOTE),
    read("Invalid quote before delimiter", &[], b"a,\"b\"c,d\ne,f,g", &[&["a", "bc", "d"], &["e", "f", "g"]])
        .differs(CLOSED_BY_A_QUOTE),
    read("Invalid quote before delimiter", &[Strict], b"a,\"b\"c,d\ne,f,g", &[&["e", "f", "g"]])
        .rejects(&[(1, "text after the quote")])
        .differs(CLOSED_BY_A_QUOTE),
    read("Invalid quote after new line", &[], b"a,\"b,c\nd\"e,f,g", &[&["a", "b,c\nde", "f", "g"]])
        .differs(CLOSED_BY_A_QUOTE),
    read("Invalid quote after new line", &[Strict], b"a,\"b,c\nd\"e,f,g", &[])
        .rejects(&[(2, "text after the quote")])
        .differs(CLOSED_BY_A_QUOTE),
    read(
        "Valid trailing quote via delimiter",
        &[],
        b"a,\"b\",c\nd,e,f",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    read("Valid trailing quote via \\n", &[], b"a,b,\"c\"\nd,e,f", &[&["a", "b", "c"], &["d", "e", "f"]]),
    read("Valid trailing quote via EOF", &[], b"a,b,c\nd,e,\"f\"", &[&["a", "b", "c"], &["d", "e", "f"]]),
    read("Quoted field with delimiters and \\n", &[], b"a,\"b,c\nd,e,f\"", &[&["a", "b,c\nd,e,f"]]),
    read("Line starts with quoted field", &[], b"a,b,c\n\"d\",e,f", &[&["a", "b", "c"], &["d", "e", "f"]]),
    read(
        "Line starts with unquoted empty field",
        &[],
        b",b,c\n\"d\",e,f",
        &[&["", "b", "c"], &["d", "e", "f"]],
    ),
    read(
        "Line ends with quoted field",
        &[],
        b"a,b,c\nd,e,f\n\"g\",\"h\",\"i\"\n\"j\",\"k\",\"l\"",
        &[&["a", "b", "c"], &["d", "e", "f"], &["g", "h", "i"], &["j", "k", "l"]],
    ),
    read(
        "Line ends with quoted field, first field of next line is empty, \\n",
        &[Terminator('\n')],
        b"a,b,c\n,e,f\n,\"h\",\"i\"\n,\"k\",\"l\"",
        &[&["a", "b", "c"], &["", "e", "f"], &["", "h", "i"], &["", "k", "l"]],
    ),
    read(
        "Quoted field at end of row (but not at EOF) has quotes",
        &[],
        b"a,b,\"c\"\"c\"\"\"\nd,e,f",
        &[&["a", "b", "c\"c\""], &["d", "e", "f"]],
    ),
    read(
        "Empty quoted field at EOF is empty",
        &[],
        b"a,b,\"\"\na,b,\"\"",
        &[&["a", "b", ""], &["a", "b", ""]],
    ),
    read(
        "Multiple consecutive empty fields",
        &[],
        b"a,b,,,c,d\n,,e,,,f",
        &[&["a", "b", "", "", "c", "d"], &["", "", "e", "", "", "f"]],
    ),
    read("Input is just the delimiter (2 empty fields)", &[], b",", &[&["", ""]]),
    read("Input is just empty fields", &[], b",,\n,,,", &[&["", "", ""], &["", "", "", ""]]),
    read("Input is just a string (a single field)", &[], b"Abc def", &[&["Abc def"]]),
    read("Commented line at beginning", &[Comment('#')], b"# Comment!\na,b,c", &[&["a", "b", "c"]]),
    read(
        "Commented line in middle",
        &[Comment('#')],
        b"a,b,c\n# Comment\nd,e,f",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    read("Commented line at end", &[Comment('#')], b"a,true,false\n# Comment", &[&["a", "true", "false"]]),
    read(
        "Two comment lines consecutively",
        &[Comment('#')],
        b"a,b,c\n#comment1\n#comment2\nd,e,f",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    read(
        "Two comment lines consecutively at end of file",
        &[Comment('#')],
        b"a,b,c\n#comment1\n#comment2",
        &[&["a", "b", "c"]],
    ),
    read(
        "Three comment lines consecutively at beginning of file",
        &[Comment('#')],
        b"#comment1\n#comment2\n#comment3\na,b,c",
        &[&["a", "b", "c"]],
    ),
    read("Entire file is comment lines", &[Comment('#')], b"#comment1\n#comment2\n#comment3", &[]),
    read(
        "Comment with non-default character",
        &[Comment('!')],
        b"a,b,c\n!Comment goes here\nd,e,f",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    read("Input with only a commented line and blank line after", &[Comment('#')], b"#commented line\n", &[])
        .differs(BLANK_LINES),
    read(
        "Input with only a commented line, without comments enabled",
        &[],
        b"#commented line",
        &[&["#commented line"]],
    ),
    read("Input with a line starting with whitespace", &[], b"a\n b\nc", &[&["a"], &[" b"], &["c"]]),
    read(
        "One column input with empty fields",
        &[],
        b"a\nb\n\n\nc\nd\ne\n",
        &[&["a"], &["b"], &["c"], &["d"], &["e"]],
    )
    .differs(BLANK_LINES),
    read(
        "Fast mode with preview",
        &[MaxRows(2)],
        b"a,b,c\nd,e,f\nh,j,i\n",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    read("Fast mode with blank line at end", &[], b"a,b,c\n", &[&["a", "b", "c"]]).differs(BLANK_LINES),
];
