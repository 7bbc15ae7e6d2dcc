//! Servers of tools that others wrote, by the Model Context Protocol.
//!
//! A server is a program that percept starts (stdio), or runs elsewhere (streamable HTTP).
//! [`Servers`] owns them: a task for each starts it, reads what it has, and starts it again
//! when it breaks off. Dropping [`Servers`] ends all of them.
//!
//! Everything a server says is data: names, descriptions and schemas are made fit and bounded
//! ([`McpTool`]), and so are results ([`McpResult`]). A server learns which folder is worked
//! in and gets the calls; it gets no model's answers, no person's input, and none of percept's
//! environment but a few variables.
//!
//! What this module refuses to do: decide whether a tool may be called, and run a server in
//! the sandbox. A server is trusted as much as any program that the person installs.

mod client;
mod config;
mod connection;
mod failure;
mod listing;
mod process;
mod result;
mod server;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, ReadResourceRequest, ReadResourceRequestParams,
    ServerResult,
};
use rmcp::service::PeerRequestOptions;
use rmcp::{Peer, RoleClient, ServiceError};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

pub use config::ServerConfig;
pub use result::{MOST_PICTURE, MOST_PICTURES, MOST_TEXT, McpResult};
use server::{Order, Server};

/// How often a call looks whether it was stopped or is out of time.
const POLL: Duration = Duration::from_millis(20);

/// How long a server may take to accept that a call was cancelled.
const CANCEL_TIME: Duration = Duration::from_secs(2);

/// Orders that wait for a server's task; one that doesn't fit is as good as those before.
const MOST_ORDERS: usize = 8;

/// How a server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// What it does just now.
    pub state: ServerState,
    /// How many tools it has.
    pub tools: usize,
    /// How many more it has that are left out, because there are too many.
    pub left_out: usize,
    /// How many resources it has.
    pub resources: usize,
    /// What it said last on standard error, bounded and printable; may have several lines.
    pub said: String,
}

/// What a server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerState {
    /// It is not to be started.
    Off,
    /// It was started and has not answered yet.
    Starting,
    /// Its tools can be called.
    Ready,
    /// It can't be used.
    Failed {
        /// What happened and what to do: a sentence that names it.
        why: String,
        /// When it is started again; `None`: only when it is restarted by hand.
        retry_in: Option<Duration>,
    },
}

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct McpTool {
    /// The server.
    pub server: String,
    /// The server's own name for the tool: anything at all.
    pub tool: String,
    /// Its name for the model, unique: `mcp_SERVER_TOOL`, made fit.
    pub name: String,
    /// What the server says that it does, bounded and printable.
    pub description: String,
    /// What it takes: the schema of an object.
    pub schema: Value,
}

/// Something that a server lets read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpResource {
    /// The server.
    pub server: String,
    /// Its address, as the server has it.
    pub uri: String,
    /// Its name, printable.
    pub name: String,
    /// What it is, printable.
    pub description: String,
    /// Its type.
    pub mime: Option<String>,
}

/// The servers. Dropping this ends them all, with every process that they started in their
/// group.
pub struct Servers {
    servers: Vec<(Arc<Server>, mpsc::Sender<Order>)>,
    tasks: JoinSet<()>,
    runtime: Handle,
}

