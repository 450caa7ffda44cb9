//! The whole conformance suite on the tiny runtime, with one worker thread and with three.

mod flavour;

use flavour::Tiny;

conformance::suite! {
    one_worker: Tiny<1>,
    three_workers: Tiny<3>,
}
