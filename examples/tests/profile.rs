//! Tests of the profile: it depends on the file alone, and not on chunks, workers or the runtime.
#![cfg(feature = "csv")]

use examples::profile::{ExactSum, Value};

#[cfg(any(feature = "tokio", feature = "smol"))]
mod on_backends {
    use examples::orders;
    use examples::profile::{Profile, Report};
    use serde_json::json;
    use sweet_async::pipeline::ChunkSize;
    use sweet_async::prelude::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    async fn profile(file: Vec<u8>, chunk: ChunkSize, workers: usize) -> anyhow::Result<Report> {
        let (profile, summary) = AsyncTask::emits::<Vec<String>>()
            .workers(workers)
            .on_error(ErrorStrategy::ContinueOnError)
            .max_errors(3)
            .sender(move |sources| sources.of_bytes(file).with_headers(false).into_chunks(chunk))
            .fold(Profile::default, Profile::add, Profile::merge)
            .await?;
        Report::new(profile, &summary)
    }

    /// Makes one profile on each backend.
    fn profiles(file: &[u8], chunk: ChunkSize, workers: usize) -> anyhow::Result<Vec<Report>> {
        let each = || profile(file.to_vec(), chunk, workers);
        Ok(vec![
            #[cfg(feature = "tokio")]
            sweet_async::tokio::OwnedTokio::multi_thread(2)?.block_on(each())??,
            #[cfg(feature = "smol")]
            sweet_async::smol::SmolPool::new(2)?.block_on(each())??,
        ])
    }

    #[test]
    fn chunks_workers_and_backends_do_not_change_the_profile() -> TestResult {
        let mut file = Vec::new();
        orders::generate(&mut file, 3000, 1)?;
        file.extend_from_slice(b"3001,short\n-0.0,\xff,,0.1,\n-0,a,b,1e300,c,d,e\n+7,ab,cd,1e16,\n");
        let expected = profiles(&file, 100.rows(), 1)?.swap_remove(0);
        assert_eq!((expected.rows, expected.bad_rows.count), (3004, 3));
        for chunk in [1.rows(), 7.rows(), 1000.rows(), 64.kib()] {
            for workers in [1, 2, 5] {
                for profile in profiles(&file, chunk, workers)? {
                    assert_eq!(profile, expected, "{chunk:?}, {workers} workers");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn each_type_is_recognised_and_bad_rows_have_positions() -> TestResult {
        let file = "i,f,b,d,t,e\n\
                    9007199254740993,1,true,2012/02/29,née,\n\
                    2,2.5,FALSE,2013-01-01T10:00Z,\"a\nb\",\n\
                    1,2\n\
                    -3,,,,xyz,\n";
        for report in profiles(file.as_bytes(), 2.rows(), 2)? {
            let kinds: Vec<_> = report.columns.iter().map(|column| column.kind).collect();
            assert_eq!(kinds, ["integer", "float", "boolean", "date", "text", "empty"]);
            let report = serde_json::to_value(&report)?;
            let bad = json!([{ "line": 5, "byte": 90, "reason": "expected 6 fields, found 2" }]);
            // Of cells of one length, the first; lengths are in characters.
            let longest = json!({ "length": 3, "value": "née" });
            for (path, value) in [
                ("/rows", json!(4)),
                ("/bad_rows/first", bad),
                ("/columns/0/max", json!(9007199254740993_i64)),
                ("/columns/1/mean", json!(1.75)),
                ("/columns/1/empty", json!(1)),
                ("/columns/4/longest", longest),
            ] {
                assert_eq!(report.pointer(path), Some(&value), "{path}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_file_without_rows_has_a_profile_and_one_without_a_header_has_not() -> TestResult {
        for report in profiles(b"", 1.rows(), 2)? {
            assert_eq!((report.rows, report.columns.len()), (0, 0));
        }
        for report in profiles(b"a,b", 1.rows(), 2)? {
            assert_eq!((report.rows, report.columns.len()), (0, 2));
        }
        assert!(profiles(b"a,\xff\n1,2\n", 1.rows(), 2).is_err());
        Ok(())
    }
}

#[test]
fn sums_are_exact_in_any_order() {
    let cases: [(&[f64], f64); 6] = [
        (&[], 0.0),
        (&[0.1; 10], 1.0),
        (&[1e100, 1.0, -1e100, 1e-100], 1.0),
        // Exactly halfway between two numbers, and just beyond it.
        (&[9007199254740992.0, 1.0], 9007199254740992.0),
        (&[9007199254740992.0, 1.0, 1e-300], 9007199254740994.0),
        (&[-9007199254740992.0, -1.0, -1e-300], -9007199254740994.0),
    ];
    for (numbers, expected) in cases {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..100 {
            let mut numbers = numbers.to_vec();
            random.shuffle(&mut numbers);
            let (front, back) = numbers.split_at(numbers.len() / 2);
            let (mut sum, mut other) = (ExactSum::default(), ExactSum::default());
            front.iter().for_each(|number| sum.add(*number));
            back.iter().for_each(|number| other.add(*number));
            sum.merge(&other);
            assert_eq!(sum.value(), Some(expected), "{numbers:?}");
        }
    }
    let mut huge = ExactSum::default();
    huge.add(1e300);
    assert_eq!(huge.value(), None);
}

#[test]
fn values_are_recognised_by_their_text() {
    use Value::{Boolean, Date, Float, Integer, Text};
    for (cell, value) in [
        ("0", Integer(0)),
        (" -007 ", Integer(-7)),
        ("170141183460469231731687303715884105727", Integer(i128::MAX)),
        ("170141183460469231731687303715884105728", Float(1.7014118346046923e38)),
        (".5", Float(0.5)),
        ("-1.5E-3", Float(-0.0015)),
        ("True", Boolean),
        ("2012-02-29", Date),
        ("2012/01/31 23:59:60.25+0530", Date),
        ("2012-01-31T10:00Z", Date),
    ] {
        assert_eq!(Value::of(cell), value, "{cell:?}");
    }
    for text in [
        " ",
        "NA",
        "NaN",
        "inf",
        "-inf",
        "1e999",
        "1_000",
        "1,5",
        "0x10",
        "-",
        "+",
        ".",
        "e5",
        "tru",
        "2013-02-29",
        "2012-01/31",
        "2012-13-01",
        "12-01-31",
        "2012-01-31T",
        "2012-01-31T10",
        "2012-01-31T10:00:00.",
        "2012-01-31é",
    ] {
        assert_eq!(Value::of(text), Text, "{text:?}");
    }
}