impl Servers {
    /// Starts the servers in the background and returns at once.
    ///
    /// `folder` is the root that they are told of; `stands` is where those are started that don't
    /// say where, a folder that nobody else writes to. `changed` is
    /// called, from any thread, whenever a status or the list of tools changed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(
        configs: Vec<ServerConfig>,
        folder: PathBuf,
        stands: PathBuf,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let changed: Arc<dyn Fn() + Send + Sync> = Arc::new(changed);
        let runtime = Handle::current();
        let mut tasks = JoinSet::new();
        let mut names = BTreeSet::new();
        let mut servers = Vec::new();
        for config in configs {
            let checked = config.check();
            let is_first = names.insert(config.name.clone());
            let server = Arc::new(Server::new(config, folder.clone(), stands.clone(), Arc::clone(&changed)));
            let (order, orders) = mpsc::channel(MOST_ORDERS);
            match checked {
                Err(why) => server.refuse(why),
                Ok(()) if !is_first => server.refuse(server.sentence("there are two of this name")),
                Ok(()) => drop(tasks.spawn(server::keep(Arc::clone(&server), orders))),
            }
            servers.push((server, order));
        }
        Self { servers, tasks, runtime }
    }

    /// How each server does, in the order of the configuration.
    pub fn status(&self) -> Vec<ServerStatus> {
        self.servers.iter().map(|(server, _)| server.status()).collect()
    }

    /// The tools of all servers that are ready, sorted by server and name.
    pub fn tools(&self) -> Vec<McpTool> {
        let listed = |server: &Server| (server.config.name.clone(), server.lists().tools.clone());
        listing::named(&self.servers.iter().map(|(server, _)| listed(server)).collect::<Vec<_>>())
    }

    /// The resources of all servers that are ready.
    pub fn resources(&self) -> Vec<McpResource> {
        self.servers.iter().flat_map(|(server, _)| server.lists().resources.clone()).collect()
    }

    /// Calls a tool by the server's own name for it. Blocks the thread until there is a result,
    /// the time is up, or `stop` is set; then the server is told that it is cancelled.
    ///
    /// # Errors
    ///
    /// Why there is no result, as a sentence that names the server.
    pub fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: Value,
        time: Duration,
        stop: &AtomicBool,
    ) -> Result<McpResult, String> {
        let arguments = match arguments {
            Value::Object(arguments) => Some(arguments),
            Value::Null => None,
            _ => return Err("the arguments of a call must be a JSON object".to_owned()),
        };
        let mut params = CallToolRequestParams::new(tool.to_owned());
        params.arguments = arguments;
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        self.ask(server, request, time, stop).map(|result| McpResult::of_call(&result))
    }

    /// Reads a resource. Blocks as [`Servers::call`] does.
    ///
    /// # Errors
    ///
    /// Why it can't be read, as a sentence that names the server.
    pub fn read_resource(
        &self,
        server: &str,
        uri: &str,
        time: Duration,
        stop: &AtomicBool,
    ) -> Result<McpResult, String> {
        let params = ReadResourceRequestParams::new(uri.to_owned());
        let request = ClientRequest::ReadResourceRequest(ReadResourceRequest::new(params));
        self.ask(server, request, time, stop).map(|result| McpResult::of_resource(&result))
    }

    /// Starts a server anew, whatever it does just now; one that is off is started too.
    pub fn restart(&self, name: &str) {
        for (server, order) in &self.servers {
            // Full: it is about to be started anyway. Closed: it can't be.
            if server.config.name == name
                && let Ok(place) = order.try_reserve()
            {
                server.starting();
                place.send(Order::Restart);
            }
        }
    }

    /// Blocks until every server is ready, off or failed, or the time is up.
    pub fn settled(&self, time: Duration) {
        let deadline = Instant::now() + time;
        let starting =
            || self.servers.iter().any(|(server, _)| server.status().state == ServerState::Starting);
        while starting() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }

    fn ask(
        &self,
        name: &str,
        request: ClientRequest,
        time: Duration,
        stop: &AtomicBool,
    ) -> Result<Value, String> {
        let (server, order) = self
            .servers
            .iter()
            .find(|(server, _)| server.config.name == name)
            .ok_or_else(|| format!("there is no MCP server `{}`", crate::text::printable(name)))?;
        let peer = server.peer()?;
        let oversized = server.oversized.load(Ordering::Relaxed);
        let deadline = Instant::now() + time;
        let (answer, answered) = sync_channel(1);
        let (cancel, cancelled) = oneshot::channel();
        self.runtime.spawn(carry(peer, request, cancelled, answer));
        let gave_up = loop {
            match answered.recv_timeout(POLL) {
                Ok(Ok(result)) => return complete(result).map_err(|why| server.sentence(&why)),
                Ok(Err(error)) => {
                    let failure = failure::of_request(&error);
                    if failure.again && matches!(error, ServiceError::TransportSend(_)) {
                        let _ = order.try_send(Order::Lost(failure.clone()));
                    }
                    return Err(server.sentence(&failure.why));
                }
                Err(RecvTimeoutError::Disconnected) => break "percept is about to end".to_owned(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            match () {
                () if stop.load(Ordering::Relaxed) => break "the call was stopped".to_owned(),
                () if Instant::now() >= deadline => {
                    break format!("it didn't answer within {} s", time.as_secs());
                }
                () if server.oversized.load(Ordering::Relaxed) != oversized => {
                    let most = crate::text::size(process::MOST_MESSAGE as u64);
                    break format!("it answered with more than {most}, which is not taken");
                }
                () => {}
            }
        };
        let _ = cancel.send(gave_up.clone());
        Err(server.sentence(&gave_up))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Before the tasks, which are dropped when the runtime gets to it, and don't wait.
        let killed = process::kill_all(self.servers.iter().map(|(server, _)| &server.child));
        self.tasks.abort_all();
        process::wait(killed);
    }
}

/// Carries a request to a server and its answer back; tells the server when nobody waits for
/// it any more.
async fn carry(
    peer: Peer<RoleClient>,
    request: ClientRequest,
    cancelled: oneshot::Receiver<String>,
    answer: SyncSender<Result<ServerResult, ServiceError>>,
) {
    let mut handle = match peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await {
        Ok(handle) => handle,
        Err(error) => return drop(answer.send(Err(error))),
    };
    tokio::select! {
        biased;
        response = &mut handle.rx => {
            let _ = answer.send(response.unwrap_or(Err(ServiceError::TransportClosed)));
        }
        reason = cancelled => {
            let _ = tokio::time::timeout(CANCEL_TIME, handle.cancel(reason.ok())).await;
        }
    }
}

/// A result as JSON, if it is one: newer servers may ask back, or answer later.
fn complete(result: ServerResult) -> Result<Value, String> {
    let result = serde_json::to_value(result).unwrap_or_default();
    match result.get("resultType").and_then(Value::as_str) {
        None | Some("complete") => Ok(result),
        Some("input_required") => {
            Err("it asks for input in the middle of a call, which it can't get".to_owned())
        }
        Some(_) => Err("it wants to answer later, which is not taken".to_owned()),
    }
}
