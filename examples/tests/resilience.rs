//! The client of the flaky server: every call is accounted for, and the breaker spares a server that is down.

use std::sync::Arc;
use std::time::Duration;

use examples::resilience::{FlakyServer, Kind, Ledger, Plan, Weather, call_all};
use sweet_async::BoxError;

const KINDS: [Kind; 5] = [Kind::Answered, Kind::Failed, Kind::Refused, Kind::Shed, Kind::Late];

fn played(weather: Weather) -> Result<Arc<Ledger>, BoxError> {
    let server = FlakyServer::start(weather)?;
    let ledger = Arc::new(Ledger::default());
    let plan = Plan { calls: 40, every: Duration::from_millis(1) };
    sweet_async::block_on(call_all(server.address(), plan, &ledger))??;
    assert_eq!(KINDS.map(|kind| ledger.total(kind)).iter().sum::<u32>(), 40, "{ledger}");
    Ok(ledger)
}

#[test]
fn a_server_that_is_well_answers_all() -> Result<(), BoxError> {
    let outage = (Duration::ZERO, Duration::ZERO);
    let ledger = played(Weather { one_in: u32::MAX, outage, takes: Duration::ZERO })?;
    assert!(ledger.total(Kind::Answered) == 40 && ledger.attempts() >= 40, "{ledger}");
    Ok(())
}

#[test]
fn a_server_that_is_down_is_left_alone() -> Result<(), BoxError> {
    let outage = (Duration::ZERO, Duration::MAX);
    let ledger = played(Weather { one_in: u32::MAX, outage, takes: Duration::ZERO })?;
    assert_eq!(ledger.total(Kind::Answered), 0, "{ledger}");
    assert!(ledger.total(Kind::Refused) > 0 && ledger.attempts() < 4 * 40, "{ledger}");
    Ok(())
}
