//! What percept is to a server: it says which folder is worked in, and takes word of changes.
//! Requests for a model's answer or a person's input are declined; neither is announced.
#![expect(deprecated, reason = "roots go with the newest version; servers of all others ask for them")]

use std::path::Path;

use rmcp::model::{
    ClientCapabilities, ClientConfig, Implementation, ListRootsResult, Root, RootsCapabilities,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ClientHandler, ErrorData, RoleClient};
use tokio::sync::mpsc;
use url::Url;

/// percept, to a server.
pub(super) struct Client {
    change: mpsc::Sender<()>,
    roots: ListRootsResult,
}

impl Client {
    /// `change` gets a word when the server's lists changed.
    pub(super) fn new(change: mpsc::Sender<()>, folder: &Path) -> Self {
        let root = Url::from_file_path(folder).ok().map(|url| Root::new(url.as_str()));
        Self { change, roots: ListRootsResult::new(root.into_iter().collect()) }
    }

    fn changed(&self) {
        // Full: it is known already.
        let _ = self.change.try_send(());
    }
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.roots = Some(RootsCapabilities::default());
        ClientConfig::new(capabilities, Implementation::new("percept", env!("CARGO_PKG_VERSION")))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Ok(self.roots.clone())
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed();
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed();
    }
}
