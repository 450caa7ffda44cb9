//! The connections of a store: a fixed number of places, each with a connection once it was needed.
//!
//! A connection that has failed, or whose call was dropped on its way, is closed: its state is not known. So
//! no connection needs to be tried before or after a call, which a general pool does.

use std::future::Future;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use sqlx::Connection as _;

use crate::SqlError;
use crate::engine::Engine;

type Options<E> = <<E as sqlx::Database>::Connection as sqlx::Connection>::Options;

/// A place: empty, or with a connection that is not in use.
type Idle<E> = Option<<E as sqlx::Database>::Connection>;

/// The connections.
pub struct Connections<E: Engine> {
    options: Options<E>,
    /// The name of the database in errors.
    database: Arc<str>,
    places: (Sender<Idle<E>>, Receiver<Idle<E>>),
}

/// The place of a connection that is in use. Dropped, it is empty.
struct Place<'a, E: Engine> {
    connection: Option<E::Connection>,
    connections: &'a Connections<E>,
}

impl<E: Engine> Drop for Place<'_, E> {
    fn drop(&mut self) {
        // There is a place for it: it was taken from there.
        let _ = self.connections.places.0.try_send(self.connection.take());
    }
}

impl<E: Engine> Connections<E> {
    /// Room for `most` connections.
    pub(crate) fn new(options: Options<E>, database: Arc<str>, most: usize) -> Self {
        let places = async_channel::bounded(most.max(1));
        for _ in 0..most.max(1) {
            let _ = places.0.try_send(None);
        }
        Self { options, database, places }
    }

    pub(crate) fn database(&self) -> &Arc<str> {
        &self.database
    }

    pub(crate) fn options(&self) -> &Options<E> {
        &self.options
    }

    /// Waits for a place, and calls `call` with its connection, which it returns.
    pub(crate) async fn with<T, O>(&self, call: impl FnOnce(E::Connection) -> O) -> Result<T, SqlError>
    where
        O: Future<Output = Result<(E::Connection, T), sqlx::Error>>,
    {
        // The channel is never closed: `self` has both ends.
        let connection = self.places.1.recv().await.ok().flatten();
        let mut place = Place { connection: None, connections: self };
        let connection = match connection {
            Some(connection) => connection,
            None => E::connect(&self.options)
                .await
                .map_err(|error| SqlError::of_connect(&self.database, error))?,
        };
        let called = call(connection).await.map_err(|error| SqlError::of_call(&self.database, error));
        if called.as_ref().is_err_and(SqlError::is_connection_lost) {
            // The idle connections have lost their server too, most likely.
            drop(self.take_idle());
        }
        let (connection, value) = called?;
        place.connection = Some(connection);
        Ok(value)
    }

    /// Closes the connections that are not in use, and waits until they are closed.
    pub(crate) async fn close(&self) {
        for connection in self.take_idle() {
            // Closed in any case, if not in good order.
            let _ = connection.close().await;
        }
    }

    /// Takes the connections that are not in use. Their places are left empty.
    fn take_idle(&self) -> Vec<E::Connection> {
        let mut idle = Vec::new();
        for _ in 0..self.places.1.len() {
            if let Ok(connection) = self.places.1.try_recv() {
                let _ = self.places.0.try_send(None);
                idle.extend(connection);
            }
        }
        idle
    }
}
