//! A small HTTP server that fails: some requests throughout, and all of them for a while.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The behaviour of the server.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// Every `one_in`-th request is answered with 503.
    pub one_in: u32,
    /// The begin and the end of an outage, after the start of the server. It closes every connection
    /// meanwhile.
    pub outage: (Duration, Duration),
    /// The time that an answer takes.
    pub delay: Duration,
}

/// A server on a port of its own, which runs until it is dropped.
pub struct FlakyServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FlakyServer {
    /// Starts the server.
    ///
    /// # Errors
    ///
    /// If there is no port or no thread to be had.
    pub fn start(behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, stop) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let stopped = stop.clone();
        let (begun, count) = (Instant::now(), Arc::new(AtomicU32::new(0)));
        let serve = move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), count) = (stream, count.clone()) else { continue };
                // The client notices a request that cannot be served.
                let answer = move || drop(answer(stream, behaviour, begun, &count));
                let _ = thread::Builder::new().spawn(answer);
            }
        };
        let thread = thread::Builder::new().name("flaky-server".to_owned()).spawn(serve)?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for FlakyServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The thread waits for a connection, so it is given one.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, behaviour: Behaviour, begun: Instant, count: &AtomicU32) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let (from, to) = behaviour.outage;
    if (from..to).contains(&begun.elapsed()) {
        return Ok(());
    }
    thread::sleep(behaviour.delay);
    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
    let status = if number.is_multiple_of(behaviour.one_in) { "503 Service Unavailable" } else { "200 OK" };
    let body = number.to_string();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}
