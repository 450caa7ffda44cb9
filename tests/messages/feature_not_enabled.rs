// error: the item is gated behind the `tower` feature
use sweet_async::tower::PolicyLayer;

fn main() {
    let _: Option<PolicyLayer<()>> = None;
}
