//! `percept sessions`: what was said.

mod branches;
mod bundle;
mod export;
mod shelf;

use std::path::PathBuf;

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
        /// Another branch than the one that is shown in the chat, by its number
        #[arg(short, long, value_name = "K", conflicts_with = "json")]
        branch: Option<usize>,
        /// Print JSON, with all branches
        #[arg(long)]
        json: bool,
    },
    /// List the branches of a conversation
    Branches {
        /// Its number, or `last`
        #[arg(default_value = "last")]
        session: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find conversations by words in what was said, read or attached
    Search(shelf::SearchArgs),
    /// Give a conversation another title
    Rename {
        /// Its number, or `last`
        session: String,
        /// The title
        title: String,
    },
    /// Tag a conversation; without tags, say which it has
    Tag(shelf::TagArgs),
    /// Put conversations into the bin
    Rm {
        /// Their numbers, or `last`
        #[arg(required = true)]
        sessions: Vec<String>,
    },
    /// Take a conversation out of the bin again; without a number, list what is in it
    Restore {
        /// Its number
        session: Option<String>,
    },
    /// Empty the bin of what is old, and delete attachments that nothing refers to
    Gc(shelf::GcArgs),
    /// Take in a conversation that `sessions export --json` wrote
    Import {
        /// The file, or - for standard input
        #[arg(value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Write a conversation as Markdown, HTML or JSON, with or without its secrets
    #[command(after_help = export::HELP)]
    Export(export::ExportArgs),
    /// Pack a conversation, without its secrets, into an archive to send to someone
    #[command(after_help = bundle::HELP)]
    Bundle(bundle::BundleArgs),
}

pub(super) fn run(command: SessionsCommand) -> Result<(), Trouble> {
    // What is kept can be read whatever the configuration says.
    let (setup, _) = Setup::tolerant()?;
    let mut store = setup.store()?;
    match command {
        SessionsCommand::List { number, json } => {
            let sessions = store.list(number).map_err(Trouble::user)?;
            if json {
                return print_json(&sessions);
            }
            if sessions.is_empty() {
                return print_line("There are no conversations yet.");
            }
            print_sessions(&sessions)
        }
        SessionsCommand::Search(args) => shelf::search(&setup, &mut store, &args),
        SessionsCommand::Rename { session, title } => shelf::rename(&mut store, &session, &title),
        SessionsCommand::Tag(args) => shelf::tag(&mut store, &args),
        SessionsCommand::Rm { sessions } => shelf::remove(&mut store, &sessions),
        SessionsCommand::Restore { session } => shelf::restore(&mut store, session.as_deref()),
        SessionsCommand::Gc(args) => shelf::gc(&setup, &mut store, &args),
        SessionsCommand::Import { file } => shelf::import(&setup, &mut store, &file),
        SessionsCommand::Export(args) => export::run(&setup, &store, &args),
        SessionsCommand::Bundle(args) => bundle::run(&setup, &store, &args),
        SessionsCommand::Branches { session, json } => branches::list(&store, &session, json),
        SessionsCommand::Show { session, branch, json } => {
            let id = find(&store, &session)?;
            let session = store.load(id).map_err(Trouble::user)?;
            if json {
                return print_json(&session);
            }
            let path = branches::path(&session, branch)?;
            print_text(&to_markdown(&session.summary.title, &path))
        }
    }
}

fn print_sessions(sessions: &[SessionSummary]) -> Result<(), Trouble> {
    for SessionSummary { id, updated_ms, messages, branches, title, tags, .. } in sessions {
        let when = text::when(*updated_ms);
        let forks = match branches {
            0 | 1 => String::new(),
            count => format!("  ({count} branches)"),
        };
        let tags = tags.iter().map(|tag| format!("  #{tag}")).collect::<String>();
        print_line(format!("{:>5}  {when}  {messages:>3} messages  {title}{forks}{tags}", id.0))?;
    }
    Ok(())
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
