//! The tools that are there, what may happen to a call of one, and running it.
//!
//! [`Toolbox::plan`] judges and runs nothing; [`Toolbox::run`] runs what was planned, and
//! judges nothing. Both block: they belong on a thread of their own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::arguments::Arguments;
use super::builtin::BuiltIn;
use super::manifest::{Action, Approval, Kind, Level, Manifest, ManifestError};
use super::permission::place::Place;
use super::permission::remembered::{Allowed, Grant, Permissions, Remembered};
use super::permission::word::Word;
use super::permission::{Context, Decision, Mode, Verdict, decide};
use super::plan::{Plan, ToolLine, ToolsReport, Walls};
use super::sandbox::{self, Ended, Policy, Support};
use super::scene::{Found, Scene};
use super::taint::{Outside, quotes};
use super::{output, permission};
use crate::attachment::{Attachment, Medium};
use crate::intake;
use crate::message::{Message, Outcome, Part, ToolCall};
use crate::session::BlobStore;
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
}

/// The tools, and what was allowed.
pub struct Toolbox {
    options: Options,
    manifests: Vec<Manifest>,
    blobs: Arc<BlobStore>,
    kept: Permissions,
    /// Allowed for as long as this percept runs.
    session: Mutex<Vec<Remembered>>,
    errors: Vec<ManifestError>,
}

/// What came of running a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// How it went.
    pub outcome: Outcome,
    /// What the model gets.
    pub text: String,
    /// What is attached behind it; its contents are stored.
    pub attachments: Vec<Attachment>,
    /// All of a long output.
    pub whole: Option<PathBuf>,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// It did not work.
    pub fn failed(text: impl Into<String>) -> Self {
        let (outcome, took) = (Outcome::Failed, Duration::ZERO);
        Self { outcome, text: text.into(), attachments: Vec::new(), whole: None, took }
    }
}

impl Toolbox {
    /// Puts the tools together: percept's own, and those of the user's folder. What is wrong
    /// with one is in [`Self::errors`]; the others are there.
    pub fn new(options: Options, own: Option<&Path>, blobs: Arc<BlobStore>, kept: Permissions) -> Self {
        let (manifests, errors) = super::manifest::all(own);
        let session = Mutex::default();
        Self { options, manifests, blobs, kept, session, errors }
    }

    /// What is wrong with the user's tools.
    pub fn errors(&self) -> &[ManifestError] {
        &self.errors
    }

    /// What a model would be told of a tool, also of one that is off.
    pub fn spec(&self, name: &str) -> Option<ToolSpec> {
        self.manifests.iter().find(|manifest| manifest.name == name).map(Manifest::spec)
    }

    /// The same, with how much is asked changed.
    #[must_use]
    pub fn asking(mut self, mode: Mode) -> Self {
        self.options.mode = mode;
        self
    }

    /// How much is asked.
    pub fn mode(&self) -> Mode {
        self.options.mode
    }

