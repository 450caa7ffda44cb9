//! Durable runs of orchestras, in memory, on SQLite and on PostgreSQL; on Tokio and on smol. Those on PostgreSQL need a
//! server: `scripts/with-postgres cargo test -p sweet-async-sql --all-features --test durable -- --include-ignored`.

mod durable {
    //! The cases, a file for each topic.
    pub(crate) mod bench;
    pub(crate) mod failures;
    pub(crate) mod graphs;
    pub(crate) mod manage;
    pub(crate) mod nodes;
    pub(crate) mod stores;
}

/// Makes tests of a case for each store and runtime.
macro_rules! cases {
    ($($topic:ident::$case:ident),+ $(,)?) => {$(
        mod $case {
            use conformance_queues::{Outcome, Smol, Tokio};

            #[cfg(feature = "postgres")]
            use crate::durable::bench::in_postgres;
            use crate::durable::bench::{in_memory, in_sqlite};
            use crate::durable::$topic::$case;

            #[test]
            fn in_memory_on_tokio() -> Outcome {
                in_memory::<Tokio>(async |runtime, store| $case(runtime, store).await)
            }
            #[test]
            fn in_memory_on_smol() -> Outcome {
                in_memory::<Smol>(async |runtime, store| $case(runtime, store).await)
            }
            #[test]
            fn in_sqlite_on_tokio() -> Outcome {
                in_sqlite::<Tokio>(async |runtime, store| $case(runtime, store).await)
            }
            #[test]
            fn in_sqlite_on_smol() -> Outcome {
                in_sqlite::<Smol>(async |runtime, store| $case(runtime, store).await)
            }
            #[cfg(feature = "postgres")]
            #[test]
            #[ignore = "it needs a server: scripts/with-postgres"]
            fn in_postgres_on_tokio() -> Outcome {
                in_postgres::<Tokio>(async |runtime, store| $case(runtime, store).await)
            }
            #[cfg(feature = "postgres")]
            #[test]
            #[ignore = "it needs a server: scripts/with-postgres"]
            fn in_postgres_on_smol() -> Outcome {
                in_postgres::<Smol>(async |runtime, store| $case(runtime, store).await)
            }
        }
    )+};
}

cases! {
    nodes::completed_nodes_do_not_run_again,
    nodes::interrupted_nodes_are_named_and_run_again,
    failures::failed_nodes_run_again_and_were_not_interrupted,
    failures::dropped_nodes_run_again_and_were_not_interrupted,
    nodes::an_output_is_kept_before_its_dependents_start,
    nodes::ordinary_nodes_run_again_where_they_are_needed,
    failures::an_output_of_a_recovery_is_kept,
    failures::an_output_after_a_time_limit_is_kept,
    failures::an_output_that_cannot_be_written_fails_its_node,
    nodes::a_long_chain_is_restored,
    failures::a_restored_node_is_not_skipped,
    graphs::a_missing_node_is_refused_by_name,
    graphs::a_new_node_is_refused_by_name,
    graphs::changed_dependencies_are_refused_by_name,
    graphs::a_changed_kind_is_refused_by_name,
    graphs::a_changed_output_is_refused_by_name,
    graphs::the_graph_is_fixed_by_the_first_start,
    manage::runs_are_listed,
    manage::a_fork_runs_the_node_and_its_dependents_again,
    manage::unknown_runs_and_nodes_are_refused,
    manage::the_newest_start_has_the_run,
}

/// A store that was made before there were runs gets their tables.
#[test]
fn tables_of_version_1_are_migrated() -> conformance_queues::Outcome {
    use conformance_queues::Backend as _;
    use sqlx::{ConnectOptions as _, Connection as _};
    use sweet_async_orchestra::durable::{RunStore as _, runs};

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("runs.db");
    conformance_queues::Tokio::start(1)?.block_on(async {
        sweet_async_sql::SqliteStore::open(&path).await?.close().await;
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await?;
        for sql in [
            "DROP TABLE orchestra_runs",
            "DROP TABLE orchestra_nodes",
            "DELETE FROM sweet_async_version WHERE version = 2",
        ] {
            sqlx::query(sql).execute(&mut connection).await?;
        }
        connection.close().await?;
        let store = sweet_async_sql::SqliteStore::open(&path).await?;
        anyhow::ensure!(store.begin("run", &[]).await? == 1, "no tables");
        anyhow::ensure!(runs(&store).await?.len() == 1);
        store.queue("queue").await?;
        Ok(())
    })?
}
