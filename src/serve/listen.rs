//! Connections: loopback alone, so many at once, each with times.

use std::future::poll_fn;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::http::{self, Shared};
use super::patient::Patient;
use super::{ServeError, Times};

/// The most connections at once; further ones wait to be taken.
const MOST_CONNECTIONS: usize = 64;

/// The wait after a connection that could not be taken, for want of a file descriptor.
const PAUSE: Duration = Duration::from_millis(100);

/// How often another free port is tried: one of IPv4 may be taken in IPv6.
const TRIES: usize = 8;

/// What is listened on.
#[derive(Debug)]
pub struct Bound {
    pub(super) listeners: Vec<TcpListener>,
    /// The port.
    pub port: u16,
}

/// Takes a port of this machine, of both 127.0.0.1 and ::1 where there is IPv6; 0: any.
/// No other address can be had: who is elsewhere comes through a tunnel.
///
/// # Errors
///
/// [`ServeError::Port`].
pub async fn bind(port: u16) -> Result<Bound, ServeError> {
    let mut tries = if port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match both(port).await {
            Err(_) if tries > 0 => {}
            bound => return bound.map_err(|error| ServeError::Port { port, error }),
        }
    }
}

async fn both(port: u16) -> std::io::Result<Bound> {
    let first = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
        Ok(second) => listeners.push(second),
        // Another program would get what is sent to `localhost`, the key with it.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(error),
        Err(error) => tracing::info!(%error, "::1 can't be listened on"),
    }
    Ok(Bound { listeners, port })
}

/// Takes connections until `end`; then those that are being answered get their time.
pub(super) async fn serve(
    listeners: Vec<TcpListener>,
    shared: Arc<Shared>,
    times: Times,
    end: impl Future<Output = ()>,
) {
    let app = Router::new().fallback(http::handle).with_state(Arc::clone(&shared));
    let (ending, ended) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut end = pin!(end);
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, accept(&listeners).await)
        };
        tokio::select! {
            biased;
            () = &mut end => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (slot, taken) = next => match taken {
                Ok(stream) => {
                    let connection = connection(stream, app.clone(), times, ended.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    shared.queue.close();
    let _ = ending.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(times.end, all).await.is_err() {
        tracing::info!("answers are broken off: percept serve ends");
        connections.shutdown().await;
    }
    // Until here nobody else has the port, nor the folder that is named after it.
    drop((app, shared));
    drop(listeners);
}

async fn accept(listeners: &[TcpListener]) -> std::io::Result<TcpStream> {
    poll_fn(|context| {
        for listener in listeners {
            if let Poll::Ready(taken) = listener.poll_accept(context) {
                return Poll::Ready(taken.map(|(stream, _)| stream));
            }
        }
        Poll::Pending
    })
    .await
}

async fn connection(stream: TcpStream, app: Router, times: Times, mut ended: watch::Receiver<bool>) {
    // A word of a stream is a packet of its own.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(app);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(times.head);
    let stream = TokioIo::new(Patient::new(stream, times.stalled));
    let mut connection = pin!(builder.serve_connection(stream, service));
    let closed = tokio::select! {
        closed = &mut connection => closed,
        _ = ended.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = closed {
        tracing::debug!(%error, "a connection ended");
    }
}
