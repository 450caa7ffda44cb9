//! The suite is in a file for each backend; here is what is said where none is on.

/// Zero cases is a failure.
#[cfg(not(any(feature = "tokio", feature = "smol", feature = "sim")))]
#[test]
fn no_backend_is_enabled() -> conformance::Outcome {
    Err(conformance::Failure::msg(
        "no backend is enabled, so that no case has run: add `--features tokio`, `smol` or `sim`",
    ))
}
