//! The runs of durable orchestras in a store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sweet_async_orchestra::durable::{NodeProgress, RunNode, RunStore, RunSummary, StoredNode};

use crate::SqlError;
use crate::engine::{Engine, Param};
use crate::run_statements::RunStatements;
use crate::store::SqlStore;

/// The states of a node in its column.
const RUNNING: i64 = 1;
const COMPLETED: i64 = 2;

/// The runs are in tables of their own, beside those of queues. After a lost connection a call is made again
/// ([`StoreBuilder::reconnect`](crate::StoreBuilder::reconnect)).
///
/// **Cost.** A node that starts, completes or fails is one statement; a start of a run reads all of its nodes. Runs stay
/// in the store until their rows are deleted.
impl<E: Engine> RunStore for SqlStore<E> {
    type Error = SqlError;

    async fn load(&self, run: &str) -> Result<Option<Vec<StoredNode>>, SqlError> {
        let (sql, params) = (&self.run_statements().nodes, &[Param::Text(run), Param::Bytes(&[])]);
        let load = move |mut connection| async move {
            let rows = E::rows(&mut connection, sql, params).await?;
            let nodes = rows.iter().map(stored::<E>).collect::<Result<Vec<_>, _>>()?;
            Ok((connection, nodes))
        };
        let nodes = self.call("load a run", load).await?;
        // A run is made together with its nodes.
        Ok(Some(nodes).filter(|nodes| !nodes.is_empty()))
    }

    async fn begin(&self, run: &str, graph: &[RunNode]) -> Result<u64, SqlError> {
        let (statements, graph) = (self.run_statements(), json_of(graph));
        let graph = &[Param::Text(run), Param::Text(&graph)];
        let (head, run) = (&[Param::Text(run), Param::Text("")], &[Param::Text(run)]);
        let begin = move |mut connection| async move {
            E::execute(&mut connection, &statements.begin, &[]).await?;
            if E::execute(&mut connection, &statements.make, head).await? == 1 {
                E::execute(&mut connection, &statements.make_nodes, graph).await?;
            }
            let rows = E::rows(&mut connection, &statements.attempt, run).await?;
            let attempt = rows.first().map_or(Ok(0), |row| E::int(row, 0))?;
            E::execute(&mut connection, &statements.commit, &[]).await?;
            Ok((connection, attempt))
        };
        Ok(self.call("begin a run", begin).await?.unsigned_abs())
    }

    async fn node_started(&self, run: &str, attempt: u64, node: &str) -> Result<bool, SqlError> {
        let sql = &self.run_statements().start_node;
        self.change_node("mark the start of a node", sql, (run, attempt, node), &[]).await
    }

    async fn node_completed(
        &self,
        run: &str,
        attempt: u64,
        node: &str,
        output: &[u8],
    ) -> Result<bool, SqlError> {
        let sql = &self.run_statements().complete_node;
        self.change_node("keep an output", sql, (run, attempt, node), &[Param::Bytes(output)]).await
    }

    async fn node_failed(&self, run: &str, attempt: u64, node: &str) -> Result<bool, SqlError> {
        let sql = &self.run_statements().fail_node;
        self.change_node("mark the failure of a node", sql, (run, attempt, node), &[]).await
    }

    async fn runs(&self) -> Result<Vec<RunSummary>, SqlError> {
        let sql = &self.run_statements().list;
        let list = move |mut connection| async move {
            let rows = E::rows(&mut connection, sql, &[]).await?;
            let runs = rows.iter().map(summary::<E>).collect::<Result<Vec<_>, _>>()?;
            Ok((connection, runs))
        };
        self.call("list the runs", list).await
    }

    async fn fork(&self, from: &str, to: &str, again: &[Arc<str>]) -> Result<bool, SqlError> {
        let (statements, again) = (self.run_statements(), names(again).to_string());
        let ids = &[Param::Text(to), Param::Text(from)];
        let copied = &[Param::Text(to), Param::Text(&again), Param::Text(from)];
        let fork = move |connection| fork::<E>(connection, statements, ids, copied);
        self.call("fork a run", fork).await
    }
}

