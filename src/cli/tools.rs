//! `percept tools`: what the assistant may do on this machine.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Subcommand;
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line, print_text};
use super::open::{SERVERS_TIME, Setup, runtime};
use crate::intake::{self, Given};
use crate::message::{Message, MessageId, Outcome, Part, Role, Status, ToolCall};
use crate::paths::Paths;
use crate::session::BlobStore;
use crate::text;
use crate::tools::mcp::ServerState;
use crate::tools::{self, Context, Decision, Leash, Plan, Ran, ToolLine, Toolbox, ToolsReport, Verdict};

/// What the assistant may do on this machine
#[derive(Debug, Subcommand)]
pub(super) enum ToolsCommand {
    /// List the tools that models are told of, and those that are off
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a tool: what the model is told of it, and what it may do
    Show {
        /// Its name
        name: String,
    },
    /// Run a tool as a model's call would run, in the same sandbox
    #[command(after_help = RUN_HELP)]
    Run {
        /// The tool
        name: String,
        /// Its arguments, a JSON object
        #[arg(default_value = "{}")]
        arguments: String,
        /// A file to attach first; can be given several times
        #[arg(short, long = "attach", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        attach: Vec<PathBuf>,
        /// Approve it
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what would happen to a command of the assistant's, and why; nothing is run
    #[command(after_help = DECIDE_HELP)]
    Decide {
        /// The command line, in quotes
        #[arg(allow_hyphen_values = true)]
        command: String,
        /// As while the conversation holds text from a picture, a file or a tool
        #[arg(long)]
        tainted: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List what you allowed for good, with numbers, or take it back
    Permissions {
        /// Take this one back; `all` takes back all
        #[arg(long, value_name = "NUMBER|all")]
        revoke: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

const RUN_HELP: &str =
    "What would ask in the chat asks here too: in a terminal you are asked, elsewhere --yes is
the approval. Examples:
  percept tools run list_dir '{\"path\": \".\"}'
  percept tools run shell '{\"command\": \"df -h\"}'
  percept tools run shell '{\"command\": \"touch x\", \"write\": true}' --yes
  percept tools run -a orders.csv query_table '{\"sql\": \"SELECT count(*) FROM data\"}'

Exit codes: 0 it ran and did what it should, 1 it was refused, wrong, or failed.";

const DECIDE_HELP: &str = "The first word is the verdict:
  auto   it runs at once: it is known to only read, inside the working folder
  ask    you are asked first
  deny   it isn't run: it could only destroy

It is judged for the current folder, in the default configuration. Examples:
  percept tools decide 'git log --oneline -5'          auto
  percept tools decide 'du -x -d1 /var | sort -h'      auto
  percept tools decide 'cargo test'                    ask, and says what \"always\" would allow
  percept tools decide 'find . -name \"*.o\" -delete'    ask: it deletes files
  percept tools decide --tainted 'cargo test'          ask, whatever you allowed before
  percept tools decide 'rm -rf /'                      deny";

/// What `decide --json` prints.
#[derive(Serialize)]
struct Decided<'a> {
    decision: Verdict,
    reason: &'a str,
    scope: Option<String>,
}

/// What `run --json` prints.
#[derive(Serialize)]
struct RanReport<'a> {
    decision: Verdict,
    reason: &'a str,
    shown: &'a str,
    outcome: Outcome,
    text: &'a str,
    attachments: &'a [crate::attachment::Attachment],
    whole: Option<&'a std::path::Path>,
    took_ms: u128,
}

pub(super) fn run(command: ToolsCommand) -> Result<(), Trouble> {
    match command {
        ToolsCommand::List { json } => list(json),
        ToolsCommand::Show { name } => show(&name),
        ToolsCommand::Run { name, arguments, attach, yes, json } => {
            run_tool(name, &arguments, &attach, yes, json)
        }
        ToolsCommand::Decide { command, tainted, json } => decide(&command, tainted, json),
        ToolsCommand::Permissions { revoke: None, json } => permissions(json),
        ToolsCommand::Permissions { revoke: Some(which), .. } => revoke(&which),
    }
}

/// The tools as the chat would have them, with the MCP servers started, and what they run on.
fn started() -> Result<(Toolbox, tokio::runtime::Runtime), Trouble> {
    serving(toolbox()?)
}

fn serving(tools: Toolbox) -> Result<(Toolbox, tokio::runtime::Runtime), Trouble> {
    let runtime = runtime()?;
    let within = runtime.enter();
    tools.start_servers(|| {});
    drop(within);
    let waiting = say_if_slow(&runtime, "waiting for the MCP servers");
    tools.wait_for_servers(SERVERS_TIME);
    waiting.abort();
    for server in tools.report().servers {
        if let ServerState::Failed { why, .. } = server.state {
            super::exit::warn(why);
        }
    }
    Ok((tools, runtime))
}

/// The tools as the chat would have them.
fn toolbox() -> Result<Toolbox, Trouble> {
    let setup = Setup::load()?;
    let blobs = BlobStore::open(&setup.paths.blobs()).or_else(|_| BlobStore::temporary());
    toolbox_on(&setup, blobs.map_err(Trouble::user)?)
}

fn toolbox_on(setup: &Setup, blobs: BlobStore) -> Result<Toolbox, Trouble> {
    let tools = setup.tools(setup.config.tools.approval, Arc::new(blobs))?;
    for problem in tools.problems() {
        super::exit::warn(problem);
    }
    Ok(tools)
}

/// The tools, and a conversation in which these files are attached; it is kept nowhere.
fn toolbox_with(files: &[PathBuf]) -> Result<(Toolbox, Vec<Message>), Trouble> {
    if files.is_empty() {
        return Ok((toolbox()?, Vec::new()));
    }
    let (setup, blobs) = (Setup::load()?, BlobStore::temporary().map_err(Trouble::user)?);
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        let given = Given::Path(file.clone());
        let taken = intake::take(&given, &setup.config.intake()).map_err(Trouble::user)?;
        taken.contents().try_for_each(|bytes| blobs.put(bytes).map(drop)).map_err(Trouble::user)?;
        parts.push(Part::attachment(taken.attachment));
    }
    let (id, role, status) = (MessageId(0), Role::User, Status::Complete);
    let message = Message { id, parent: None, role, parts, status, created_ms: 0, stats: None };
    Ok((toolbox_on(&setup, blobs)?, vec![message]))
}

fn list(json: bool) -> Result<(), Trouble> {
    let (tools, _runtime) = started()?;
    let report = tools.report();
    if json {
        return print_json(&report.tools);
    }
    let widest = report.tools.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    for tool in &report.tools {
        let mark = if tool.off.is_some() { "-" } else { "+" };
        let leave = tool.off.as_ref().unwrap_or(&tool.leave);
        print_line(format!("{mark} {:widest$}  {leave} · {}", tool.name, tool.from))?;
    }
    print_line("")?;
    print_line("+ is offered to models, - is off. percept tools show NAME says what one does.")
}

fn show(name: &str) -> Result<(), Trouble> {
    let (tools, _runtime) = started_for(name, toolbox()?)?;
    let report = tools.report();
    let Some(line) = report.tools.iter().find(|tool| tool.name == name) else {
        return Err(unknown(name, &report));
    };
    print_line(format!("{name} · {}", line.from))?;
    print_line(line.off.as_ref().unwrap_or(&line.leave))?;
    if let Some(runs) = &line.runs {
        print_line(format!("runs: {}", text::printable(runs)))?;
    }
    let spec = tools.spec(name);
    let parameters = spec.map(|spec| spec.parameters).unwrap_or_default();
    print_text(&format!("\n{}\n\n", text::printable(&line.description)))?;
    print_json(&parameters)
}

fn unknown(name: &str, report: &ToolsReport) -> Trouble {
    let known = report.tools.iter().map(|tool| tool.name.as_str());
    let near = text::nearest(name, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Trouble::User(anyhow::anyhow!("there is no tool `{name}`{near}; `percept tools list` shows them"))
}

/// Started with the servers only where the tool is one of theirs: nobody waits for them else.
fn started_for(name: &str, tools: Toolbox) -> Result<(Toolbox, tokio::runtime::Runtime), Trouble> {
    match name.starts_with("mcp_") || name == "read_resource" {
        true => serving(tools),
        false => Ok((tools, runtime()?)),
    }
}

fn run_tool(name: String, arguments: &str, attach: &[PathBuf], yes: bool, json: bool) -> Result<(), Trouble> {
    let arguments = serde_json::from_str(arguments).map_err(|error| {
        Trouble::User(anyhow::anyhow!(
            "the arguments are no JSON ({error}); give an object: '{{\"path\": \".\"}}'"
        ))
    })?;
    let call = ToolCall { id: "call".to_owned(), name, arguments, leaked: false };
    let (tools, conversation) = toolbox_with(attach)?;
    let (tools, runtime) = started_for(&call.name, tools)?;
    let refused = |why: String| Err(Trouble::User(anyhow::anyhow!(why)));
    let report = tools.report();
    match report.tools.iter().find(|tool| tool.name == call.name) {
        None => return Err(unknown(&call.name, &report)),
        Some(ToolLine { off: Some(why), .. }) => return refused(format!("not run: {why}")),
        Some(_) => {}
    }
    let plan = tools.plan(&call, &conversation).map_err(|why| Trouble::User(anyhow::anyhow!(why)))?;
    match plan.verdict {
        Verdict::Deny => return refused(format!("not run: {}", plan.reason)),
        Verdict::Ask if !yes && !asked(&plan)? => {
            return refused(format!("not run, since it asks: {}; --yes approves it", plan.reason));
        }
        Verdict::Ask | Verdict::Auto => {}
    }
    let leash = Leash::default();
    let ran = run_until_interrupted(&runtime, &tools, &call, &plan, &conversation, &leash);
    match json {
        true => print_json(&RanReport {
            decision: plan.verdict,
            reason: &plan.reason,
            shown: &plan.shown,
            outcome: ran.outcome,
            text: &ran.text,
            attachments: &ran.attachments,
            whole: ran.whole.as_deref(),
            took_ms: ran.took.as_millis(),
        })?,
        false => print_text(&format!("{}\n", ran.text.trim_end()))?,
    }
    match (ran.outcome, leash.stop.load(Ordering::Relaxed)) {
        (Outcome::Done, _) => Ok(()),
        (_, true) => Err(Trouble::Stopped),
        _ => refused(format!("{} failed", call.name)),
    }
}

/// Asks the person in the terminal, if there is one.
fn asked(plan: &Plan) -> Result<bool, Trouble> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    let mut err = io::stderr().lock();
    let shown = text::printable(&plan.shown);
    write!(
        err,
        "{shown}\n  asks: {}\n  may:  {}\nRun it? [y/N] ",
        plan.reason,
        plan.walls.words(plan.grant)
    )?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Runs it; Ctrl+C ends it with all of its processes.
fn run_until_interrupted(
    runtime: &tokio::runtime::Runtime,
    tools: &Toolbox,
    call: &ToolCall,
    plan: &Plan,
    conversation: &[Message],
    leash: &Leash,
) -> Ran {
    let interrupted = Arc::clone(&leash.stop);
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.store(true, Ordering::Relaxed);
        }
    });
    let running = say_if_slow(runtime, "running; Ctrl+C ends it");
    let ran = tools.run(call, plan, plan.grant, conversation, leash);
    running.abort();
    ran
}

