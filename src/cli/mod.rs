//! What was typed becomes what it means: the command line, and a file a command.

mod ask;
mod chat;
mod describe;
mod doctor;
mod elsewhere;
mod eval;
mod exit;
mod find;
mod fitting;
mod index;
mod library;
mod logs;
mod models;
mod open;
mod places;
mod pull;
mod serve;
mod sessions;
mod teach;
mod tools;
mod transcribe;
mod watch;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

pub use exit::{Exit, Trouble, on_panic};

/// The command line of percept.
#[derive(Debug, Parser)]
#[command(name = "percept", version, about, long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    chat: ChatArgs,
}

const LONG_ABOUT: &str =
    "A local assistant in the terminal that sees screenshots, hears speech, reads logs and finds documents.

Without a command, percept opens the chat. Everything runs on this machine; nothing is \
sent anywhere unless you allow it.";

const EXAMPLES: &str = "Examples:
  percept error.png                             open the chat with a screenshot attached
  percept ask -a error.png \"What does the error say?\"
  journalctl -u nginx | percept ask \"Why did it stop?\"
  percept logs ci.log                           what stands out in a log of any size
  percept transcribe voicemail.m4a              what is said in a recording
  percept index add ~/notes                     make documents and pictures findable
  percept find \"restore a replica\"            passages, with file and line
  percept describe error.png                    a caption, with what is uncertain in it
  percept --continue                            go on where the last chat ended
  percept models pull qwen3-vl-4b               get a model; `percept models list` shows those there are
  percept doctor                                what works here, and what is missing

Exit codes: 0 fine, 1 your input or configuration, 2 usage, 3 a model or worker failed,
130 stopped by Ctrl+C, 255 a bug in percept.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask one question and print the answer
    Ask(ask::AskArgs),
    /// Print a caption of a picture, with the words marked that the model was unsure of
    Describe(describe::DescribeArgs),
    /// Print what is said in a recording or a film
    Transcribe(transcribe::TranscribeArgs),
    /// Show what is in a log: what stands out, with line numbers, or its lines
    Logs(logs::LogsArgs),
    /// Find passages and pictures in what was added to the index
    Find(find::FindArgs),
    /// What can be found: folders, files, their passages and vectors
    #[command(subcommand)]
    Index(index::IndexCommand),
    /// Answer editors and scripts on this machine, with OpenAI's API
    Serve(serve::ServeArgs),
    /// Measure how well a model sees, hears, finds and acts
    Eval(eval::EvalArgs),
    /// Show what works on this machine and what is missing
    Doctor(doctor::DoctorArgs),
    /// The models that percept knows, and your own
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// The conversations that are kept
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// What the assistant may do on this machine
    #[command(subcommand)]
    Tools(tools::ToolsCommand),
    /// Print a completion script: percept completions bash > ~/.local/share/bash-completion/completions/percept
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The chat's own arguments.
#[derive(Debug, Args)]
struct ChatArgs {
    /// Pictures, recordings, films, logs, folders of logs, tables and text files to attach
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Go on with the last conversation
    #[arg(short, long = "continue")]
    continue_last: bool,
    /// Go on with this conversation (`percept sessions list` shows their numbers)
    #[arg(long, value_name = "NUMBER", conflicts_with = "continue_last")]
    session: Option<String>,
    #[command(flatten)]
    model: ModelArgs,
}

/// What every command that runs a model takes.
#[derive(Debug, Clone, Args)]
struct ModelArgs {
    /// The model: a name from `percept models list`, or a GGUF file; where a server answers
    /// ([engine] kind = "openai"), its name there
    #[arg(short, long, value_name = "NAME|FILE")]
    model: Option<String>,
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> Exit {
        let done = match self.command {
            None => chat::run(self.chat),
            Some(Command::Ask(args)) => ask::run(args),
            Some(Command::Describe(args)) => describe::run(args),
            Some(Command::Transcribe(args)) => transcribe::run(args),
            Some(Command::Logs(args)) => logs::run(args),
            Some(Command::Find(args)) => find::run(args),
            Some(Command::Index(command)) => index::run(command),
            Some(Command::Serve(args)) => serve::run(&args),
            Some(Command::Eval(args)) => eval::run(args),
            Some(Command::Doctor(args)) => doctor::run(&args),
            Some(Command::Models(command)) => models::run(command),
            Some(Command::Sessions(command)) => sessions::run(command),
            Some(Command::Tools(command)) => tools::run(command),
            Some(Command::Completions { shell }) => completions(shell),
        };
        Exit::from(done)
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "percept", &mut script);
    exit::print_text(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn files_open_the_chat_and_commands_are_commands() {
        let cli = Cli::parse_from(["percept", "a.png", "b.log", "-m", "starter"]);
        assert!(cli.command.is_none());
        assert_eq!(cli.chat.files, [PathBuf::from("a.png"), PathBuf::from("b.log")]);
        assert!(matches!(Cli::parse_from(["percept", "doctor"]).command, Some(Command::Doctor(_))));
        assert!(Cli::try_parse_from(["percept", "ask"]).is_err(), "a question is needed");
    }
}
