//! A sum that does not depend on the order of its terms.

/// The largest term, about 1e289. Beyond it, a sum of 2^63 numbers could leave the range of `f64` on its way.
const LARGEST: f64 = f64::from_bits((1023 + 960) << 52);

/// An exact sum of floating-point numbers, rounded once, when it is read.
///
/// Floating-point addition rounds, so that a plain sum depends on the order of its terms, and here that order
/// is left to chance. This sum keeps what rounding would drop as further terms of its own (Shewchuk's
/// expansions, as in Python's `math.fsum`): a handful of them, however many numbers are added.
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// The terms, from the smallest to the largest. No two of them have a bit of the same weight.
    parts: Vec<f64>,
    too_large: bool,
}

impl ExactSum {
    /// Adds a finite number.
    pub fn add(&mut self, number: f64) {
        if number.abs() > LARGEST {
            self.too_large = true;
            return;
        }
        let mut carry = number;
        self.parts.retain_mut(|part| {
            (carry, *part) = two_sum(carry, *part);
            *part != 0.0
        });
        self.parts.push(carry);
    }

    /// Adds everything that another sum holds.
    pub fn merge(&mut self, other: &Self) {
        self.too_large |= other.too_large;
        other.parts.iter().for_each(|part| self.add(*part));
    }

    /// Returns the sum, rounded to the nearest `f64`, ties to even; `None` if a number was beyond 1e289.
    pub fn value(&self) -> Option<f64> {
        if self.too_large {
            return None;
        }
        let mut parts = self.parts.iter().rev().copied();
        let (mut sum, mut rest) = (parts.next().unwrap_or(0.0), 0.0);
        while rest == 0.0
            && let Some(part) = parts.next()
        {
            (sum, rest) = two_sum(sum, part);
        }
        // Halfway between two numbers the next part decides. The addition above could not see it.
        if let Some(next) = parts.next()
            && (next > 0.0) == (rest > 0.0)
        {
            let (twice, rounded) = (rest * 2.0, sum + rest * 2.0);
            if rounded - sum == twice {
                sum = rounded;
            }
        }
        Some(sum)
    }
}

/// Returns the rounded sum of two numbers, and what the rounding dropped. Together they are the exact sum
/// (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}
