//! What happens to a call, and why. Nothing runs here.

use std::path::Path;

use super::Toolbox;
use crate::attachment::{Attachment, Medium};
use crate::message::{Message, Part, ToolCall};
use crate::tools::arguments::Arguments;
use crate::tools::builtin::BuiltIn;
use crate::tools::manifest::{Action, Approval, Kind, Level, Manifest};
use crate::tools::mcp::McpTool;
use crate::tools::permission::place::Place;
use crate::tools::permission::remembered::{Allowed, Grant, Remembered};
use crate::tools::permission::word::Word;
use crate::tools::permission::{Context, Decision, Mode, Scope, Verdict, decide};
use crate::tools::plan::{Plan, Walls};
use crate::tools::sandbox::Support;
use crate::tools::taint::{Outside, quotes};

/// Stands behind a reason while the conversation holds text from outside.
const TAINTED: &str = "; the conversation holds text from outside";

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
        let tool = self.find(&call.name)?;
        let own = match &tool {
            Tool::Server(tool) => Some(tool.server.as_str()),
            Tool::Declared(_) => None,
        };
        let outside = self.outside(conversation, own);
        let tainted = !outside.is_empty();
        let mut plan = match &tool {
            Tool::Server(tool) => self.plan_server(&tool.server, call, tainted),
            Tool::Declared(manifest) => self.plan_declared(manifest, call, conversation, tainted)?,
        };
        if plan.verdict == Verdict::Ask {
            plan.sources = quotes(&plan.shown, &outside);
        }
        Ok(self.in_mode(plan))
    }

    pub(super) fn find(&self, name: &str) -> Result<Tool<'_>, String> {
        if let Some(manifest) = self.manifests().find(|manifest| manifest.name == name) {
            return Ok(Tool::Declared(manifest));
        }
        let servers = self.server_tools();
        if let Some(tool) = servers.iter().find(|tool| tool.name == name) {
            return Ok(Tool::Server(tool.clone()));
        }
        let known = self.manifests().map(|manifest| manifest.name.as_str());
        let known: Vec<&str> = known.chain(servers.iter().map(|tool| tool.name.as_str())).collect();
        Err(format!("There is no tool `{name}`. There are: {}.", known.join(", ")))
    }

    /// What the mode makes of a plan.
    fn in_mode(&self, mut plan: Plan) -> Plan {
        let runs = !matches!(plan.walls, Walls::Percept);
        match (self.options.mode, plan.verdict) {
            (Mode::Never, _) if runs => {
                (plan.verdict, plan.reason) = (Verdict::Deny, "commands are switched off".to_owned());
            }
            (Mode::Auto | Mode::Never, Verdict::Ask) => {
                plan.verdict = Verdict::Deny;
                plan.reason = format!("it would ask, and nobody is there: {}", plan.reason);
            }
            _ => {}
        }
        plan
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
            (Action::BuiltIn, Some(BuiltIn::Shell)) => self.plan_shell(&arguments, tainted),
            // Without an address it lists what the servers told already.
            (Action::BuiltIn, Some(BuiltIn::ReadResource)) if arguments.text("uri").is_some() => {
                let server = arguments.text("server").unwrap_or_default().to_owned();
                self.plan_server(&server, call, tainted)
            }
            (Action::BuiltIn, _) => self.plan_reader(manifest, call, &arguments, &attachments(conversation)),
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
        Plan { verdict, reason, shown, grant, walls, scope, sources: Vec::new(), editable: None }
    }

    fn plan_shell(&self, arguments: &Arguments, tainted: bool) -> Plan {
        let command = arguments.text("command").unwrap_or_default().to_owned();
        let wanted = Grant { write: arguments.is_set("write"), network: arguments.is_set("network") };
        let fresh = decide(&command, &self.context(tainted, Vec::new()));
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
        Plan { editable, ..self.judged(command, decision, grant) }
    }

    /// What was allowed for good and covers all of a command, with what it may do: only what
    /// each of its permissions may.
    fn remembered_command(&self, command: &str, tainted: bool) -> Result<Option<(Decision, Grant)>, String> {
        let known = self.allowed()?;
        let with = |which: &dyn Fn(&Remembered) -> bool| {
            let scopes = known.iter().filter(|one| which(one)).filter_map(|one| match &one.allowed {
                Allowed::Command { scope } => Some(scope.clone()),
                Allowed::Tool { .. } => None,
            });
            let decision = decide(command, &self.context(tainted, scopes.collect()));
            (decision.verdict == Verdict::Auto).then_some(decision)
        };
        let Some(decision) = with(&|_| true) else { return Ok(None) };
        let write = with(&|one| one.grant.write).is_some();
        let network = with(&|one| one.grant.network).is_some();
        Ok(Some((decision, Grant { write, network })))
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
        let outside = self.paths_outside(manifest, arguments, &[]);
        let asks = match (&outside, manifest.approval) {
            (Some(why), _) => Some(why.clone()),
            (None, _) if manifest.sandbox != Level::ReadOnly => {
                Some(format!("`{}` may {grant}", manifest.name))
            }
            (None, Approval::Ask) => Some(format!("`{}` always asks", manifest.name)),
            (None, Approval::AsCommand) if judged.verdict == Verdict::Ask => Some(judged.reason),
            (None, Approval::AsCommand | Approval::Auto) => None,
        };
        let may_last = outside.is_none() && manifest.approval != Approval::Ask;
        let (decision, scope) = self.ask_or_not(&manifest.name, asks, may_last, tainted);
        let plan = self.judged(shown, decision, grant);
        Plan { scope: scope.filter(|_| plan.verdict == Verdict::Ask), ..plan }
    }

    /// What a server does is out of percept's reach: it always asks, unless it was allowed.
    fn plan_server(&self, server: &str, call: &ToolCall, tainted: bool) -> Plan {
        let why = Some(format!("what the MCP server {server} does with it can't be known"));
        let (decision, scope) = self.ask_or_not(&call.name, why, true, tainted);
        Plan {
            verdict: decision.verdict,
            reason: decision.reason,
            shown: format!("{} {}", call.name, call.arguments),
            grant: Grant::default(),
            walls: Walls::Server(server.to_owned()),
            scope,
            sources: Vec::new(),
            editable: None,
        }
    }

    /// Asks where there is a reason to, unless the tool was allowed for good; and what could be.
    fn ask_or_not(
        &self,
        name: &str,
        asks: Option<String>,
        may_last: bool,
        tainted: bool,
    ) -> (Decision, Option<Allowed>) {
        let may_last = may_last && !tainted;
        let tool = Allowed::Tool { name: name.to_owned(), folder: self.options.folder.clone() };
        let (verdict, reason) = match asks {
            None => (Verdict::Auto, format!("`{name}` only reads")),
            Some(_) if may_last && self.is_allowed(&tool) => {
                (Verdict::Auto, format!("you allowed `{name}` here"))
            }
            // The reason of a judged command may say so already.
            Some(why) if tainted && !why.ends_with(TAINTED) => (Verdict::Ask, why + TAINTED),
            Some(why) => (Verdict::Ask, why),
        };
        let scope = (verdict == Verdict::Ask && may_last).then_some(tool);
        (Decision { verdict, reason, scope: None }, scope)
    }

    fn is_allowed(&self, wanted: &Allowed) -> bool {
        let covers = |known: &Remembered| match (&known.allowed, wanted) {
            (Allowed::Tool { name, folder }, Allowed::Tool { name: other, folder: here }) => {
                name == other && here.starts_with(folder)
            }
            _ => false,
        };
        // What can't be read allows nothing.
        self.allowed().is_ok_and(|all| all.iter().any(covers))
    }

    fn plan_reader(
        &self,
        manifest: &Manifest,
        call: &ToolCall,
        arguments: &Arguments,
        attached: &[Attachment],
    ) -> Plan {
        let (verdict, reason) = match self.paths_outside(manifest, arguments, attached) {
            Some(why) => (Verdict::Ask, why),
            None => (Verdict::Auto, format!("`{}` only reads, here and what is attached", manifest.name)),
        };
        Plan {
            verdict,
            reason,
            shown: format!("{} {}", call.name, call.arguments),
            grant: Grant::default(),
            walls: Walls::Percept,
            scope: None,
            sources: Vec::new(),
            editable: None,
        }
    }

    /// Why a path among the arguments needs leave; `None` if none does.
    fn paths_outside(
        &self,
        manifest: &Manifest,
        arguments: &Arguments,
        attached: &[Attachment],
    ) -> Option<String> {
        let place = Place::new(&self.options.folder, self.options.home.as_deref(), &self.options.private);
        let paths = manifest.parameters.iter().filter(|parameter| parameter.kind == Kind::Path);
        paths.filter_map(|parameter| arguments.text(&parameter.name)).find_map(|path| {
            let known = attached.iter().any(|attachment| attachment.name == path) || self.is_output(path);
            match known {
                true => None,
                // A link may lead anywhere, `~` is the home.
                false => place.path(&Word { home: path.starts_with('~'), ..Word::plain(path) }).err(),
            }
        })
    }

    /// Whether a path is that of a kept output, which the model was told of.
    fn is_output(&self, path: &str) -> bool {
        let path = Path::new(path);
        path.parent() == Some(self.options.commands.spool.as_path())
            && std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
    }

    /// The texts from outside that a conversation holds, also those that were taken out again
    /// (what was answered to them is still there), and what servers say of their tools, but
    /// for the server `own`: that is why its tools are called at all.
    fn outside(&self, conversation: &[Message], own: Option<&str>) -> Vec<Outside> {
        let parts = conversation.iter().flat_map(|message| &message.parts);
        let outside = |part: &Part| {
            let text = match part {
                Part::Attachment { attachment, .. } => self.words(attachment),
                Part::ToolResult(result) => Some(result.text.clone()),
                Part::Text { .. } | Part::ToolCall(_) => None,
            };
            Some(Outside { name: part.taint()?.name, text })
        };
        let said = self.server_tools().into_iter().filter(|tool| Some(tool.server.as_str()) != own);
        let said = said.map(|tool| Outside {
            name: format!("what the MCP server {} says of {}", tool.server, tool.tool),
            text: Some(tool.description),
        });
        parts.filter_map(outside).chain(said).collect()
    }

    fn words(&self, attachment: &Attachment) -> Option<String> {
        match &attachment.medium {
            Medium::Text { .. } => {
                let bytes = self.blobs.read(attachment.view()).ok()?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            Medium::Image { .. } => None,
        }
    }
}

/// What is attached to a conversation and still in it, the oldest first.
pub(super) fn attachments(conversation: &[Message]) -> Vec<Attachment> {
    conversation.iter().flat_map(Message::attachments).cloned().collect()
}
