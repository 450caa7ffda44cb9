//! The suite without a backend: a failure. Each backend has a file of its own beside this one.

/// Zero cases is a failure.
#[cfg(not(any(feature = "tokio", feature = "smol", feature = "sim")))]
#[test]
fn no_backend_is_enabled() -> conformance::Outcome {
    Err(conformance::Failure::msg(
        "no backend is enabled, so that no case has run: add `--features tokio`, `smol` or `sim`",
    ))
}
