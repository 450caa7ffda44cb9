//! The ambient runtime of the facade on every flavour. The suite itself is compiled without the facade.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

#[macro_use]
#[path = "ambient/cases.rs"]
mod cases;
#[cfg(feature = "sim")]
#[path = "flavours/sim.rs"]
mod sim_flavour;
#[cfg(feature = "smol")]
#[path = "flavours/smol.rs"]
mod smol_flavours;
#[cfg(feature = "tokio")]
#[path = "flavours/tokio.rs"]
mod tokio_flavours;

#[cfg(feature = "smol")]
on!(smol_global, crate::smol_flavours::Global);
#[cfg(feature = "smol")]
on!(smol_one_thread, crate::smol_flavours::OneThread);
#[cfg(feature = "smol")]
on!(smol_many_threads, crate::smol_flavours::ManyThreads);
#[cfg(feature = "smol")]
on!(smol_own_executor, crate::smol_flavours::OwnExecutor);
#[cfg(feature = "tokio")]
on!(tokio_current_thread, crate::tokio_flavours::CurrentThread);
#[cfg(feature = "tokio")]
on!(tokio_multi_thread, crate::tokio_flavours::MultiThread);
#[cfg(feature = "sim")]
on!(sim, crate::sim_flavour::Sim);
