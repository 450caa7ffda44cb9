//! Policies from a configuration file.
#![cfg(feature = "serde")]

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sweet_async::{CircuitBreaker, CircuitBreakerBuilder, Jitter, Limiter, Retry, RetryStrategy};

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policies {
    retry: Retry,
    breaker: CircuitBreaker,
    limiter: Limiter,
}

const FILE: &str = r#"
    [retry]
    max_retries = 4
    backoff = { linear = { base = "100ms", step = "1s", max = "1m 30s" } }
    jitter = "equal"
    max_retry_after = "5m"
    budget = { max_tokens = 10, token_ratio = 0.1 }

    [breaker]
    name = "orders"
    failure_threshold = 3
    window = { calls = 100 }
    minimum_calls = 10
    failure_rate = 0.5
    slow_call_rate = { longer_than = "2s", rate = 0.8 }
    open_timeout = "forever"
    half_open_calls = 2
    half_open_timeout = "1h"

    [limiter]
    name = "orders"
    max_concurrent = 64
    rate = { count = 100, period = "1s" }
    max_waiting = 1000
    ageing = "2s"
"#;

#[test]
fn policies_are_read_from_a_file() -> TestResult {
    let Policies { retry, breaker, limiter } = toml::from_str(FILE)?;
    assert_eq!(retry.max_retries(), 4);
    let (base, step) = (Duration::from_millis(100), Duration::from_secs(1));
    assert_eq!(retry.strategy(), RetryStrategy::Linear { base, step, max: Duration::from_secs(90) });
    let debug = format!("{retry:?}");
    assert!(debug.contains("jitter: Equal") && debug.contains("token_ratio: 0.1"), "{debug}");
    assert_eq!(breaker.name().map(|name| &**name), Some("orders"));
    assert_eq!(breaker.statistics().slow_calls, Some(0), "it has a window of slow calls");
    assert_eq!((limiter.name().map(|name| &**name), limiter.permits()), (Some("orders"), Some(64)));
    Ok(())
}

#[test]
fn keys_that_are_left_out_are_as_the_builder_has_them() -> TestResult {
    let retry: Retry = toml::from_str("max_retries = 2")?;
    assert_eq!(format!("{retry:?}"), format!("{:?}", Retry::new(2)));
    let breaker: CircuitBreaker = toml::from_str("")?;
    assert_eq!(breaker.statistics(), CircuitBreaker::builder().build()?.statistics());
    let limiter: Limiter = toml::from_str("adaptive = { min = 2, max = 8 }")?;
    assert_eq!(limiter.permits(), Some(2));
    Ok(())
}

#[test]
fn each_backoff_and_jitter_has_a_name() -> TestResult {
    #[derive(Deserialize)]
    struct Waits {
        backoff: RetryStrategy,
        jitter: Jitter,
    }
    let second = Duration::from_secs(1);
    let longest = RetryStrategy::Exponential { base: second, factor: 1.5, max: Duration::MAX };
    for (text, backoff, jitter) in [
        ("backoff = 'immediate'\njitter = 'none'", RetryStrategy::Immediate, Jitter::None),
        (
            "backoff = { fixed = { delay = '1s' } }\njitter = 'full'",
            RetryStrategy::Fixed { delay: second },
            Jitter::Full,
        ),
        (
            "backoff = { exponential = { base = '1s', factor = 1.5, max = 'forever' } }\njitter = 'equal'",
            longest,
            Jitter::Equal,
        ),
    ] {
        let waits: Waits = toml::from_str(text)?;
        assert_eq!((waits.backoff, waits.jitter), (backoff, jitter), "{text}");
    }
    Ok(())
}

#[test]
fn a_duration_of_the_program_is_read_as_one_of_a_policy() -> TestResult {
    #[derive(Debug, Deserialize)]
    struct Client {
        #[serde(deserialize_with = "sweet_async::configuration::duration")]
        timeout: Duration,
    }
    let Client { timeout } = toml::from_str("timeout = '1m 500ms'")?;
    assert_eq!(timeout, Duration::from_millis(60_500));
    assert!(refusal::<Client>("timeout = '5'").contains("time unit needed"));
    Ok(())
}

#[test]
fn a_builder_goes_on_where_the_file_ends() -> TestResult {
    let builder: CircuitBreakerBuilder = toml::from_str("name = 'orders'\nfailure_threshold = 1")?;
    let breaker = builder.trip_if(|error| !error.is_timeout()).build()?;
    assert_eq!(breaker.name().map(|name| &**name), Some("orders"));
    Ok(())
}

/// The error of `text` as a `T`, in one line.
fn refusal<T: DeserializeOwned>(text: &str) -> String {
    match toml::from_str::<T>(text) {
        Ok(_) => String::from("accepted"),
        Err(error) => error.message().to_owned(),
    }
}

#[test]
fn an_error_names_the_key_and_the_remedy() {
    let retry = refusal::<Retry>;
    let breaker = refusal::<CircuitBreaker>;
    let limiter = refusal::<Limiter>;
    for (found, parts) in [
        (retry(""), ["missing field `max_retries`", ""]),
        (retry("max_retry = 3"), ["unknown field `max_retry`", "`max_retries`"]),
        (retry("max_retries = -1"), ["`max_retries`", "-1"]),
        (retry("max_retries = 1\nbackoff = 'fast'"), ["`backoff`", "`exponential`"]),
        (retry("max_retries = 1\nbackoff = { fixed = { delay = '5' } }"), ["`backoff`", "time unit needed"]),
        (retry("max_retries = 1\nmax_retry_after = 5"), ["`max_retry_after`", "such as \"250ms\""]),
        (
            retry("max_retries = 1\nbackoff = { exponential = { base = '1s', factor = 0.5, max = '9s' } }"),
            ["`backoff`", "it must be finite, and at least 1"],
        ),
        (
            retry("max_retries = 1\nbudget = { max_tokens = 1, token_ratio = -1.0 }"),
            ["`budget`", "`token_ratio`"],
        ),
        (breaker("failure_threshold = 0"), ["`failure_threshold` of a circuit breaker is 0", "at least 1"]),
        (breaker("failure_rate = 0.5"), ["`failure_rate`", "need a `window`"]),
        (breaker("window = { rows = 3 }"), ["`window`", "`calls`"]),
        (breaker("open_timeout = '1 fortnight'"), ["`open_timeout`", "fortnight"]),
        (limiter(""), ["a limiter without a limit", "`max_concurrent`"]),
        (limiter("rate = { count = 5 }"), ["`rate`", "`period`"]),
        (limiter("adaptive = { min = 4, max = 2 }"), ["`adaptive`", "4"]),
    ] {
        assert!(parts.iter().all(|part| found.contains(part)), "{found:?}: {parts:?}");
    }
    let twice = serde_json::from_str::<Limiter>(r#"{"max_concurrent": 1, "max_concurrent": 2}"#);
    assert!(twice.is_err_and(|error| error.to_string().contains("duplicate field `max_concurrent`")));
}
