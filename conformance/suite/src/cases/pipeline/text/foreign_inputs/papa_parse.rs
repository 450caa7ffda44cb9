//! The inputs of the tests of PapaParse as a whole. Where it guesses the delimiter, the delimiter is named here.

use super::input::Set::{Comment, Delimiter, Escape, Header, MaxRows, OneWidth, Quote, Terminator, Trim};
use super::input::{BLANK_LINES, Input, ONE_WIDTH, read, refused};
use crate::library::pipeline::Trim as Trimmed;

const SPACES: &str = "white space after a closing quote is text";
const GREEDY: &str = "only a line without any character is blank";

pub(super) const INPUTS: &[Input] = &[
    read("Two rows, just \\r", &[], b"A,b,c\rd,E,f", &[&["A", "b", "c"], &["d", "E", "f"]]),
    read("Quoted field with \\r\\n", &[], b"A,\"B\r\nB\",C", &[&["A", "B\r\nB", "C"]]),
    read("Quoted field with \\r", &[], b"A,\"B\rB\",C", &[&["A", "B\rB", "C"]]),
    read(
        "Spaces between closing quote and next delimiter",
        &[],
        b"A,\"B\" ,C,D\r\nE,F,\"G\"  ,H",
        &[&["A", "B ", "C", "D"], &["E", "F", "G  ", "H"]],
    )
    .differs(SPACES),
    read(
        "Spaces between closing quote and next delimiter",
        &[Trim(Trimmed::Fields)],
        b"A,\"B\" ,C,D\r\nE,F,\"G\"  ,H",
        &[&["A", "B", "C", "D"], &["E", "F", "G", "H"]],
    ),
    read(
        "Spaces after closing quote",
        &[],
        b"A,\"B\" ,C,\"D\" \r\nE,F,\"G\"  ,\"H\"  \r\nQ,W,\"E\" ,R",
        &[&["A", "B ", "C", "D "], &["E", "F", "G  ", "H  "], &["Q", "W", "E ", "R"]],
    )
    .differs(SPACES),
    read(
        "Misplaced quotes in data twice, not as opening quotes",
        &[],
        b"A,B\",C\nD,E\",F",
        &[&["A", "B\"", "C"], &["D", "E\"", "F"]],
    ),
    read(
        "Mixed slash n and slash r",
        &[],
        b"a,b,c\nd,e,f\rg,h,i\n",
        &[&["a", "b", "c"], &["d", "e", "f"], &["g", "h", "i"]],
    )
    .differs("CR, LF or both end a row, mixed as they come; there the first of them is the only one"),
    read(
        "Mixed slash n and slash r",
        &[Terminator('\n')],
        b"a,b,c\nd,e,f\rg,h,i\n",
        &[&["a", "b", "c"], &["d", "e", "f\rg", "h", "i"]],
    )
    .differs(BLANK_LINES),
    read(
        "Header row with one row of data",
        &[Header, OneWidth],
        b"A,B,C\r\na,b,c",
        &[&["A", "B", "C"], &["a", "b", "c"]],
    ),
    read("Header row only", &[Header, OneWidth], b"A,B,C", &[&["A", "B", "C"]]),
    read("Row with too few fields", &[Header, OneWidth], b"A,B,C\r\na,b", &[&["A", "B", "C"]])
        .rejects(&[(2, "expected 3 fields, found 2")])
        .differs(ONE_WIDTH),
    read(
        "Row with too many fields",
        &[Header, OneWidth],
        b"A,B,C\r\na,b,c,d,e\r\nf,g,h",
        &[&["A", "B", "C"], &["f", "g", "h"]],
    )
    .rejects(&[(2, "expected 3 fields, found 5")])
    .differs(ONE_WIDTH),
    read(
        "Row with enough fields but blank field in the begining",
        &[],
        b"A,B,C\r\n,b1,c1\r\na2,b2,c2",
        &[&["A", "B", "C"], &["", "b1", "c1"], &["a2", "b2", "c2"]],
    ),
    read(
        "Row with enough fields but blank field at end",
        &[Header, OneWidth],
        b"A,B,C\r\na,b,",
        &[&["A", "B", "C"], &["a", "b", ""]],
    ),
    read(
        "Duplicated header names",
        &[Header, OneWidth],
        b"A,A,A,A\n1,2,3,4",
        &[&["A", "A", "A", "A"], &["1", "2", "3", "4"]],
    )
    .differs("names are taken as they stand; there the second A becomes A_1"),
    read(
        "Line ends with quoted field, first field of next line is empty using headers",
        &[Header, OneWidth],
        b"a,b,\"c\"\r\nd,e,\"f\"\r\n,\"h\",\"i\"\r\n,\"k\",\"l\"",
        &[&["a", "b", "c"], &["d", "e", "f"], &["", "h", "i"], &["", "k", "l"]],
    ),
    read("Pipe delimiter", &[Delimiter('|')], b"a|b|c\r\nd|e|f", &[&["a", "b", "c"], &["d", "e", "f"]]),
    read(
        "ASCII 30 delimiter",
        &[Delimiter('\x1e')],
        b"a\x1eb\x1ec\r\nd\x1ee\x1ef",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    read(
        "ASCII 31 delimiter",
        &[Delimiter('\x1f')],
        b"a\x1fb\x1fc\r\nd\x1fe\x1ff",
        &[&["a", "b", "c"], &["d", "e", "f"]],
    ),
    refused("Bad delimiter (\\n)", &[Delimiter('\n')], b"a,b,c", "`with_delimiter` is '\\n'")
        .differs("a setting that cannot work is refused; there the comma silently replaces it"),
    read("Blank line at beginning", &[], b"\r\na,b,c\r\nd,e,f", &[&["a", "b", "c"], &["d", "e", "f"]])
        .differs(BLANK_LINES),
    read("Blank line in middle", &[], b"a,b,c\r\n\r\nd,e,f", &[&["a", "b", "c"], &["d", "e", "f"]])
        .differs(BLANK_LINES),
    read("Blank lines at end", &[], b"a,b,c\nd,e,f\n\n", &[&["a", "b", "c"], &["d", "e", "f"]])
        .differs(BLANK_LINES),
    read(
        "Blank line in middle with whitespace",
        &[],
        b"a,b,c\r\n \r\nd,e,f",
        &[&["a", "b", "c"], &[" "], &["d", "e", "f"]],
    ),
    read("Other fields are empty", &[], b"a,,c\r\n,,", &[&["a", "", "c"], &["", "", ""]]),
    refused("Preview 0 rows", &[MaxRows(0)], b"a,b,c\r\nd,e,f\r\ng,h,i", "`max_rows` is 0")
        .differs("no rows at all are refused; there 0 means all"),
    read("Preview 1 row", &[MaxRows(1)], b"a,b,c\r\nd,e,f\r\ng,h,i", &[&["a", "b", "c"]]),
    read(
        "Preview more rows than input has",
        &[MaxRows(4)],
        b"a,b,c\r\nd,e,f\r\ng,h,i",
        &[&["a", "b", "c"], &["d", "e", "f"], &["g", "h", "i"]],
    ),
    read(
        "Preview should count rows, not lines",
        &[MaxRows(2)],
        b"a,b,c\r\nd,e,\"f\r\nf\",g,h,i",
        &[&["a", "b", "c"], &["d", "e", "f\r\nf", "g", "h", "i"]],
    ),
    read(
        "Preview with header row",
        &[Header, MaxRows(2)],
        b"a,b,c\r\nd,e,f\r\ng,h,i\r\nj,k,l",
        &[&["a", "b", "c"], &["d", "e", "f"], &["g", "h", "i"]],
    ),
    read("Skip empty lines, with first line only whitespace", &[], b" \na,b,c", &[&[" "], &["a", "b", "c"]]),
    read(
        "Lines with comments are not used when guessing the delimiter in an escaped file",
        &[Comment('#')],
        b"#1\n#2\n#3\n#4\n#5\n#6\n#7\n#8\n#9\n#10\none,\"t,w,o\",three\nfour,five,six",
        &[&["one", "t,w,o", "three"], &["four", "five", "six"]],
    ),
    read(
        "Pipe delimiter mixed with comas",
        &[Delimiter('|')],
        b"one|two,two|three\nfour|five,five|six",
        &[&["one", "two,two", "three"], &["four", "five,five", "six"]],
    ),
    read(
        "First field enclosed in quotes with delimiter characters",
        &[Delimiter(';')],
        b"\"Field1,1,1\";Field2;\"Field3\";Field4;Field5;Field6",
        &[&["Field1,1,1", "Field2", "Field3", "Field4", "Field5", "Field6"]],
    ),
    read(
        "Some fields enclosed in quotes with delimiter characters and escaped quotes",
        &[Delimiter(';')],
        b"Field1;Field2;\"Field,3,\"\"3,3\";Field4;Field5;\"Field6,6\"",
        &[&["Field1", "Field2", "Field,3,\"3,3", "Field4", "Field5", "Field6,6"]],
    ),
    read("Single quote as quote character", &[Quote('\'')], b"a,b,'c,d'", &[&["a", "b", "c,d"]]),
    read(
        "Custom escape character in the middle",
        &[Escape('\\')],
        b"a,b,\"c\\\"d\\\"f\"",
        &[&["a", "b", "c\"d\"f"]],
    ),
    read(
        "Custom escape character at the end",
        &[Escape('\\')],
        b"a,b,\"c\\\"d\\\"\"",
        &[&["a", "b", "c\"d\""]],
    ),
    read(
        "Custom escape character not used for escaping",
        &[Escape('\\')],
        b"a,b,\"c\\d\"",
        &[&["a", "b", "cd"]],
    )
    .differs("the escape is no part of the field, whatever the next character is"),
    read(
        "Header row with preceding comment",
        &[Header, Comment('#')],
        b"#Comment\na,b\nc,d\n",
        &[&["a", "b"], &["c", "d"]],
    ),
    read(
        "Carriage return in header inside quotes",
        &[],
        b"\"a\r\na\",\"b\"\n\"c\",\"d\"\n\"e\",\"f\"",
        &[&["a\r\na", "b"], &["c", "d"], &["e", "f"]],
    ),
    read(
        "Line feed in header inside quotes",
        &[Header],
        b"\"a\na\",\"b\"\r\n\"c\",\"d\"\r\n\"e\",\"f\"",
        &[&["a\na", "b"], &["c", "d"], &["e", "f"]],
    ),
    read(
        "Reserved regex character . as quote character",
        &[Quote('.')],
        b".a\na.,b\r\nc,d\r\ne,f",
        &[&["a\na", "b"], &["c", "d"], &["e", "f"]],
    ),
    read(
        "Reserved regex character | as quote character",
        &[Quote('|')],
        b"|a\na|,b\r\nc,d\r\ne,f",
        &[&["a\na", "b"], &["c", "d"], &["e", "f"]],
    ),
    read(
        "skipEmptyLines set to 'greedy'",
        &[],
        b"a,b\n\n,\nc,d\n , \n\"\",\" \"\n\t,\t\n,,,,\n",
        &[&["a", "b"], &["", ""], &["c", "d"], &[" ", " "], &["", " "], &["\t", "\t"], &["", "", "", "", ""]],
    )
    .differs(GREEDY),
    read(
        "'greedy' with quotes and delimiters as content",
        &[],
        b"a,b\n\n,\nc,d\n\" , \",\",\"\n\"\"\" \"\"\",\"\"\"\"\"\"\n\n\n",
        &[&["a", "b"], &["", ""], &["c", "d"], &[" , ", ","], &["\" \"", "\"\""]],
    )
    .differs(GREEDY),
    read(
        "Spaces after closing quote, and a delimiter in quotes",
        &[],
        b"A,\",B\" ,C,D\nE,F,G,H",
        &[&["A", ",B ", "C", "D"], &["E", "F", "G", "H"]],
    )
    .differs(SPACES),
    read(
        "Spaces after closing quote, and a line end in quotes",
        &[],
        b"a,b,\"c\n\" \nd,e,f",
        &[&["a", "b", "c\n "], &["d", "e", "f"]],
    )
    .differs(SPACES),
];
