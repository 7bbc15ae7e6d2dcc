//! Runs what was planned, and judges nothing.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::judge::{Tool, attachments};
use super::{Ran, Toolbox};
use crate::attachment::Source;
use crate::intake::{self, Given};
use crate::message::{Message, Outcome, ToolCall};
use crate::tools::arguments::Arguments;
use crate::tools::builtin::BuiltIn;
use crate::tools::manifest::{Action, Manifest};
use crate::tools::mcp::{McpResult, Servers};
use crate::tools::output;
use crate::tools::permission::remembered::Grant;
use crate::tools::plan::Plan;
use crate::tools::sandbox::{self, Ended, Policy, Says, Support};
use crate::tools::scene::{Found, Scene};

/// What a running call is held by: what stops it, and what it says meanwhile.
#[derive(Debug, Clone, Default)]
pub struct Leash {
    /// Set to end it.
    pub stop: Arc<AtomicBool>,
    /// The last line that a command wrote.
    pub says: Arc<Says>,
}

impl Toolbox {
    /// Runs a planned call, with what was granted in the end. Blocks until it ended, it is stopped
    /// by its leash, or its time is up.
    pub fn run(
        &self,
        call: &ToolCall,
        plan: &Plan,
        grant: Grant,
        conversation: &[Message],
        leash: &Leash,
    ) -> Ran {
        let start = Instant::now();
        let time = self.options.time;
        let ran = match (&plan.target, self.find(&call.name)) {
            // Of its own, not of the server's: it is one of the protocol.
            (Some((server, _)), Ok(Tool::Declared(_))) => {
                let uri = call.arguments["uri"].as_str().unwrap_or_default();
                self.ask_server(server, |servers| servers.read_resource(server, uri, time, &leash.stop))
            }
            (Some((server, tool)), _) => {
                let arguments = call.arguments.clone();
                self.ask_server(server, |servers| servers.call(server, tool, arguments, time, &leash.stop))
            }
            (None, Ok(Tool::Declared(manifest))) => {
                self.run_declared(manifest, call, plan, grant, conversation, leash)
            }
            (None, Ok(Tool::Server(_))) => {
                Err(format!("{} is not what was judged; call it again.", call.name))
            }
            (None, Err(why)) => Err(why),
        };
        Ran { took: start.elapsed(), ..ran.unwrap_or_else(Ran::failed) }
    }

    fn run_declared(
        &self,
        manifest: &Manifest,
        call: &ToolCall,
        plan: &Plan,
        grant: Grant,
        conversation: &[Message],
        leash: &Leash,
    ) -> Result<Ran, String> {
        let arguments = Arguments::check(manifest, &call.arguments)?;
        match (&manifest.action, BuiltIn::of(&manifest.name)) {
            (Action::Command(argv), _) => {
                let argv = arguments.command(argv, &manifest.parameters);
                self.command(&argv, plan.proven, grant, manifest, leash)
            }
            (Action::BuiltIn, Some(BuiltIn::Shell)) => {
                let command = arguments.text("command").unwrap_or_default();
                self.command(&shell(command)?, plan.proven, grant, manifest, leash)
            }
            (Action::BuiltIn, Some(BuiltIn::ReadResource)) => self.resources(&arguments),
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
                    library: self.library.as_deref(),
                    stop: &leash.stop,
                };
                self.keep(tool.run(&arguments, &scene)?, Outcome::Done)
            }
            (Action::BuiltIn, None) => Err(format!("{} is not built in.", manifest.name)),
        }
    }

    /// Keeps what a tool found.
    fn keep(&self, found: Found, outcome: Outcome) -> Result<Ran, String> {
        for taken in &found.taken {
            let stored = taken.contents().try_for_each(|bytes| self.blobs.put(bytes).map(drop));
            stored.map_err(|error| format!("{} can't be kept: {error}", taken.attachment.name))?;
        }
        Ok(Ran {
            outcome,
            outside: true,
            text: found.text,
            attachments: found.taken.into_iter().map(|taken| taken.attachment).collect(),
            whole: found.whole,
            findings: found.findings,
            took: Duration::ZERO,
        })
    }

    fn command(
        &self,
        argv: &[String],
        proven: bool,
        grant: Grant,
        manifest: &Manifest,
        leash: &Leash,
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
            proven,
            time: manifest.time.unwrap_or(self.options.time),
            stop: Arc::clone(&leash.stop),
            says: Arc::clone(&leash.says),
        };
        let most_output = manifest.most_output.unwrap_or(self.options.commands.most_output);
        let options = sandbox::Options { most_output, ..self.options.commands.clone() };
        let ran =
            sandbox::run(&run, &options).map_err(|error| format!("The command can't be run: {error}."))?;
        let outcome = if ran.ended == Ended::Code(0) { Outcome::Done } else { Outcome::Failed };
        let held = matches!(self.options.commands.by, Support::By(_));
        let text = output::text_of(&ran, grant.lacks().filter(|_| held));
        // Without an output it says nothing but how it ended, in percept's own words.
        let outside = ran.total > 0;
        let (whole, took) = (ran.whole, ran.took);
        Ok(Ran { outcome, text, outside, attachments: Vec::new(), whole, findings: Vec::new(), took })
    }

    /// Lists what the servers offer to read.
    fn resources(&self, arguments: &Arguments) -> Result<Ran, String> {
        let servers = self.servers.get().ok_or("There is no MCP server.")?;
        let server = arguments.text("server");
        let listed = servers.resources().into_iter().filter(|one| server.is_none_or(|of| one.server == of));
        let lines: Vec<String> = listed
            .map(|one| format!("{} {} {}: {}", one.server, one.uri, one.name, one.description))
            .collect();
        let none = || "There are no resources.".to_owned();
        self.keep(Found::text(if lines.is_empty() { none() } else { lines.join("\n") }), Outcome::Done)
    }

    fn ask_server(
        &self,
        server: &str,
        ask: impl FnOnce(&Servers) -> Result<McpResult, String>,
    ) -> Result<Ran, String> {
        let result = ask(self.servers.get().ok_or("There is no MCP server.")?)?;
        let mut found = Found::text(result.text);
        for (number, bytes) in result.pictures.into_iter().enumerate() {
            let name = format!("picture {} of {server}", number + 1);
            match intake::take(&Given::Bytes { name, bytes, source: Source::Tool }, &self.options.intake) {
                Ok(taken) => found.taken.push(taken),
                Err(why) => found.text.push_str(&format!("\n[percept: a picture is left out: {why}]")),
            }
        }
        self.keep(found, if result.failed { Outcome::Failed } else { Outcome::Done })
    }
}

/// The words that run a command line. It was judged as bash reads it, so that bash runs it.
fn shell(command: &str) -> Result<Vec<String>, String> {
    let bash = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/opt/homebrew/bin/bash"];
    let bash = bash.iter().find(|path| Path::new(path).is_file());
    let bash = bash.ok_or("bash is not installed here, and commands are judged as bash reads them.")?;
    Ok([bash, "--norc", "--noprofile", "-c", command].map(str::to_owned).to_vec())
}
