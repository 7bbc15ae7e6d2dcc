//! What happens to a call, and why. Nothing runs here.

use std::path::{Path, PathBuf};

use super::Toolbox;
use crate::attachment::{Attachment, Medium};
use crate::message::{Message, Part, ToolCall};
use crate::text;
use crate::tools::arguments::Arguments;
use crate::tools::builtin::BuiltIn;
use crate::tools::manifest::{Action, Approval, Kind, Level, Manifest};
use crate::tools::mcp::McpTool;
use crate::tools::permission::place::Place;
use crate::tools::permission::remembered::{Allowed, Grant, Remembered};
use crate::tools::permission::word::Word;
use crate::tools::permission::{Context, Decision, Mode, Scope, Verdict, decide, may_share_leave};
use crate::tools::plan::{Plan, Walls};
use crate::tools::sandbox::Support;
use crate::tools::taint::{Outside, quotes};

/// Stands behind a reason while the conversation holds text from outside.
const TAINTED: &str = "; the conversation holds text from outside";

/// The longest reason.
const REASON_COLUMNS: usize = 400;

/// What a name stands for.
pub(super) enum Tool<'a> {
    /// A declared tool.
    Declared(&'a Manifest),
    /// A server's.
    Server(McpTool),
}

impl Toolbox {
    /// Judges a call of a conversation. It runs nothing.
    ///
    /// # Errors
    ///
    /// The call is wrong: a sentence for the model.
    pub fn plan(&self, call: &ToolCall, conversation: &[Message]) -> Result<Plan, String> {
        if self.measures {
            return Err("Nothing runs: a model is being measured.".to_owned());
        }
        let tool = self.find(&call.name)?;
        let own = match &tool {
            Tool::Server(tool) => Some(tool.server.as_str()),
            Tool::Declared(_) => None,
        };
        let outside = self.outside(conversation, own);
        let tainted = !outside.is_empty();
        let mut plan = match &tool {
            Tool::Server(tool) => self.plan_server(&tool.server, &tool.tool, call, tainted),
            Tool::Declared(manifest) => self.plan_declared(manifest, call, conversation, tainted)?,
        };
        if plan.verdict == Verdict::Ask {
            plan.sources = quotes(&plan.shown, &outside);
        }
        // It quotes names of files, which may hold anything.
        let reason = text::end(&text::printable(&plan.reason).replace('\n', "␊"), REASON_COLUMNS);
        let runs = !matches!(plan.walls, Walls::Percept);
        (plan.verdict, plan.reason) = self.options.mode.apply(runs, plan.verdict, reason);
        Ok(plan)
    }

