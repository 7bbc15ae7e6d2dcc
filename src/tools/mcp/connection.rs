//! A connection to one server: opened, asked, and ended as a whole when it is dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rmcp::model::{ClientRequest, ListResourcesRequest, ListToolsRequest, PaginatedRequestParams};
use rmcp::service::serve_client;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{Peer, RoleClient};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use url::Url;

use super::client::Client;
use super::config::is_loopback;
use super::failure::{self, Failure};
use super::listing::{self, Listed, MOST_RESOURCES, MOST_TOOLS};
use super::process::{MOST_MESSAGE, Measured, Process, listen, lock};
use super::server::Server;
use super::{McpResource, ServerConfig};

/// The most pages of a list: a server may send empty ones without end.
const MOST_PAGES: usize = 100;

/// How long it may take until somebody answers at an address.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The most redirects within one server.
const MOST_REDIRECTS: usize = 3;

/// How long the last words of a process are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a server has.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Lists {
    pub(super) tools: Vec<Listed>,
    /// Tools that are over [`MOST_TOOLS`].
    pub(super) left_out: usize,
    pub(super) resources: Vec<McpResource>,
}

/// What a server does by itself.
pub(super) enum Next {
    /// It broke off.
    Closed,
    /// Its lists are others now.
    Changed,
}

/// An open connection. Dropping it ends the server's process, or the session with it.
pub(super) struct Connection {
    /// Where requests go.
    pub(super) peer: Peer<RoleClient>,
    /// A word for each change of the server's lists; many become one.
    changes: mpsc::Receiver<()>,
    service: JoinSet<()>,
    stderr: JoinSet<()>,
    process: Option<Process>,
}

impl Connection {
    /// Opens it: up to the end of the handshake.
    pub(super) async fn open(server: &Server) -> Result<Self, Failure> {
        let (change, changes) = mpsc::channel(1);
        let client = Client::new(change, &server.folder);
        match &server.config.url {
            None => Self::open_process(server, client, changes).await,
            Some(url) => Self::open_http(&server.config, url, client, changes).await,
        }
    }

    async fn open_process(
        server: &Server,
        client: Client,
        changes: mpsc::Receiver<()>,
    ) -> Result<Self, Failure> {
        let (process, pipes) = Process::start(&server.config, &server.stands, &server.child)
            .map_err(|error| failure::of_start(&server.config, &server.stands, &error))?;
        let mut stderr = JoinSet::new();
        stderr.spawn(listen(pipes.stderr, Arc::clone(&server.said)));
        let stdout = Measured::new(pipes.stdout, &server.oversized);
        let transport = AsyncRwTransport::new_client(stdout, pipes.stdin).with_max_line_length(MOST_MESSAGE);
        match serve_client(client, transport).await {
            Ok(running) => {
                let peer = running.peer().clone();
                let mut service = JoinSet::new();
                service.spawn(async move { drop(running.waiting().await) });
                Ok(Self { peer, changes, service, stderr, process: Some(process) })
            }
            Err(error) => {
                let failure = failure::of_handshake(&error);
                // Whoever breaks off has words for it.
                match failure.again {
                    true => Err(last_words(server, process, stderr).await),
                    false => Err(failure),
                }
            }
        }
    }

    async fn open_http(
        config: &ServerConfig,
        url: &str,
        client: Client,
        changes: mpsc::Receiver<()>,
    ) -> Result<Self, Failure> {
        let http = http_client(url)
            .map_err(|error| Failure::lasting(format!("no connection can be made: {error}")))?;
        let transport = StreamableHttpClientTransport::with_client(
            http,
            StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers(config)),
        );
        let running = serve_client(client, transport).await.map_err(|error| failure::of_handshake(&error))?;
        let peer = running.peer().clone();
        let mut service = JoinSet::new();
        service.spawn(async move { drop(running.waiting().await) });
        Ok(Self { peer, changes, service, stderr: JoinSet::new(), process: None })
    }

    /// Waits for what the server does by itself. May be cancelled.
    pub(super) async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            _ = self.service.join_next() => Next::Closed,
            Some(()) = self.changes.recv() => Next::Changed,
        }
    }

    /// Why it broke off.
    pub(super) async fn why(self, server: &Server) -> Failure {
        match self.process {
            Some(process) => last_words(server, process, self.stderr).await,
            None => Failure::passing("it closed the connection"),
        }
    }

    /// Asks what the server has.
    pub(super) async fn lists(&self, server: &str) -> Result<Lists, Failure> {
        let info = self.peer.peer_info();
        let has = info.as_ref().map(|info| &info.capabilities);
        let mut lists = Lists::default();
        if has.is_some_and(|has| has.tools.is_some()) {
            (lists.tools, lists.left_out) = self.tools().await?;
        }
        if has.is_some_and(|has| has.resources.is_some()) {
            // A server is of use without them.
            lists.resources = self.resources(server).await.unwrap_or_default();
        }
        Ok(lists)
    }

    async fn tools(&self) -> Result<(Vec<Listed>, usize), Failure> {
        let request = |params| ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
        let mut tools: Vec<Listed> = Vec::new();
        let mut left_out = 0;
        for_pages(&self.peer, request, |page| {
            for tool in listing::tools(page) {
                match tools.len() {
                    _ if tools.iter().any(|other| other.tool == tool.tool) => {}
                    MOST_TOOLS.. => left_out += 1,
                    _ => tools.push(tool),
                }
            }
        })
        .await?;
        Ok((tools, left_out))
    }

    async fn resources(&self, server: &str) -> Result<Vec<McpResource>, Failure> {
        let request = |params| ClientRequest::ListResourcesRequest(ListResourcesRequest::with_param(params));
        let mut resources = Vec::new();
        for_pages(&self.peer, request, |page| {
            resources.extend(listing::resources(page, server));
            resources.truncate(MOST_RESOURCES);
        })
        .await?;
        Ok(resources)
    }
}

/// Goes through the pages of a list.
async fn for_pages(
    peer: &Peer<RoleClient>,
    request: impl Fn(PaginatedRequestParams) -> ClientRequest,
    mut each: impl FnMut(&Value),
) -> Result<(), Failure> {
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let page = peer
            .send_request(request(PaginatedRequestParams::default().with_cursor(cursor)))
            .await
            .map_err(|error| failure::of_request(&error))?;
        let page = serde_json::to_value(page).unwrap_or_default();
        each(&page);
        cursor = listing::cursor(&page);
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

async fn last_words(server: &Server, process: Process, mut stderr: JoinSet<()>) -> Failure {
    let status = process.ended().await;
    // A process that left its group may hold the pipe open.
    let _ = tokio::time::timeout(LAST_WORDS, stderr.join_next()).await;
    failure::of_end(status, &lock(&server.said).text())
}

fn headers(config: &ServerConfig) -> HashMap<HeaderName, HeaderValue> {
    let header = |(name, value): (&String, &String)| {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    };
    config.headers.iter().filter_map(header).collect()
}

/// A client that takes a token nowhere else than where it was meant for.
fn http_client(url: &str) -> Result<reqwest::Client, reqwest::Error> {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("percept/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIME)
        .redirect(Policy::custom(|attempt| {
            let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
            let same_server = attempt.previous().first().map(Url::origin) == Some(attempt.url().origin());
            match keeps_method && same_server && attempt.previous().len() <= MOST_REDIRECTS {
                true => attempt.follow(),
                false => attempt.stop(),
            }
        }));
    match Url::parse(url).is_ok_and(|url| is_loopback(&url)) {
        // What is for this machine must not go by way of another.
        true => builder.no_proxy().build(),
        false => builder.build(),
    }
}