/// Says in a terminal what is waited for, if it takes long enough to wonder.
fn say_if_slow(runtime: &tokio::runtime::Runtime, what: &'static str) -> tokio::task::JoinHandle<()> {
    const PATIENCE: Duration = Duration::from_secs(1);
    runtime.spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        if io::stderr().is_terminal() {
            super::exit::warn(what);
        }
    })
}

fn permissions(json: bool) -> Result<(), Trouble> {
    let allowed = toolbox()?.allowed().map_err(|why| Trouble::User(anyhow::anyhow!(why)))?;
    if json {
        return print_json(&allowed);
    }
    if allowed.is_empty() {
        return print_line("Nothing is allowed for good.");
    }
    for (number, one) in allowed.iter().enumerate() {
        print_line(format!("{}  {one} · since {}", number + 1, text::when(one.since_ms)))?;
    }
    Ok(())
}

fn revoke(which: &str) -> Result<(), Trouble> {
    let user = |why: String| Trouble::User(anyhow::anyhow!(why));
    let tools = toolbox()?;
    let allowed = tools.allowed().map_err(user)?;
    let chosen = match (which, which.parse::<usize>()) {
        ("all", _) => &allowed[..],
        (_, Ok(number @ 1..)) if number <= allowed.len() => &allowed[number - 1..number],
        _ => {
            return Err(user(format!(
                "there is no permission {which}; `percept tools permissions` lists them"
            )));
        }
    };
    for one in chosen {
        tools.revoke(&one.allowed).map_err(user)?;
        print_line(format!("taken back: {}", one.allowed))?;
    }
    Ok(())
}

fn decide(command: &str, tainted: bool, json: bool) -> Result<(), Trouble> {
    let Decision { verdict, reason, scope } = tools::decide(command, &context(tainted)?);
    let scope = scope.map(|scope| scope.to_string());
    if json {
        return print_json(&Decided { decision: verdict, reason: &reason, scope });
    }
    print_line(format!("{}  {reason}", verdict.word()))?;
    match scope {
        Some(scope) if verdict == Verdict::Ask => print_line(format!("always would allow: {scope}")),
        _ => Ok(()),
    }
}

/// The default configuration, in the current folder.
fn context(tainted: bool) -> Result<Context, Trouble> {
    let folder = std::env::current_dir().map_err(|error| {
        Trouble::User(anyhow::anyhow!("the current folder can't be read: {error}; go to another"))
    })?;
    // A machine without these folders keeps nothing of percept's that could be read.
    let private = Paths::find().map(|paths| vec![paths.config, paths.data, paths.cache]).unwrap_or_default();
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf());
    Ok(Context { folder, home, private, tainted, ..Context::default() })
}
