//! Tests of the generator of orders.

use examples::orders::{Order, generate};

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn a_seed_gives_the_same_orders_and_they_read_back() -> TestResult {
    let (mut file, mut again) = (Vec::new(), Vec::new());
    generate(&mut file, 1000, 7)?;
    generate(&mut again, 1000, 7)?;
    assert_eq!(file, again);
    let orders: Vec<Order> =
        csv::Reader::from_reader(file.as_slice()).deserialize().collect::<Result<_, _>>()?;
    assert!(orders.iter().map(|order| order.id).eq(1..=1000));
    for hard in ["\"\"", "\n", "\r\n", ", "] {
        assert!(String::from_utf8_lossy(&file).contains(hard), "{hard:?}");
    }
    Ok(())
}

#[test]
fn no_orders_are_a_header_alone() -> TestResult {
    let mut file = Vec::new();
    generate(&mut file, 0, 7)?;
    assert_eq!(file, b"id,name,city,amount,note\n");
    Ok(())
}
