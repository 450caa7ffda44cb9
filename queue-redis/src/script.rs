//! The calls of an engine as scripts of the server: a common beginning, and a file for each.

use std::sync::LazyLock;

use redis::{Cmd, Script};

/// A call, and its script.
pub(crate) struct Call {
    /// The activity, for an error's text.
    pub(crate) doing: &'static str,
    script: LazyLock<Script>,
}

impl Call {
    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    /// Begins the command that runs the script, on the keys that begin with `base`. Arguments follow.
    pub(crate) fn command(&self, base: &str) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(1).arg(base);
        command
    }
}

macro_rules! calls {
    ($($name:ident: $doing:literal, $file:literal;)+) => {$(
        pub(crate) static $name: Call = Call {
            doing: $doing,
            script: LazyLock::new(|| {
                Script::new(concat!(include_str!("lua/prelude.lua"), include_str!($file)))
            }),
        };
    )+};
}

calls! {
    CHECK: "checking", "lua/check.lua";
    OPEN: "opening a job of", "lua/open.lua";
    PUBLISH: "publishing to", "lua/publish.lua";
    SEAL: "sealing a job of", "lua/seal.lua";
    CLAIM: "claiming from", "lua/claim.lua";
    ACK: "acknowledging messages of", "lua/ack.lua";
    EXTEND: "extending leases of", "lua/extend.lua";
    NACK: "giving messages back to", "lua/nack.lua";
    RELEASE: "releasing messages to", "lua/release.lua";
    BURY: "burying messages of", "lua/bury.lua";
    DEAD: "listing dead letters of", "lua/dead.lua";
    REDRIVE: "giving dead letters back to", "lua/redrive.lua";
    PURGE: "purging dead letters of", "lua/purge.lua";
    DEPTH: "measuring", "lua/depth.lua";
    FORGET: "forgetting a job of", "lua/forget.lua";
}
