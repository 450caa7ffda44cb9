//! The value of a cell, recognised by its text alone.

/// The value of a cell that is not empty. Spaces around the text do not count.
///
/// - `Integer`: digits, with or without a sign, that fit 128 bits. Zeros in front are allowed.
/// - `Float`: digits with a point, an exponent or both, whose value is finite; also an integer that does not
///   fit.
/// - `Boolean`: `true` or `false`, in any case.
/// - `Date`: `2012-01-31` or `2012/01/31`, a day that exists; then optionally `T` or a space and `hh:mm`,
///   `hh:mm:ss` or `hh:mm:ss.f`; then optionally `Z`, `+hh:mm` or `+hhmm`.
/// - `Text`: everything else, and so also `NA`, `null` and `NaN`: only the author of the file knows what they
///   stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// True or false.
    Boolean,
    /// A day, perhaps with a time.
    Date,
    /// Any other text.
    Text,
}

impl Value {
    /// Recognises the value of a cell.
    pub fn of(cell: &str) -> Self {
        let cell = cell.trim_ascii();
        match cell.as_bytes().first() {
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
                number(cell).or_else(|| is_date(cell).then_some(Self::Date)).unwrap_or(Self::Text)
            }
            Some(b't' | b'T' | b'f' | b'F')
                if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false") =>
            {
                Self::Boolean
            }
            _ => Self::Text,
        }
    }
}

fn number(cell: &str) -> Option<Value> {
    // Most integers are short, and parsing to 128 bits is slow.
    if let Ok(short) = cell.parse::<i64>() {
        return Some(Value::Integer(short.into()));
    }
    if let Ok(long) = cell.parse() {
        return Some(Value::Integer(long));
    }
    // Without this the names that Rust reads as floats, such as `-inf`, would pass.
    if !cell.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    cell.parse().ok().filter(|float: &f64| float.is_finite()).map(Value::Float)
}

fn is_date(cell: &str) -> bool {
    date(cell).and_then(|rest| if rest.is_empty() { Some(()) } else { time(rest) }).is_some()
}

/// Takes a day off the front, and returns the rest.
fn date(cell: &str) -> Option<&str> {
    let (year, rest) = digits(cell, 4)?;
    let mark = rest.chars().next().filter(|mark| matches!(mark, '-' | '/'))?;
    let (month, rest) = digits(rest.strip_prefix(mark)?, 2)?;
    let (day, rest) = digits(rest.strip_prefix(mark)?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// Checks that `rest`, after a day, is a time and nothing else.
fn time(rest: &str) -> Option<()> {
    let (hour, rest) = digits(rest.strip_prefix(['T', ' '])?, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2)?;
    let mut second = 0;
    if let Some(more) = rest.strip_prefix(':') {
        (second, rest) = digits(more, 2)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = fraction.trim_start_matches(|char: char| char.is_ascii_digit());
            if rest.len() == fraction.len() {
                return None;
            }
        }
    }
    // 60: a leap second.
    (hour < 24 && minute < 60 && second <= 60 && is_zone(rest)).then_some(())
}

fn is_zone(rest: &str) -> bool {
    let offset = || {
        let (hour, rest) = digits(rest.strip_prefix(['+', '-'])?, 2)?;
        let (minute, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
        Some(hour < 24 && minute < 60 && rest.is_empty())
    };
    matches!(rest, "" | "Z") || offset().unwrap_or(false)
}

/// Takes exactly `count` digits off the front.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (front, rest) = text.split_at_checked(count)?;
    front.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    Some((front.parse().ok()?, rest))
}
