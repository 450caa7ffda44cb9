//! The macro that a backend calls: it makes a program that runs the list on the backend's flavours.

/// Makes a `main` that runs each case on each flavour, as a test named `flavour::topic::case`. A
/// [`Harness`](crate::Harness) describes a flavour.
///
/// `conformance::suite! { my_runtime: MyHarness }` in a file under `tests/` is all that a backend needs, with
/// `harness = false` for that file in `Cargo.toml`. Several flavours are separated by commas.
#[macro_export]
macro_rules! suite {
    ($($flavour:ident: $harness:ty),+ $(,)?) => {
        fn main() -> ::std::result::Result<::std::process::ExitCode, $crate::Failure> {
            $crate::trials::suite(::std::vec![
                $($crate::trials::of::<$harness>(::std::stringify!($flavour))),+
            ])
        }
    };
}
