//! `percept tools`: what the assistant may do on this machine.

use clap::Subcommand;
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line};
use crate::paths::Paths;
use crate::tools::{self, Context, Decision, Verdict};

/// What the assistant may do on this machine
#[derive(Debug, Subcommand)]
pub(super) enum ToolsCommand {
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
}

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

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    decision: Verdict,
    reason: &'a str,
    scope: Option<String>,
}

pub(super) fn run(command: ToolsCommand) -> Result<(), Trouble> {
    let ToolsCommand::Decide { command, tainted, json } = command;
    let Decision { verdict, reason, scope } = tools::decide(&command, &context(tainted)?);
    let scope = scope.map(|scope| scope.to_string());
    if json {
        return print_json(&Report { decision: verdict, reason: &reason, scope });
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
