//! The suite on every flavour of every backend whose feature is on.

#[cfg(feature = "sim")]
#[path = "flavours/sim.rs"]
mod sim_flavours;
#[cfg(feature = "smol")]
#[path = "flavours/smol.rs"]
mod smol_flavours;
#[cfg(feature = "tokio")]
#[path = "flavours/tokio.rs"]
mod tokio_flavours;

#[cfg(feature = "tokio")]
conformance::suite!(tokio_current_thread, tokio_flavours::CurrentThread);
#[cfg(feature = "tokio")]
conformance::suite!(tokio_multi_thread, tokio_flavours::MultiThread);

#[cfg(feature = "smol")]
conformance::suite!(smol_global, smol_flavours::Global);
#[cfg(feature = "smol")]
conformance::suite!(smol_one_thread, smol_flavours::OneThread);
#[cfg(feature = "smol")]
conformance::suite!(smol_many_threads, smol_flavours::ManyThreads);
#[cfg(feature = "smol")]
conformance::suite!(smol_own_executor, smol_flavours::OwnExecutor);

#[cfg(feature = "sim")]
conformance::suite!(sim, sim_flavours::Sim);

/// Zero cases is a failure.
#[cfg(not(any(feature = "tokio", feature = "smol", feature = "sim")))]
#[test]
fn no_backend_is_enabled() -> conformance::Outcome {
    Err(conformance::Failure::msg(
        "no backend is enabled, so that no case has run: add `--features tokio`, `smol` or `sim`",
    ))
}