    pub(super) fn find(&self, name: &str) -> Result<Tool<'_>, String> {
        if let Some(manifest) = self.manifests().find(|manifest| manifest.name == name) {
            return Ok(Tool::Declared(manifest));
        }
        let servers = self.server_tools();
        if let Some(tool) = servers.iter().find(|tool| tool.name == name) {
            return Ok(Tool::Server(tool.clone()));
        }
        let offered = self.manifests().filter(|manifest| self.why_off(manifest).is_none());
        let known = offered.map(|manifest| manifest.name.as_str());
        let known: Vec<&str> = known.chain(servers.iter().map(|tool| tool.name.as_str())).collect();
        Err(format!("There is no tool `{name}`. There are: {}.", known.join(", ")))
    }

    fn plan_declared(
        &self,
        manifest: &Manifest,
        call: &ToolCall,
        conversation: &[Message],
        tainted: bool,
    ) -> Result<Plan, String> {
        let arguments = Arguments::check(manifest, &call.arguments)?;
        Ok(match (&manifest.action, BuiltIn::of(&manifest.name)) {
            (Action::Command(argv), _) => {
                let argv = arguments.command(argv, &manifest.parameters);
                self.plan_command(manifest, &argv, &arguments, tainted)
            }
            (Action::BuiltIn, Some(BuiltIn::Shell)) => {
                if arguments.text("command").is_none_or(|command| command.trim().is_empty()) {
                    return Err("shell: `command` is empty.".to_owned());
                }
                self.plan_shell(&arguments, tainted)
            }
            // Without an address it lists what the servers told already.
            (Action::BuiltIn, Some(BuiltIn::ReadResource)) if arguments.text("uri").is_some() => {
                let server = arguments
                    .text("server")
                    .ok_or("read_resource needs `server` with `uri`; without both it lists them.")?;
                self.plan_server(server, &call.name, call, tainted)
            }
            (Action::BuiltIn, _) => self.plan_reader(
                manifest,
                call,
                &arguments,
                &Known::of(conversation, &self.options.commands.spool),
            ),
        })
    }

    fn context(&self, tainted: bool, remembered: Vec<Scope>) -> Context {
        Context {
            folder: self.options.folder.clone(),
            home: self.options.home.clone(),
            private: self.options.private.clone(),
            tainted,
            mode: Mode::Ask,
            remembered,
        }
    }

    fn walls(&self) -> Walls {
        match &self.options.commands.by {
            Support::By(means) => Walls::Sandbox(means.to_string()),
            Support::None(why) => Walls::Nothing(why.clone()),
        }
    }

    /// A plan for a command that was judged; without a sandbox all of them ask.
    fn judged(&self, shown: String, decision: Decision, grant: Grant) -> Plan {
        let walls = self.walls();
        let (verdict, reason) = match (&walls, decision.verdict) {
            (Walls::Nothing(why), Verdict::Auto) => {
                (Verdict::Ask, format!("{}, but nothing could hold it: {why}", decision.reason))
            }
            _ => (decision.verdict, decision.reason),
        };
        let scope =
            decision.scope.filter(|_| verdict == Verdict::Ask).map(|scope| Allowed::Command { scope });
        let (sources, editable, target) = (Vec::new(), None, None);
        Plan { verdict, reason, shown, grant, walls, scope, sources, editable, target, proven: false }
    }

    fn plan_shell(&self, arguments: &Arguments, tainted: bool) -> Plan {
        let command = arguments.text("command").unwrap_or_default().to_owned();
        let wanted = Grant { write: arguments.is_set("write"), network: arguments.is_set("network") };
        let fresh = decide(&command, &self.context(tainted, Vec::new()));
        let proven = fresh.verdict == Verdict::Auto;
        let (decision, grant) = match fresh.verdict {
            // Whatever it asked for: it is known to need nothing.
            Verdict::Auto => (fresh, Grant::default()),
            Verdict::Deny => (fresh, wanted),
            Verdict::Ask => match self.remembered_command(&command, tainted) {
                Ok(Some((decision, grant))) => (decision, grant),
                Ok(None) => (fresh, wanted),
                Err(why) => (Decision { reason: format!("{}; {why}", fresh.reason), ..fresh }, wanted),
            },
        };
        let editable = Some(command.clone());
        Plan { editable, proven, ..self.judged(command, decision, grant) }
    }

    /// What was allowed for good and covers all of a command, with what it may do: only what
    /// each of its permissions may.
    fn remembered_command(&self, command: &str, tainted: bool) -> Result<Option<(Decision, Grant)>, String> {
        let known = self.allowed()?;
        let with = |which: &dyn Fn(&Remembered) -> bool| {
            let scopes = known.iter().filter(|one| which(one)).filter_map(|one| match &one.allowed {
                Allowed::Command { scope } => Some(scope.clone()),
                Allowed::Tool { .. } | Allowed::Server { .. } => None,
            });
            let decision = decide(command, &self.context(tainted, scopes.collect()));
            (decision.verdict == Verdict::Auto).then_some(decision)
        };
        let Some(decision) = with(&|_| true) else { return Ok(None) };
        let write = with(&|one| one.grant.write).is_some();
        let network = with(&|one| one.grant.network).is_some();
        let grant = Grant { write, network };
        if grant != Grant::default() && !may_share_leave(command, &self.context(tainted, Vec::new())) {
            return Err("what you allowed for good would hold for all of it".to_owned());
        }
        Ok(Some((decision, grant)))
    }

    fn plan_command(
        &self,
        manifest: &Manifest,
        argv: &[String],
        arguments: &Arguments,
        tainted: bool,
    ) -> Plan {
        let shown = shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "));
        let grant = manifest.sandbox.grant();
        let judged = decide(&shown, &self.context(tainted, Vec::new()));
        if judged.verdict == Verdict::Deny {
            return self.judged(shown, judged, grant);
        }
        let outside = self.paths_outside(manifest, arguments, &Known::default());
        let asks = match (&outside, manifest.approval) {
            // Judged as typed, a command has had its paths placed: `du` may look at any.
            (Some(why), Approval::Auto | Approval::Ask) => Some(why.clone()),
            _ if manifest.sandbox != Level::ReadOnly => Some(format!("`{}` may {grant}", manifest.name)),
            (_, Approval::Ask) => Some(format!("`{}` always asks", manifest.name)),
            (_, Approval::AsCommand) if judged.verdict == Verdict::Ask => Some(judged.reason),
            _ => None,
        };
        let proven = asks.is_none();
        let tool = Allowed::Tool { name: manifest.name.clone(), folder: self.options.folder.clone() };
        let lasting = Some(tool).filter(|_| outside.is_none() && manifest.approval != Approval::Ask);
        let (decision, scope) = self.ask_or_not(&manifest.name, asks, lasting, grant, tainted);
        let plan = self.judged(shown, decision, grant);
        Plan { scope: scope.filter(|_| plan.verdict == Verdict::Ask), proven, ..plan }
    }

    /// What a server does is out of percept's reach: it always asks, unless it was allowed.
    fn plan_server(&self, server: &str, tool: &str, call: &ToolCall, tainted: bool) -> Plan {
        let why = Some(format!("what the MCP server {server} does with it can't be known"));
        let allowed = Allowed::Server {
            server: server.to_owned(),
            tool: tool.to_owned(),
            folder: self.options.folder.clone(),
        };
        let (decision, scope) = self.ask_or_not(&call.name, why, Some(allowed), Grant::default(), tainted);
        Plan {
            verdict: decision.verdict,
            reason: decision.reason,
            shown: format!("{} {}", call.name, call.arguments),
            grant: Grant::default(),
            walls: Walls::Server(server.to_owned()),
            target: Some((server.to_owned(), tool.to_owned())),
            proven: false,
            scope,
            sources: Vec::new(),
            editable: None,
        }
    }

    /// Asks where there is a reason to, unless `lasting` was allowed for good with all that is
    /// to be granted; and what could be.
    fn ask_or_not(
        &self,
        name: &str,
        asks: Option<String>,
        lasting: Option<Allowed>,
        grant: Grant,
        tainted: bool,
    ) -> (Decision, Option<Allowed>) {
        let lasting = lasting.filter(|_| !tainted);
        let is_allowed = lasting.as_ref().is_some_and(|wanted| self.is_allowed(wanted, grant));
        let (verdict, reason) = match asks {
            None => (Verdict::Auto, format!("`{name}` only reads")),
            Some(_) if is_allowed => (Verdict::Auto, format!("you allowed `{name}` here")),
            // The reason of a judged command may say so already.
            Some(why) if tainted && !why.ends_with(TAINTED) => (Verdict::Ask, why + TAINTED),
            Some(why) => (Verdict::Ask, why),
        };
        let scope = lasting.filter(|_| verdict == Verdict::Ask);
        (Decision { verdict, reason, scope: None }, scope)
    }

    fn is_allowed(&self, wanted: &Allowed, grant: Grant) -> bool {
        // What can't be read allows nothing.
        let all = self.allowed().unwrap_or_default();
        all.iter().any(|known| known.allowed.covers(wanted) && known.grant.covers(grant))
    }

    fn plan_reader(
        &self,
        manifest: &Manifest,
        call: &ToolCall,
        arguments: &Arguments,
        known: &Known,
    ) -> Plan {
        let (verdict, reason) = match self.paths_outside(manifest, arguments, known) {
            Some(why) => (Verdict::Ask, why),
            None => (Verdict::Auto, format!("`{}` only reads, here and what is attached", manifest.name)),
        };
        Plan {
            verdict,
            reason,
            shown: format!("{} {}", call.name, call.arguments),
            grant: Grant::default(),
            walls: Walls::Percept,
            target: None,
            proven: true,
            scope: None,
            sources: Vec::new(),
            editable: None,
        }
    }

    /// Why a path among the arguments needs leave; `None` if none does.
    fn paths_outside(&self, manifest: &Manifest, arguments: &Arguments, known: &Known) -> Option<String> {
        let place = Place::new(&self.options.folder, self.options.home.as_deref(), &self.options.private);
        // As `Scene::resolve` reads them; no shell reads those of a command.
        let home = |path: &str| manifest.action == Action::BuiltIn && (path == "~" || path.starts_with("~/"));
        let paths = manifest.parameters.iter().filter(|parameter| parameter.kind == Kind::Path);
        paths
            .filter_map(|parameter| arguments.text(&parameter.name))
            .filter(|path| !known.names(path))
            .find_map(|path| place.path(&Word { home: home(path), ..Word::plain(path) }).err())
    }

    /// The texts from outside that a conversation holds, also those that were taken out again
    /// (what was answered to them is still there), and what servers said of their tools, but
    /// for the server `own`: that is why its tools are called at all.
    fn outside(&self, conversation: &[Message], own: Option<&str>) -> Vec<Outside> {
        let parts = conversation.iter().flat_map(|message| &message.parts);
        let outside = |part: &Part| {
            let text = match part {
                Part::Attachment { attachment, .. } => self.words(attachment),
                Part::ToolResult(result) => Some(result.text.clone()),
                Part::Summary(summary) => Some(summary.text.clone()),
                Part::Text { .. } | Part::ToolCall(_) => None,
            };
            Some(Outside { name: part.taint()?.name, text })
        };
        let said = self.said().into_iter().filter(|(server, _)| Some(server.as_str()) != own);
        let said = said.map(|(server, words)| Outside {
            name: format!("what the MCP server {server} says of its tools"),
            text: Some(words.into_iter().collect::<Vec<_>>().join("\n")),
        });
        parts.filter_map(outside).chain(said).collect()
    }

    fn words(&self, attachment: &Attachment) -> Option<String> {
        match &attachment.medium {
            Medium::Text { .. } | Medium::Table { .. } | Medium::Log { .. } | Medium::Recording { .. } => {
                let bytes = self.blobs.read(attachment.view()).ok()?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            Medium::Image { .. } => None,
        }
    }
}

/// What of a conversation a reader may read without being asked, by the names it has there.
#[derive(Default)]
struct Known {
    attachments: Vec<Attachment>,
    outputs: Vec<PathBuf>,
}

impl Known {
    /// Outputs lie in the folder that is kept for them: of what a conversation says, nothing else is
    /// one.
    fn of(conversation: &[Message], kept: &Path) -> Self {
        let outputs = conversation.iter().filter_map(|message| message.result()?.whole.clone());
        let outputs = outputs.filter(|output| output.parent() == Some(kept));
        Self { attachments: attachments(conversation), outputs: outputs.collect() }
    }

    fn names(&self, path: &str) -> bool {
        self.attachments.iter().any(|attachment| attachment.name == path)
            || self.outputs.iter().any(|output| output == Path::new(path))
    }
}

/// What is attached to a conversation and still in it, the oldest first.
pub(super) fn attachments(conversation: &[Message]) -> Vec<Attachment> {
    conversation.iter().flat_map(Message::attachments).cloned().collect()
}
