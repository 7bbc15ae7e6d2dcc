//! The tools that are there, what may happen to a call of one, and running it.
//!
//! [`Toolbox::plan`] judges and runs nothing (`judge`); [`Toolbox::run`] runs what was
//! planned, and judges nothing (`act`). Both block: they belong on a thread of their own.

mod act;
mod judge;
#[cfg(test)]
mod tests;

pub use act::Leash;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::builtin::BuiltIn;
use super::manifest::{self, Action, Manifest, ManifestError};
use super::mcp::{McpTool, ServerConfig, ServerState, ServerStatus, Servers};
use super::permission::Mode;
use super::permission::remembered::{Allowed, Permissions, Remembered};
use super::plan::{ToolLine, ToolsReport};
use super::sandbox;
use crate::attachment::Attachment;
use crate::intake;
use crate::message::{Finding, Outcome};
use crate::retrieval::Library;
use crate::session::BlobStore;
use crate::text;
use crate::wire::ToolSpec;

/// What the toolbox works with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The working folder, absolute.
    pub folder: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// Folders whose content stays unread: percept's own.
    pub private: Vec<PathBuf>,
    /// Whether there are any tools at all.
    pub enabled: bool,
    /// How much is asked.
    pub mode: Mode,
    /// Tools that are switched off, by name.
    pub off: BTreeSet<String>,
    /// How long a command may take that says nothing else.
    pub time: Duration,
    /// How commands are run, and how much of an output the model gets.
    pub commands: sandbox::Options,
    /// Bounds on what a tool attaches.
    pub intake: intake::Options,
    /// The MCP servers.
    pub servers: Vec<ServerConfig>,
    /// Where those are started that don't say where: a folder of percept's own.
    pub servers_stand: PathBuf,
}

/// The tools, and what was allowed.
pub struct Toolbox {
    options: Options,
    manifests: Vec<Manifest>,
    errors: Vec<ManifestError>,
    blobs: Arc<BlobStore>,
    kept: Permissions,
    /// A model is measured: nothing runs.
    measures: bool,
    /// Allowed for as long as this percept runs.
    session: Mutex<Vec<Remembered>>,
    servers: OnceLock<Servers>,
    /// The index that is searched; `None`: there is none.
    library: Option<Arc<Library>>,
    /// What models were told by each server, which only grows: a server that is gone has said it
    /// all the same.
    told: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

/// What came of running a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// How it went.
    pub outcome: Outcome,
    /// What the model gets.
    pub text: String,
    /// Whether that holds anything that is not percept's own words.
    pub outside: bool,
    /// What is attached behind it; its contents are stored.
    pub attachments: Vec<Attachment>,
    /// All of a long output.
    pub whole: Option<PathBuf>,
    /// What was found in the index.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// It did not work.
    pub fn failed(text: impl Into<String>) -> Self {
        let (outcome, took) = (Outcome::Failed, Duration::ZERO);
        let (attachments, whole, findings) = (Vec::new(), None, Vec::new());
        Self { outcome, text: text.into(), outside: true, attachments, whole, findings, took }
    }
}

impl Toolbox {
    /// Puts the tools together: percept's own, and those of the user's folder. What is wrong
    /// with one is in [`Self::problems`]; the others are there. Servers are not started.
    pub fn new(options: Options, own: Option<&Path>, blobs: Arc<BlobStore>, kept: Permissions) -> Self {
        let (manifests, errors) = manifest::all(own);
        let (session, servers, told) = (Mutex::default(), OnceLock::new(), Mutex::default());
        Self {
            options,
            manifests,
            errors,
            blobs,
            kept,
            measures: false,
            session,
            servers,
            library: None,
            told,
        }
    }

    /// Lets models search an index.
    pub fn with_library(self, library: Option<Arc<Library>>) -> Self {
        Self { library, ..self }
    }

    /// For a model that is being measured: it is told of all of percept's own tools, and none runs.
    pub fn for_measuring(self) -> Self {
        Self { measures: true, ..self }
    }

