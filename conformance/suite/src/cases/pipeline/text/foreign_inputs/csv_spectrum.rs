//! The files of csv-spectrum, each for one kind of CSV. All have a header.

use super::input::Set::{Header, OneWidth};
use super::input::{Input, Set, read};

const FILE: &[Set] = &[Header, OneWidth];

pub(super) const FILES: &[Input] = &[
    read(
        "comma_in_quotes",
        FILE,
        b"first,last,address,city,zip\nJohn,Doe,120 any st.,\"Anytown, WW\",08123",
        &[
            &["first", "last", "address", "city", "zip"],
            &["John", "Doe", "120 any st.", "Anytown, WW", "08123"],
        ],
    ),
    read("empty", FILE, b"a,b,c\n1,\"\",\"\"\n2,3,4", &[&["a", "b", "c"], &["1", "", ""], &["2", "3", "4"]]),
    read(
        "empty_crlf",
        FILE,
        b"a,b,c\r\n1,\"\",\"\"\r\n2,3,4",
        &[&["a", "b", "c"], &["1", "", ""], &["2", "3", "4"]],
    ),
    read(
        "escaped_quotes",
        FILE,
        b"a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n",
        &[&["a", "b"], &["1", "ha \"ha\" ha"], &["3", "4"]],
    ),
    read(
        "json",
        FILE,
        b"key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [102.0, 0.5]}\"\n",
        &[&["key", "val"], &["1", "{\"type\": \"Point\", \"coordinates\": [102.0, 0.5]}"]],
    ),
    read(
        "latin1",
        FILE,
        b"a,b,c\n1,2,3\n4,5,\xa9\n",
        &[&["a", "b", "c"], &["1", "2", "3"], &["4", "5", "\u{fffd}"]],
    )
    .differs("text is UTF-8: a field of another encoding is bytes, and an error where its text is asked for"),
    read(
        "location_coordinates",
        FILE,
        b"Contact Phone Number,Location Coordinates,Cities,Counties\n\
          02095257564,37\xa136'37.8\"N 121\xa12'17.9\"W,Modesto,Stanislaus",
        &[
            &["Contact Phone Number", "Location Coordinates", "Cities", "Counties"],
            &["02095257564", "37\u{fffd}36'37.8\"N 121\u{fffd}2'17.9\"W", "Modesto", "Stanislaus"],
        ],
    ),
    read(
        "newlines",
        FILE,
        b"a,b,c\n1,2,3\n\"Once upon \na time\",5,6\n7,8,9\n",
        &[&["a", "b", "c"], &["1", "2", "3"], &["Once upon \na time", "5", "6"], &["7", "8", "9"]],
    ),
    read(
        "newlines_cr",
        FILE,
        b"a,b,c\r1,2,3\r\"Once upon \ra time\",5,6\r7,8,9",
        &[&["a", "b", "c"], &["1", "2", "3"], &["Once upon \ra time", "5", "6"], &["7", "8", "9"]],
    ),
    read(
        "newlines_crlf",
        FILE,
        b"a,b,c\r\n1,2,3\r\n\"Once upon \r\na time\",5,6\r\n7,8,9\r\n",
        &[&["a", "b", "c"], &["1", "2", "3"], &["Once upon \r\na time", "5", "6"], &["7", "8", "9"]],
    ),
    read(
        "null",
        FILE,
        b"a,b,c\n1,,2\n3,\"NULL\",4\n5,NULL,6\n",
        &[&["a", "b", "c"], &["1", "", "2"], &["3", "NULL", "4"], &["5", "NULL", "6"]],
    )
    .differs("no text stands for a value that is not there"),
    read(
        "quotes_and_newlines",
        FILE,
        b"a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n3,4\n",
        &[&["a", "b"], &["1", "ha \n\"ha\" \nha"], &["3", "4"]],
    ),
    read("simple", FILE, b"a,b,c\n1,2,3\n", &[&["a", "b", "c"], &["1", "2", "3"]]),
    read("simple_crlf", FILE, b"a,b,c\r\n1,2,3\r\n", &[&["a", "b", "c"], &["1", "2", "3"]]),
    read(
        "utf8",
        FILE,
        "a,b,c\n1,2,3\n4,5,\u{2a4}".as_bytes(),
        &[&["a", "b", "c"], &["1", "2", "3"], &["4", "5", "\u{2a4}"]],
    ),
];
