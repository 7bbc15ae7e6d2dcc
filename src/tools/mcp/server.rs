//! Keeps one server running: starts it, reads its lists again when they change, and starts it
//! again when it breaks off, a few times.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rmcp::{Peer, RoleClient};
use tokio::sync::mpsc;

use super::connection::{Connection, Lists, Next};
use super::failure::Failure;
use super::process::{Slot, Tail, lock};
use super::{ServerConfig, ServerState, ServerStatus};

/// How long is waited before a server is started again; twice as long each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How often in a row it is started again.
const MOST_RETRIES: u32 = 3;

/// A server that ran so long starts again with a clean record.
const STEADY: Duration = Duration::from_secs(60);

/// How long is waited after a change of its lists: a server may tell of each tool.
const CHANGE_PAUSE: Duration = Duration::from_millis(200);

/// What the person or a failed call wants of the task that keeps a server running.
#[derive(Debug)]
pub(super) enum Order {
    /// Start it anew.
    Restart,
    /// It can't be reached any more.
    Lost(Failure),
}

/// One server: what others may know of it, and what its task works with.
pub(super) struct Server {
    pub(super) config: ServerConfig,
    pub(super) folder: PathBuf,
    /// Where it is started.
    pub(super) stands: PathBuf,
    /// Its process.
    pub(super) child: Slot,
    /// What it said on standard error.
    pub(super) said: Arc<Mutex<Tail>>,
    /// Messages of it that were too long.
    pub(super) oversized: Arc<AtomicU64>,
    seen: Mutex<Seen>,
    changed: Arc<dyn Fn() + Send + Sync>,
}

struct Seen {
    state: ServerState,
    lists: Arc<Lists>,
    peer: Option<Peer<RoleClient>>,
}

impl Server {
    pub(super) fn new(
        config: ServerConfig,
        folder: PathBuf,
        stands: PathBuf,
        changed: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let stands = config.cwd.clone().unwrap_or(stands);
        let state = if config.enabled { ServerState::Starting } else { ServerState::Off };
        Self {
            config,
            folder,
            stands,
            child: Slot::default(),
            said: Arc::default(),
            oversized: Arc::default(),
            seen: Mutex::new(Seen { state, lists: Arc::default(), peer: None }),
            changed,
        }
    }

    pub(super) fn status(&self) -> ServerStatus {
        let seen = lock(&self.seen);
        ServerStatus {
            name: self.config.name.clone(),
            state: seen.state.clone(),
            tools: seen.lists.tools.len(),
            left_out: seen.lists.left_out,
            resources: seen.lists.resources.len(),
            said: lock(&self.said).text(),
        }
    }

    /// What it has; nothing unless it is ready.
    pub(super) fn lists(&self) -> Arc<Lists> {
        Arc::clone(&lock(&self.seen).lists)
    }

    /// Where its requests go; or why there is nowhere.
    pub(super) fn peer(&self) -> Result<Peer<RoleClient>, String> {
        let seen = lock(&self.seen);
        match (&seen.state, &seen.peer) {
            (ServerState::Failed { why, .. }, _) => Err(why.clone()),
            (ServerState::Off, _) => Err(self.sentence("it is switched off")),
            (ServerState::Ready, Some(peer)) => Ok(peer.clone()),
            _ => Err(self.sentence("it is still starting")),
        }
    }

    /// A sentence that names it.
    pub(super) fn sentence(&self, what: &str) -> String {
        format!("the MCP server `{}`: {what}", crate::text::printable(&self.config.name))
    }

    /// It can't be started as it is written; `why` names it.
    pub(super) fn refuse(&self, why: String) {
        self.set(ServerState::Failed { why, retry_in: None }, Lists::default(), None);
    }

    /// It is started, or about to be.
    pub(super) fn starting(&self) {
        self.set(ServerState::Starting, Lists::default(), None);
    }

    fn fail(&self, why: &str, retry_in: Option<Duration>) {
        self.set(ServerState::Failed { why: self.sentence(why), retry_in }, Lists::default(), None);
    }

    fn set(&self, state: ServerState, lists: Lists, peer: Option<Peer<RoleClient>>) {
        *lock(&self.seen) = Seen { state, lists: Arc::new(lists), peer };
        (self.changed)();
    }
}

/// Keeps a server running until the orders end.
pub(super) async fn keep(server: Arc<Server>, mut orders: mpsc::Receiver<Order>) {
    let mut failures = 0;
    if !server.config.enabled && !restarted(&mut orders).await {
        return;
    }
    loop {
        let start = Instant::now();
        let failure = tokio::select! {
            failure = live(&server) => failure,
            order = orders.recv() => match order {
                None => return,
                Some(Order::Lost(failure)) => failure,
                Some(Order::Restart) => {
                    failures = 0;
                    continue;
                }
            },
        };
        if start.elapsed() >= STEADY {
            failures = 0;
        }
        let retry_in = (failure.again && failures < MOST_RETRIES).then(|| FIRST_RETRY * 2_u32.pow(failures));
        failures += 1;
        server.fail(&failure.why, retry_in);
        let waited = async {
            match retry_in {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = waited => {}
            is_wanted = restarted(&mut orders) => match is_wanted {
                true => failures = 0,
                false => return,
            },
        }
    }
}

/// Waits until it is to start anew. `false`: the orders ended.
async fn restarted(orders: &mut mpsc::Receiver<Order>) -> bool {
    loop {
        match orders.recv().await {
            Some(Order::Restart) => return true,
            // A call that failed later than others.
            Some(Order::Lost(_)) => {}
            None => return false,
        }
    }
}

/// One life of a server, from its start to its failure. Dropping this ends it.
async fn live(server: &Server) -> Failure {
    *lock(&server.said) = Tail::default();
    server.starting();
    let time = server.config.start_time();
    let opened = async {
        let connection = Connection::open(server).await?;
        let lists = connection.lists(&server.config.name).await;
        Ok::<_, Failure>((connection, lists))
    };
    let (mut connection, lists) = match tokio::time::timeout(time, opened).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(failure)) => return failure,
        Err(_) => return too_slow(server, time),
    };
    match lists {
        Ok(lists) => server.set(ServerState::Ready, lists, Some(connection.peer.clone())),
        Err(failure) if failure.again && connection.peer.is_transport_closed() => {
            return connection.why(server).await;
        }
        Err(failure) => return failure,
    }
    loop {
        match connection.next().await {
            Next::Closed => return connection.why(server).await,
            Next::Changed => {}
        }
        tokio::time::sleep(CHANGE_PAUSE).await;
        // Lists that don't come leave those that are known; the same ones are no news.
        if let Ok(Ok(lists)) = tokio::time::timeout(time, connection.lists(&server.config.name)).await
            && *server.lists() != lists
        {
            server.set(ServerState::Ready, lists, Some(connection.peer.clone()));
        }
    }
}

fn too_slow(server: &Server, time: Duration) -> Failure {
    let said = lock(&server.said).text();
    let words = match said.lines().rfind(|line| !line.trim().is_empty()) {
        Some(last) => format!("; it said last: {}", super::failure::repeated(last)),
        None => String::new(),
    };
    Failure::passing(format!(
        "it didn't answer as an MCP server within {} s{words} (start_timeout_s gives it more time)",
        time.as_secs()
    ))
}
