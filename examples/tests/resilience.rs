//! Tests of the client of the flaky server: every call is accounted for, and the breaker spares a server that
//! is down.

use std::sync::Arc;
use std::time::Duration;

use examples::resilience::{Behaviour, CallOutcome, FlakyServer, Ledger, Plan, call_all};
use sweet_async::BoxError;

const OUTCOMES: [CallOutcome; 5] =
    [CallOutcome::Answered, CallOutcome::Failed, CallOutcome::Refused, CallOutcome::Shed, CallOutcome::Late];

fn run_client(behaviour: Behaviour) -> Result<Arc<Ledger>, BoxError> {
    let server = FlakyServer::start(behaviour)?;
    let ledger = Arc::new(Ledger::default());
    let plan = Plan { calls: 40, every: Duration::from_millis(1) };
    sweet_async::block_on(call_all(server.address(), plan, &ledger))??;
    assert_eq!(OUTCOMES.map(|outcome| ledger.total(outcome)).iter().sum::<u32>(), 40, "{ledger}");
    Ok(ledger)
}

#[test]
fn a_healthy_server_answers_all_calls() -> Result<(), BoxError> {
    let outage = (Duration::ZERO, Duration::ZERO);
    let ledger = run_client(Behaviour { one_in: u32::MAX, outage, delay: Duration::ZERO })?;
    assert!(ledger.total(CallOutcome::Answered) == 40 && ledger.attempts() >= 40, "{ledger}");
    Ok(())
}

#[test]
fn a_server_that_is_down_gets_few_requests() -> Result<(), BoxError> {
    let outage = (Duration::ZERO, Duration::MAX);
    let ledger = run_client(Behaviour { one_in: u32::MAX, outage, delay: Duration::ZERO })?;
    assert_eq!(ledger.total(CallOutcome::Answered), 0, "{ledger}");
    assert!(ledger.total(CallOutcome::Refused) > 0 && ledger.attempts() < 4 * 40, "{ledger}");
    Ok(())
}
