//! `percept sessions`: what was said.

mod bundle;
mod export;

use clap::Subcommand;

use super::Trouble;
use super::exit::{print_json, print_line, print_text};
use super::open::Setup;
use crate::session::{SessionId, SessionStore, SessionSummary, to_markdown};
use crate::text;

/// The conversations that are kept
#[derive(Debug, Subcommand)]
pub(super) enum SessionsCommand {
    /// List the conversations, newest first
    List {
        /// Show so many
        #[arg(short = 'n', long, default_value_t = 20)]
        number: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a conversation as Markdown
    Show {
        /// Its number, or `last`
        #[arg(default_value = "last")]
        session: String,
        /// Print JSON, with all branches
        #[arg(long)]
        json: bool,
    },
    /// Write a conversation as Markdown or JSON, with or without its secrets
    #[command(after_help = export::HELP)]
    Export(export::ExportArgs),
    /// Pack a conversation, without its secrets, into an archive to send to someone
    #[command(after_help = bundle::HELP)]
    Bundle(bundle::BundleArgs),
}

pub(super) fn run(command: SessionsCommand) -> Result<(), Trouble> {
    // What is kept can be read whatever the configuration says.
    let (setup, _) = Setup::tolerant()?;
    let store = setup.store()?;
    match command {
        SessionsCommand::List { number, json } => {
            let sessions = store.list(number).map_err(Trouble::user)?;
            if json {
                return print_json(&sessions);
            }
            if sessions.is_empty() {
                return print_line("There are no conversations yet.");
            }
            for session in sessions {
                let when = text::when(session.updated_ms);
                let SessionSummary { id, messages, title, .. } = session;
                print_line(format!("{:>5}  {when}  {messages:>3} messages  {title}", id.0))?;
            }
            Ok(())
        }
        SessionsCommand::Export(args) => export::run(&store, &args),
        SessionsCommand::Bundle(args) => bundle::run(&setup, &store, &args),
        SessionsCommand::Show { session, json } => {
            let id = find(&store, &session)?;
            let session = store.load(id).map_err(Trouble::user)?;
            match json {
                true => print_json(&session),
                false => print_text(&to_markdown(&session.summary.title, &session.path())),
            }
        }
    }
}

/// A session by its number, or the last one.
pub(super) fn find(store: &SessionStore, word: &str) -> Result<SessionId, Trouble> {
    if word == "last" {
        return store
            .latest()
            .map_err(Trouble::user)?
            .ok_or_else(|| Trouble::User(anyhow::anyhow!("there are no conversations yet")));
    }
    word.parse().map(SessionId).map_err(|_| {
        Trouble::User(anyhow::anyhow!(
            "`{word}` is no session; give a number of `percept sessions list`, or `last`"
        ))
    })
}
