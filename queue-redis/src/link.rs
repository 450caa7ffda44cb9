//! The connection to the server, which all handles on a queue share. It is made anew by the call after its loss.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_lock::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, ProtocolVersion, RedisError,
    ServerErrorKind, Value,
};

use crate::error::{self, RedisQueueError};
use crate::notices::Notices;
use crate::script::Call;

const CONNECTING_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection, while there is one.
pub(crate) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    address: Arc<str>,
    notices: Notices,
    current: ArcSwapOption<MultiplexedConnection>,
    /// Held while connecting, so that one connection is made for all calls that need one.
    connecting: Mutex<()>,
}

impl Link {
    /// A link that has no connection yet. Notices come over `channel`.
    pub(crate) fn new(
        url: &str,
        channel: String,
        response_timeout: Duration,
    ) -> Result<Self, RedisQueueError> {
        let client = Client::open(url).and_then(|client| {
            let info: &ConnectionInfo = client.get_connection_info();
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            Client::open(info.clone().set_redis_settings(settings))
        });
        let client = client.map_err(|source| RedisQueueError::Address { source })?;
        let address = client.get_connection_info().addr().to_string().into();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING_TIMEOUT))
            .set_response_timeout(Some(response_timeout));
        let notices = Notices::new(client.clone(), config.clone(), channel);
        let (current, connecting) = (ArcSwapOption::empty(), Mutex::new(()));
        Ok(Self { client, config, address, notices, current, connecting })
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    pub(crate) fn address(&self) -> &Arc<str> {
        &self.address
    }

    /// Sends a command of `call`, once, and returns its answer.
    pub(crate) async fn send(
        &self,
        call: &Call,
        queue: &Arc<str>,
        command: &Cmd,
    ) -> Result<Value, RedisQueueError> {
        let shared = self.connection(queue).await?;
        let mut connection = MultiplexedConnection::clone(&shared);
        let mut answer = command.query_async(&mut connection).await;
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
        {
            answer = match call.script().load_async(&mut connection).await {
                Ok(_) => command.query_async(&mut connection).await,
                Err(error) => Err(error),
            };
        }
        answer.map_err(|source| {
            if is_of_no_use(&source) {
                // Only this one: another call may have made a new one since.
                self.current.compare_and_swap(&shared, None);
            }
            error::of_call(call.doing, queue, &self.address, source)
        })
    }

    async fn connection(&self, queue: &Arc<str>) -> Result<Arc<MultiplexedConnection>, RedisQueueError> {
        if let Some(connection) = self.current.load_full() {
            return Ok(connection);
        }
        let _connecting = self.connecting.lock().await;
        if let Some(connection) = self.current.load_full() {
            return Ok(connection);
        }
        let connected = self.client.get_multiplexed_async_connection_with_config(&self.config).await;
        let connection = connected.map_err(|source| error::of_connecting(queue, &self.address, source))?;
        let connection = Arc::new(connection);
        self.current.store(Some(connection.clone()));
        Ok(connection)
    }
}

/// True after an error with which the next call should not use the connection any more. A server that became a replica
/// is one of them: its name may be that of another server by now.
fn is_of_no_use(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}
