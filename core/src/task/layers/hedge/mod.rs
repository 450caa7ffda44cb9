//! Hedged work: attempts beside each other, of which the first to succeed is the result.
//!
//! ```text
//!   Hedged                       the shell of the work's type: the work of each attempt, and then a value
//!   └─ Rounds                    with retries, one round after the other, with a pause in between
//!      └─ Round                  the attempts of one round, and the time at which the next one begins
//!         └─ Attempt             an in-place task, with an `Admission` of its own
//! ```
//!
//! All attempts of a round are polled by the one task that they are part of, in the order of their beginning:
//! of two that succeed in the same poll, the earlier one wins. Once a round is decided, the others are
//! killed. Their work is dropped at once, or at the end of its shielded region. What it had spawned is a
//! child of the dropped attempt, and the task around does not end before it has; nor does the next round
//! begin.
//!
//! The first attempt is a part of its round. Further ones are allocated as they begin, so that a call that is
//! fast enough allocates nothing for its hedges.

pub(crate) mod alone;
pub(crate) mod attempt;
pub(crate) mod round;
pub(crate) mod rounds;
pub(crate) mod work;
