//! The flavours of the enabled backends, and the list of them.

#[cfg(feature = "sim")]
#[allow(dead_code, reason = "local work is not tested in the simulation")]
pub(crate) mod sim;
#[cfg(feature = "smol")]
pub(crate) mod smol;
#[cfg(feature = "tokio")]
pub(crate) mod tokio;

/// Calls the macro `then` for each flavour of the enabled backends, with the name of the backend, the name of
/// the flavour, and the type of its harness.
macro_rules! on_each_flavour {
    ($then:ident) => {
        #[cfg(feature = "tokio")]
        $then! { tokio tokio_current_thread $crate::flavours::tokio::CurrentThread }
        #[cfg(feature = "tokio")]
        $then! { tokio tokio_multi_thread $crate::flavours::tokio::MultiThread }
        #[cfg(feature = "smol")]
        $then! { smol smol_global $crate::flavours::smol::Global }
        #[cfg(feature = "smol")]
        $then! { smol smol_one_thread $crate::flavours::smol::OneThread }
        #[cfg(feature = "smol")]
        $then! { smol smol_many_threads $crate::flavours::smol::ManyThreads }
        #[cfg(feature = "smol")]
        $then! { smol smol_own_executor $crate::flavours::smol::OwnExecutor }
        #[cfg(feature = "sim")]
        $then! { sim sim $crate::flavours::sim::Sim }
    };
}
