//! The statements of runs, for an engine and a schema. All are prepared, and all values are parameters.
//!
//! A run is a row of `orchestra_runs`, and each node of its graph a row of `orchestra_nodes`. `attempt` counts the
//! starts of a run; a change of a node locks the row of the run, so that it comes either before a new start or not at
//! all. Parameter 1 is the run, and parameter 2 the node or a JSON array.

use std::sync::Arc;

use crate::dialect::Dialect;

macro_rules! run_statements {
    ($($(#[$doc:meta])* $name:ident: $sql:expr;)+) => {
        /// The statements.
        #[derive(Debug)]
        pub(crate) struct RunStatements {
            $($(#[$doc])* pub(crate) $name: Arc<str>,)+
        }

        impl RunStatements {
            /// The statements for tables whose names begin with `prefix`.
            pub(crate) fn new(dialect: Dialect, prefix: &str) -> Self {
                Self { $($name: dialect.fill($sql, prefix).into(),)+ }
            }
        }
    };
}

/// The change of a node that has not completed, if parameter 3 is the newest attempt.
macro_rules! change {
    ($set:literal) => {
        concat!(
            "WITH own AS MATERIALIZED (SELECT 1 FROM {s}orchestra_runs WHERE id = $1 AND attempt = $3 {share}) UPDATE \
             {s}orchestra_nodes SET ",
            $set,
            " WHERE run = $1 AND name = $2 AND state <> 2 AND EXISTS (SELECT 1 FROM own)"
        )
    };
}

run_statements! {
    begin: "{begin}";
    commit: "COMMIT";
    make: "INSERT INTO {s}orchestra_runs (id, begun, attempt, forked_from) VALUES ($1, {now}, 0, $2) ON CONFLICT (id) DO \
           NOTHING";
    /// Parameter 2 has the number, the name, the dependencies and the kind of each node.
    make_nodes: "INSERT INTO {s}orchestra_nodes (run, number, name, depends_on, is_durable, state) SELECT $1, CAST(value \
                 ->> 0 AS BIGINT), value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), 0 FROM {elements}";
    attempt: "UPDATE {s}orchestra_runs SET attempt = attempt + 1 WHERE id = $1 RETURNING attempt";
    /// Parameter 2 is the output of nodes without one.
    nodes: "SELECT name, depends_on, is_durable, state, COALESCE(output, $2) FROM {s}orchestra_nodes WHERE run = $1 ORDER \
            BY number";
    start_node: change!("state = 1");
    complete_node: change!("state = 2, output = $4");
    fail_node: change!("state = 0");
    is_newest: "SELECT COUNT(*) FROM {s}orchestra_runs WHERE id = $1 AND attempt = $2";
    list: "SELECT id, begun, attempt, forked_from, COUNT(CASE WHEN is_durable = 1 THEN 1 END), COUNT(CASE WHEN state = 2 \
           THEN 1 END), COUNT(CASE WHEN state = 1 THEN 1 END) FROM {s}orchestra_runs LEFT JOIN {s}orchestra_nodes ON run \
           = id GROUP BY id, begun, attempt, forked_from ORDER BY begun, id";
    /// Locks the fork that is made anew: 1 row, if it is one of the run in parameter 2 and was not started.
    fork_again: "UPDATE {s}orchestra_runs SET begun = {now} WHERE id = $1 AND attempt = 0 AND forked_from = $2";
    drop_nodes: "DELETE FROM {s}orchestra_nodes WHERE run = $1";
    /// Parameter 2 has the names of nodes that are to run again, and parameter 3 is the run that they are copied from.
    copy_nodes: "INSERT INTO {s}orchestra_nodes (run, number, name, depends_on, is_durable, state, output) SELECT $1, \
                 number, name, depends_on, is_durable, CASE WHEN is_kept THEN 2 ELSE 0 END, CASE WHEN is_kept THEN output \
                 END FROM (SELECT number, name, depends_on, is_durable, output, state = 2 AND name NOT IN (SELECT value \
                 FROM {texts}) AS is_kept FROM {s}orchestra_nodes WHERE run = $3) AS original";
}
