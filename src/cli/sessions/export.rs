//! `percept sessions export`: a conversation as a text, to a file or standard output.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{branches, find};
use crate::cli::Trouble;
use crate::cli::exit::{print_text, warn};
use crate::cli::open::Setup;
use crate::redact::{Options, Redactor};
use crate::session::{
    BlobStore, Portable, Session, SessionStore, redacted_json, redacted_markdown, to_html, to_markdown,
};

pub(super) const HELP: &str =
    "Markdown names attachments; HTML has pictures inside; JSON holds what was attached, but for
--redact, and is what `percept sessions import` reads.
Examples:
  percept sessions export 12 -o talk.md
  percept sessions export 12 --html -o talk.html
  percept sessions export 12 --json -o talk.json
  percept sessions export 12 --branch 2             another branch (percept sessions branches)
  percept sessions export --redact | less           secrets become <secret:1>";

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The conversation's number, or `last`
    #[arg(default_value = "last")]
    session: String,
    /// Another branch than the one that is shown in the chat, by its number; JSON holds all
    #[arg(short, long, value_name = "K", conflicts_with = "json")]
    branch: Option<usize>,
    /// The file, which must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Replace secrets, e-mail addresses and card numbers (docs/redaction.md)
    #[arg(long)]
    redact: bool,
    /// JSON with all branches and what was attached, in place of Markdown
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// One HTML file with the pictures inside, in place of Markdown
    #[arg(long, conflicts_with = "redact")]
    html: bool,
}

pub(super) fn run(setup: &Setup, store: &SessionStore, args: &ExportArgs) -> Result<(), Trouble> {
    let mut session = store.load(find(store, &args.session)?).map_err(Trouble::user)?;
    if !args.json {
        let path = branches::path(&session, args.branch)?;
        session.head = path.last().map(|message| message.id);
    }
    let mut redactor = args.redact.then(|| Redactor::new(Options::default()));
    let text = match &mut redactor {
        Some(redactor) => redacted(&session, args.json, redactor).map_err(Trouble::user)?,
        None => written(session, args, setup)?,
    };
    match &args.output {
        Some(path) => write(path, &text)?,
        None => print_text(&text)?,
    }
    if let Some(redactor) = redactor {
        warn(format!("replaced: {}", redactor.found()));
    }
    Ok(())
}

fn written(session: Session, args: &ExportArgs, setup: &Setup) -> Result<String, Trouble> {
    let blobs = || BlobStore::open(&setup.paths.blobs()).map_err(Trouble::user);
    match (args.json, args.html) {
        (true, _) => pretty(&Portable::of(session, &blobs()?)).map_err(Trouble::user),
        (_, true) => Ok(to_html(&session.summary.title, &session.path(), &blobs()?)),
        _ => Ok(to_markdown(&session.summary.title, &session.path())),
    }
}

fn redacted(session: &Session, json: bool, redactor: &mut Redactor) -> serde_json::Result<String> {
    match json {
        true => pretty(&redacted_json(session, redactor)?),
        false => Ok(redacted_markdown(session, redactor)),
    }
}

fn pretty(value: &impl serde::Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .map_err(|error| Trouble::User(anyhow::anyhow!("{} can't be written: {error}", path.display())))?;
    warn(format!("written to {}", path.display()));
    Ok(())
}