    /// Starts the MCP servers in the background, where they may be called; once. `changed` is called from any thread
    /// whenever one of them changed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, where there are servers.
    pub fn start_servers(&self, changed: impl Fn() + Send + Sync + 'static) {
        let called = self.options.enabled && self.options.mode != Mode::Never;
        if called && !self.options.servers.is_empty() {
            let (configs, folder) = (self.options.servers.clone(), self.options.folder.clone());
            let stands = self.options.servers_stand.clone();
            // Where it can't be made, each server says so.
            let _ = crate::session::make_private(&stands);
            self.servers.get_or_init(|| Servers::start(configs, folder, stands, changed));
        }
    }

    /// Waits until every server is ready or failed, or the time is up. Blocks.
    pub fn wait_for_servers(&self, time: Duration) {
        if let Some(servers) = self.servers.get() {
            servers.settled(time);
        }
    }

    /// Whether a server is still starting.
    pub fn servers_start(&self) -> bool {
        let starts = |status: &ServerStatus| status.state == ServerState::Starting;
        self.servers.get().is_some_and(|servers| servers.status().iter().any(starts))
    }

    /// Starts a server again; whether there is one of that name.
    pub fn restart_server(&self, name: &str) -> bool {
        let known = self.options.servers.iter().any(|server| server.name == name);
        if let Some(servers) = self.servers.get() {
            servers.restart(name);
        }
        known
    }

    /// What is wrong with the user's tools, and with the names of those that are off.
    pub fn problems(&self) -> Vec<String> {
        let known = |name: &&String| {
            name.starts_with(SERVER_TOOL) || self.manifests.iter().any(|manifest| manifest.name == **name)
        };
        let unknown = self.options.off.iter().filter(|name| !known(name)).map(|name| {
            let names = self.manifests.iter().map(|manifest| manifest.name.as_str());
            let near =
                text::nearest(name, names).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            format!("[tools] off names `{name}`, and there is no such tool{near}")
        });
        self.errors.iter().map(ToString::to_string).chain(unknown).collect()
    }

    /// What a model would be told of a tool, also of one that is off.
    pub fn spec(&self, name: &str) -> Option<ToolSpec> {
        let declared = self.manifests.iter().find(|manifest| manifest.name == name).map(Manifest::spec);
        declared.or_else(|| self.server_tools().iter().find(|tool| tool.name == name).map(spec))
    }

