//! The SQL in which the engines differ.

/// The differences of an engine's SQL from that of the others.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// The type of a number that the engine gives to each row.
    pub(crate) serial: &'static str,
    /// The type of bytes.
    pub(crate) bytes: &'static str,
    /// The column of a message's body, where it is in the table of messages.
    pub(crate) body_column: &'static str,
    /// The body of a message.
    pub(crate) body: &'static str,
    /// The engine's clock: milliseconds since 1970.
    pub(crate) now: &'static str,
    /// The lock of picked rows, which skips those that another claim has locked.
    pub(crate) skip_locked: &'static str,
    /// The lock of a row that is to stay as it is until the end of the transaction.
    pub(crate) share_lock: &'static str,
    /// The lock of a row that is to be changed by a later statement of the transaction.
    pub(crate) update_lock: &'static str,
    /// The elements of parameter 2, a JSON array, as the column `value`.
    pub(crate) elements: &'static str,
    /// The same, as texts.
    pub(crate) texts: &'static str,
    /// The condition that `id` is the first number of an element, for an engine that would look at all rows without it.
    pub(crate) among: &'static str,
    /// Whatever only this engine's tables need.
    pub(crate) tuning: &'static [&'static str],
    /// True if a claim looks first, since it would lock out all others.
    pub(crate) looks_first: bool,
    /// The beginning of a transaction that writes.
    pub(crate) begin: &'static str,
    /// The lock of a migration, inside its transaction.
    pub(crate) lock: Option<&'static str>,
    /// The number of schemas of the name in parameter 1: 1 if it is there. `None` where there are none.
    pub(crate) has_schema: Option<&'static str>,
    /// The number of tables of versions: 1 if it is there.
    pub(crate) has_version: &'static str,
}

impl Dialect {
    /// Returns `sql` with its placeholders filled in: `{s}` is the prefix of the tables' names.
    pub(crate) fn fill(&self, sql: &str, prefix: &str) -> String {
        sql.replace("{serial}", self.serial)
            .replace("{bytes}", self.bytes)
            .replace("{body}", self.body_column)
            .replace("{its_body}", self.body)
            .replace("{s}", prefix)
            .replace("{now}", self.now)
            .replace("{skip}", self.skip_locked)
            .replace("{share}", self.share_lock)
            .replace("{update}", self.update_lock)
            .replace("{among}", self.among)
            .replace("{elements}", self.elements)
            .replace("{texts}", self.texts)
            .replace("{begin}", self.begin)
    }
}