impl<E: Engine> SqlStore<E> {
    /// Runs a statement that changes a node. The result is false if `attempt` is not the newest.
    async fn change_node(
        &self,
        doing: &'static str,
        sql: &Arc<str>,
        (run, attempt, node): (&str, u64, &str),
        more: &[Param<'_>],
    ) -> Result<bool, SqlError> {
        let (is_newest, attempt) = (&self.run_statements().is_newest, Param::Int(number(attempt)));
        let params = &*[&[Param::Text(run), Param::Text(node), attempt], more].concat();
        let newest = &[Param::Text(run), attempt];
        let change = move |mut connection| async move {
            if E::execute(&mut connection, sql, params).await? == 1 {
                return Ok((connection, true));
            }
            // It has completed, as in an attempt whose answer was lost, or the run was begun again.
            let rows = E::rows(&mut connection, is_newest, newest).await?;
            let is_newest = rows.first().map_or(Ok(0), |row| E::int(row, 0))? == 1;
            Ok((connection, is_newest))
        };
        self.call(doing, change).await
    }
}

async fn fork<E: Engine>(
    mut connection: E::Connection,
    statements: &RunStatements,
    ids: &[Param<'_>],
    copied: &[Param<'_>],
) -> Result<(E::Connection, bool), sqlx::Error> {
    E::execute(&mut connection, &statements.begin, &[]).await?;
    let is_free = E::execute(&mut connection, &statements.make, ids).await? == 1
        || E::execute(&mut connection, &statements.fork_again, ids).await? == 1;
    if is_free {
        let to = ids.get(..1).unwrap_or_default();
        E::execute(&mut connection, &statements.drop_nodes, to).await?;
        E::execute(&mut connection, &statements.copy_nodes, copied).await?;
    }
    E::execute(&mut connection, &statements.commit, &[]).await?;
    Ok((connection, is_free))
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn names(names: &[Arc<str>]) -> Value {
    names.iter().map(|name| &**name).collect()
}

/// The nodes as the parameter of `make_nodes`.
fn json_of(graph: &[RunNode]) -> String {
    let node = |(number, node): (usize, &RunNode)| {
        let RunNode { name, depends_on, is_durable } = node;
        json!([number, **name, names(depends_on).to_string(), i64::from(*is_durable)])
    };
    graph.iter().enumerate().map(node).collect::<Value>().to_string()
}

fn stored<E: Engine>(row: &E::Row) -> Result<StoredNode, sqlx::Error> {
    let depends_on: Vec<String> =
        serde_json::from_str(&E::text(row, 1)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let node = RunNode {
        name: E::text(row, 0)?.into(),
        depends_on: depends_on.into_iter().map(Into::into).collect(),
        is_durable: E::int(row, 2)? == 1,
    };
    let progress = match E::int(row, 3)? {
        COMPLETED => NodeProgress::Completed(E::bytes(row, 4)?),
        RUNNING => NodeProgress::Running,
        _ => NodeProgress::Waiting,
    };
    Ok(StoredNode { node, progress })
}

fn summary<E: Engine>(row: &E::Row) -> Result<RunSummary, sqlx::Error> {
    let int = |column| E::int(row, column).map(i64::unsigned_abs);
    let count = |column| int(column).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    Ok(RunSummary {
        id: E::text(row, 0)?.into(),
        begun: SystemTime::UNIX_EPOCH + Duration::from_millis(int(1)?),
        starts: int(2)?,
        forked_from: Some(E::text(row, 3)?.into()).filter(|from: &Arc<str>| !from.is_empty()),
        nodes: count(4)?,
        completed: count(5)?,
        running: count(6)?,
    })
}
