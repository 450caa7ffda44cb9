//! Made-up orders: a CSV file of any size, with everything that makes CSV hard.

use std::io::Write;

use serde::{Deserialize, Serialize};

/// One order, as in a row of the file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Order {
    /// The number of the order, from 1.
    pub id: u64,
    /// The customer. Some names hold a comma, or a nickname in quotes.
    pub name: String,
    /// The destination; not always ASCII.
    pub city: String,
    /// In euros, to the cent.
    pub amount: f64,
    /// The customer's note: often empty, sometimes several lines.
    pub note: String,
}

const FIRST: &[&str] =
    &["Ada", "Grace", "Edsger", "Barbara", "Alan", "Margaret", "Donald", "Zoë", "José", "李娜"];
const LAST: &[&str] =
    &["Lovelace", "Hopper", "Dijkstra", "Liskov", "Turing", "Hamilton", "Knuth", "O'Neill", "Núñez"];
const CITIES: &[&str] =
    &["Lisboa", "Zürich", "Łódź", "Seattle, WA", "Athens, GA", "東京", "Reykjavík", "Nairobi"];
const NOTES: &[&str] = &[
    "please ring twice",
    "leave it at the back door, next to the bins",
    "it is for my mother, who calls it \"the machine\"",
    "first floor,\nsecond door on the left,\nthe bell says \"Turing\"",
    "call first:\r\n+49 30 123456",
    "\"fragile\"",
];

/// Writes `rows` orders and a header to `out`, as CSV. The same `seed` gives the same bytes.
///
/// # Errors
///
/// If writing fails.
pub fn generate(out: impl Write, rows: u64, seed: u64) -> csv::Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut writer = csv::Writer::from_writer(out);
    if rows == 0 {
        // The writer derives the header from a record; with none, it has to be spelt out.
        writer.write_record(["id", "name", "city", "amount", "note"])?;
    }
    for id in 1..=rows {
        writer.serialize(order(id, &mut random))?;
    }
    Ok(writer.flush()?)
}

fn order(id: u64, random: &mut fastrand::Rng) -> Order {
    let (first, last) = (pick(random, FIRST), pick(random, LAST));
    let name = match random.u8(..10) {
        0 => format!("{last}, {first}"),
        1 => format!("{first} \"{}\" {last}", pick(random, FIRST)),
        _ => format!("{first} {last}"),
    };
    let city = pick(random, CITIES).to_owned();
    let amount = f64::from(random.u32(100..100_000)) / 100.0;
    let note = if random.u8(..3) == 0 { pick(random, NOTES).to_owned() } else { String::new() };
    Order { id, name, city, amount, note }
}

fn pick(random: &mut fastrand::Rng, from: &'static [&'static str]) -> &'static str {
    random.choice(from).copied().unwrap_or_default()
}