    /// The declared tools that are switched on.
    fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter().filter(|manifest| !self.options.off.contains(&manifest.name))
    }

    /// The servers' tools that are switched on.
    fn server_tools(&self) -> Vec<McpTool> {
        let mut tools = self.servers.get().map(Servers::tools).unwrap_or_default();
        tools.retain(|tool| !self.options.off.contains(&tool.name));
        tools
    }

    /// What a model is told of. One without eyes gets no `zoom`. One that `knows` them from its
    /// training may also call those that can do nothing here, and learns why: of the others alone
    /// it would call a wrong one.
    pub fn offered(&self, eyes: bool, knows: bool) -> Vec<ToolSpec> {
        let told = |manifest: &&Manifest| {
            let helps = || knows || self.why_useless(manifest).is_none();
            self.measures || (self.why_switched_off(manifest).is_none() && helps())
        };
        let declared = self.manifests.iter().filter(told);
        let declared = declared.filter(|manifest| eyes || manifest.name != BuiltIn::ZOOM).map(Manifest::spec);
        match self.options.mode {
            Mode::Never => declared.collect(),
            _ => {
                self.said();
                declared.chain(self.server_tools().iter().map(spec)).collect()
            }
        }
    }

    /// What each server says and said of its tools, their parameters included.
    fn said(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for tool in self.server_tools() {
            let words = format!("{} {} {}", tool.tool, tool.description, tool.schema);
            told.entry(tool.server).or_default().insert(words);
        }
        told.clone()
    }

    /// The tools as a person sees them.
    pub fn report(&self) -> ToolsReport {
        let declared = self.manifests.iter().map(|manifest| ToolLine {
            name: manifest.name.clone(),
            description: manifest.description.clone(),
            from: manifest.from(),
            off: self.why_off(manifest).map(str::to_owned),
            leave: manifest.leave().to_owned(),
            runs: manifest.runs(),
        });
        let server_off = match (self.options.enabled, self.options.mode) {
            (false, _) => Some("tools are switched off ([tools] enabled)"),
            (true, Mode::Never) => Some(NO_COMMANDS),
            _ => None,
        };
        let servers = self.server_tools().into_iter().map(|tool| ToolLine {
            name: tool.name,
            description: tool.description,
            from: format!("MCP server {}", tool.server),
            off: server_off.map(str::to_owned),
            leave: "asks".to_owned(),
            runs: None,
        });
        let (allowed, problem) = match self.allowed() {
            Ok(allowed) => (allowed, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        ToolsReport {
            tools: declared.chain(servers).collect(),
            for_good: self.kept.list().map_or(0, |kept| kept.len()),
            allowed,
            servers: self.servers.get().map(Servers::status).unwrap_or_default(),
            problems: self.problems().into_iter().chain(problem).collect(),
        }
    }

    /// Why a model isn't told of a tool.
    fn why_off(&self, manifest: &Manifest) -> Option<&'static str> {
        self.why_switched_off(manifest).or_else(|| self.why_useless(manifest))
    }

    /// What the person doesn't want of it.
    fn why_switched_off(&self, manifest: &Manifest) -> Option<&'static str> {
        let built_in = BuiltIn::of(&manifest.name);
        let runs = matches!(manifest.action, Action::Command(_)) || built_in == Some(BuiltIn::Shell);
        Some(match () {
            () if !self.options.enabled => "tools are switched off ([tools] enabled)",
            () if self.options.off.contains(&manifest.name) => "switched off ([tools] off)",
            () if runs && self.options.mode == Mode::Never => NO_COMMANDS,
            () => return None,
        })
    }

    /// What is missing for it on this machine.
    fn why_useless(&self, manifest: &Manifest) -> Option<&'static str> {
        let built_in = BuiltIn::of(&manifest.name);
        Some(match () {
            () if built_in.is_some_and(|tool| !tool.is_available()) => {
                "what it needs is not installed (percept doctor)"
            }
            () if built_in == Some(BuiltIn::ReadResource) && self.options.servers.is_empty() => {
                "there is no MCP server"
            }
            () if built_in == Some(BuiltIn::FindDocuments) && !self.finds() => {
                "nothing is indexed (percept index add FOLDER)"
            }
            () if !manifest.program_is_here() => "its program is not installed",
            () => return None,
        })
    }

    /// Whether there is an index with something in it.
    fn finds(&self) -> bool {
        self.library.as_ref().is_some_and(|library| !library.is_empty())
    }

    /// What is allowed, for this session and for good.
    ///
    /// # Errors
    ///
    /// The file of what is allowed for good is damaged.
    pub fn allowed(&self) -> Result<Vec<Remembered>, String> {
        let mut all = self.kept.list()?;
        all.extend(self.session.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        Ok(all)
    }

    /// Remembers that something is allowed: for good, or for as long as this percept runs.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn allow(&self, remembered: Remembered, for_good: bool) -> Result<(), String> {
        match for_good {
            true => self.kept.add(remembered),
            false => {
                let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
                session.retain(|known| known.allowed != remembered.allowed);
                session.push(remembered);
                Ok(())
            }
        }
    }

    /// Takes a permission away.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn revoke(&self, allowed: &Allowed) -> Result<(), String> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| &known.allowed != allowed);
        self.kept.revoke(allowed).map(drop)
    }
}

/// What the names of servers' tools begin with (see [`super::mcp`]).
const SERVER_TOOL: &str = "mcp_";

/// Why what runs commands is off.
const NO_COMMANDS: &str = "commands are switched off ([tools] approval)";

fn spec(tool: &McpTool) -> ToolSpec {
    ToolSpec {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: tool.schema.clone(),
    }
}