    /// The declared tools that are switched on.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter().filter(|manifest| !self.options.off.contains(&manifest.name))
    }

    /// What a model is told of. One without eyes gets no `zoom`, one with eyes needs no OCR.
    pub fn offered(&self, eyes: bool) -> Vec<ToolSpec> {
        self.manifests().filter(|manifest| self.is_offered(manifest, eyes)).map(Manifest::spec).collect()
    }

    fn is_offered(&self, manifest: &Manifest, eyes: bool) -> bool {
        match (&manifest.action, BuiltIn::of(&manifest.name)) {
            (Action::BuiltIn, Some(tool)) => tool.is_offered(eyes) && !self.runs_nothing(manifest),
            (Action::BuiltIn, None) => false,
            (Action::Command(_), _) => !self.runs_nothing(manifest) && manifest.program_is_here(),
        }
    }

    /// Whether it is a tool that runs commands, and none may run.
    fn runs_nothing(&self, manifest: &Manifest) -> bool {
        let runs = matches!(manifest.action, Action::Command(_)) || manifest.name == BuiltIn::SHELL;
        runs && self.options.mode == Mode::Never
    }

    /// The tools as a person sees them.
    pub fn report(&self) -> ToolsReport {
        let line = |manifest: &Manifest| ToolLine {
            name: manifest.name.clone(),
            description: manifest.description.clone(),
            from: manifest.from(),
            off: self.why_off(manifest),
            leave: manifest.leave().to_owned(),
        };
        let (allowed, problem) = match self.allowed() {
            Ok(allowed) => (allowed, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let mut problems: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        problems.extend(problem);
        ToolsReport { tools: self.manifests.iter().map(line).collect(), allowed, problems }
    }

    /// Why a model isn't told of a tool.
    fn why_off(&self, manifest: &Manifest) -> Option<String> {
        match () {
            () if self.options.off.contains(&manifest.name) => Some("switched off ([tools] off)".to_owned()),
            () if self.runs_nothing(manifest) => {
                Some("commands are switched off ([tools] approval)".to_owned())
            }
            () if BuiltIn::of(&manifest.name).is_some_and(|tool| !tool.is_available()) => {
                Some("what it needs is not installed (percept doctor)".to_owned())
            }
            () if !manifest.program_is_here() => Some("its program is not installed".to_owned()),
            () => None,
        }
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

    /// Judges a call of a conversation. It runs nothing.
    ///
    /// # Errors
    ///
    /// The call is wrong: a sentence for the model.
    pub fn plan(&self, call: &ToolCall, conversation: &[Message]) -> Result<Plan, String> {
        let manifest = self.find(&call.name)?;
        let arguments = Arguments::check(manifest, &call.arguments)?;
        let outside = self.outside(conversation);
        let tainted = !outside.is_empty();
        let mut plan = match (&manifest.action, BuiltIn::of(&manifest.name)) {
            (Action::Command(argv), _) => self.plan_declared(
                manifest,
                &arguments.command(argv, &manifest.parameters),
                &arguments,
                tainted,
            ),
            (Action::BuiltIn, Some(BuiltIn::Shell)) => self.plan_shell(&arguments, tainted),
            (Action::BuiltIn, _) => {
                let attached = attachments(conversation);
                self.plan_reader(manifest, call, &arguments, &attached)
            }
        };
        if plan.verdict == Verdict::Ask {
            plan.sources = quotes(&plan.shown, &outside);
        }
        Ok(self.in_mode(plan))
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

    fn find(&self, name: &str) -> Result<&Manifest, String> {
        self.manifests().find(|manifest| manifest.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.manifests().map(|manifest| manifest.name.as_str()).collect();
            format!("There is no tool `{name}`. There are: {}.", known.join(", "))
        })
    }

    fn context(&self, tainted: bool, remembered: Vec<permission::Scope>) -> Context {
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
    fn command_plan(&self, shown: String, decision: Decision, grant: Grant) -> Plan {
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
        Plan { editable, ..self.command_plan(command, decision, grant) }
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

    fn plan_declared(
        &self,
        manifest: &Manifest,
        argv: &[String],
        arguments: &Arguments,
        tainted: bool,
    ) -> Plan {
        let shown = shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "));
        let grant = manifest.sandbox.grant();
        let judged = decide(&shown, &self.context(tainted, Vec::new()));
        let outside = self.paths_outside(manifest, arguments, &[]);
        let acts = manifest.sandbox != Level::ReadOnly;
        let asks = match (&outside, manifest.approval) {
            (_, _) if judged.verdict == Verdict::Deny => return self.command_plan(shown, judged, grant),
            (Some(why), _) => Some(why.clone()),
            (None, _) if acts => Some(format!("`{}` {grant}", manifest.name)),
            (None, Approval::Ask) => Some(format!("`{}` always asks", manifest.name)),
            (None, Approval::AsCommand) if judged.verdict == Verdict::Ask => Some(judged.reason.clone()),
            (None, Approval::AsCommand | Approval::Auto) => None,
        };
        let tool = Allowed::Tool { name: manifest.name.clone(), folder: self.options.folder.clone() };
        let may_last = outside.is_none() && !tainted && manifest.approval != Approval::Ask;
        let (verdict, reason) = match asks {
            None => (Verdict::Auto, format!("`{}` only reads", manifest.name)),
            Some(_) if may_last && self.is_allowed(&tool) => {
                (Verdict::Auto, format!("you allowed `{}` here", manifest.name))
            }
            Some(why) if tainted => {
                (Verdict::Ask, format!("{why}; the conversation holds text from outside"))
            }
            Some(why) => (Verdict::Ask, why),
        };
        let plan = self.command_plan(shown, Decision { verdict, reason, scope: None }, grant);
        let scope = (plan.verdict == Verdict::Ask && may_last).then_some(tool);
        Plan { scope, ..plan }
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
        let outside = self.paths_outside(manifest, arguments, attached);
        let (verdict, reason) = match outside {
            Some(why) => (Verdict::Ask, why),
            None => (Verdict::Auto, format!("`{}` only reads, inside the working folder", manifest.name)),
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
                // Its link may lead anywhere, its `~` is the home.
                false => place.path(&Word { home: path.starts_with('~'), ..Word::plain(path) }).err(),
            }
        })
    }

    /// Whether a path is that of a kept output, which the model was told of.
    fn is_output(&self, path: &str) -> bool {
        let spool = &self.options.commands.spool;
        let path = Path::new(path);
        path.parent() == Some(spool.as_path())
            && std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
    }

    /// The texts from outside that a conversation holds, also those that were taken out
    /// again: what was answered to them is still there.
    fn outside(&self, conversation: &[Message]) -> Vec<Outside> {
        let parts = conversation.iter().flat_map(|message| &message.parts);
        let outside = |part: &Part| {
            let taint = part.taint()?;
            let text = match part {
                Part::Attachment { attachment, .. } => match &attachment.medium {
                    Medium::Text { .. } => self.blobs.read(attachment.view()).ok(),
                    Medium::Image { .. } => None,
                }
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
                Part::ToolResult(result) => Some(result.text.clone()),
                Part::Text { .. } | Part::ToolCall(_) => None,
            };
            Some(Outside { name: taint.name, text })
        };
        parts.filter_map(outside).collect()
    }

    /// Runs a planned call. Blocks until it ended, `stop` is set, or its time is up.
    pub fn run(
        &self,
        call: &ToolCall,
        grant: Grant,
        conversation: &[Message],
        stop: &Arc<AtomicBool>,
    ) -> Ran {
        let start = Instant::now();
        let ran = self.try_run(call, grant, conversation, stop).unwrap_or_else(Ran::failed);
        Ran { took: start.elapsed(), ..ran }
    }

    fn try_run(
        &self,
        call: &ToolCall,
        grant: Grant,
        conversation: &[Message],
        stop: &Arc<AtomicBool>,
    ) -> Result<Ran, String> {
        let manifest = self.find(&call.name)?;
        let arguments = Arguments::check(manifest, &call.arguments)?;
        match (&manifest.action, BuiltIn::of(&manifest.name)) {
            (Action::Command(argv), _) => {
                let argv = arguments.command(argv, &manifest.parameters);
                self.command(&argv, grant, manifest, stop)
            }
            (Action::BuiltIn, Some(BuiltIn::Shell)) => {
                let command = arguments.text("command").unwrap_or_default();
                self.command(&shell(command)?, grant, manifest, stop)
            }
            (Action::BuiltIn, Some(tool)) => {
                let attachments = attachments(conversation);
                let scene = Scene {
                    folder: &self.options.folder,
                    home: self.options.home.as_deref(),
                    private: &self.options.private,
                    attachments: &attachments,
                    blobs: &self.blobs,
                    intake: &self.options.intake,
                    commands: &self.options.commands,
                    most_output: self.options.commands.most_output,
                    stop,
                };
                self.found(tool.run(&arguments, &scene)?)
            }
            (Action::BuiltIn, None) => Err(format!("{} is not built in.", manifest.name)),
        }
    }

    /// Keeps what a tool found.
    fn found(&self, found: Found) -> Result<Ran, String> {
        for taken in &found.taken {
            let stored = [Some(&taken.original), taken.view.as_ref()]
                .into_iter()
                .flatten()
                .try_for_each(|bytes| self.blobs.put(bytes).map(drop));
            stored.map_err(|error| format!("{} can't be kept: {error}", taken.attachment.name))?;
        }
        Ok(Ran {
            outcome: Outcome::Done,
            text: found.text,
            attachments: found.taken.into_iter().map(|taken| taken.attachment).collect(),
            whole: found.whole,
            took: Duration::ZERO,
        })
    }

    fn command(
        &self,
        argv: &[String],
        grant: Grant,
        manifest: &Manifest,
        stop: &Arc<AtomicBool>,
    ) -> Result<Ran, String> {
        let mut policy =
            Policy::read_only(&self.options.folder, self.options.home.as_deref(), &self.options.private);
        if grant.write {
            policy = policy.writing();
        }
        if grant.network {
            policy = policy.reaching_out();
        }
        let command: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let run = sandbox::Run {
            command: &command,
            policy: &policy,
            time: manifest.time.unwrap_or(self.options.time),
            stop: Arc::clone(stop),
        };
        let most = manifest.most_output.unwrap_or(self.options.commands.most_output);
        let options = sandbox::Options { most_output: most, ..self.options.commands.clone() };
        let ran = sandbox::run(&run, &options)
            .map_err(|error| format!("{} can't be run: {error}.", argv.join(" ")))?;
        let outcome = if ran.ended == Ended::Code(0) { Outcome::Done } else { Outcome::Failed };
        let (text, whole) = (output::text_of(&ran), ran.whole);
        Ok(Ran { outcome, text, attachments: Vec::new(), whole, took: ran.took })
    }
}

/// What is attached to a conversation and still in it, the oldest first.
fn attachments(conversation: &[Message]) -> Vec<Attachment> {
    conversation.iter().flat_map(Message::attachments).cloned().collect()
}

/// The words that run a command line. It was judged as bash reads it, so that bash runs it.
fn shell(command: &str) -> Result<Vec<String>, String> {
    let bash = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/opt/homebrew/bin/bash"];
    let bash = bash.iter().find(|path| Path::new(path).is_file());
    let bash = bash.ok_or("bash is not installed here, and commands are judged as bash reads them.")?;
    Ok([bash, "--norc", "--noprofile", "-c", command].map(str::to_owned).to_vec())
}
