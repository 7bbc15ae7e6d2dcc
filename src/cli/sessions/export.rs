//! `percept sessions export`: a conversation as a text, to a file or standard output.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::find;
use crate::cli::Trouble;
use crate::cli::exit::{print_text, warn};
use crate::redact::{Options, Redactor};
use crate::session::{Session, SessionStore, redacted_json, redacted_markdown, to_markdown};

pub(super) const HELP: &str =
    "Attachments are named, not included; `percept sessions bundle` takes them along.
Examples:
  percept sessions export 12 -o talk.md
  percept sessions export --redact | less           secrets become <secret:1>";

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The conversation's number, or `last`
    #[arg(default_value = "last")]
    session: String,
    /// The file, which must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Replace secrets, e-mail addresses and card numbers (docs/redaction.md)
    #[arg(long)]
    redact: bool,
    /// JSON with all branches, in place of Markdown
    #[arg(long)]
    json: bool,
}

pub(super) fn run(store: &SessionStore, args: &ExportArgs) -> Result<(), Trouble> {
    let session = store.load(find(store, &args.session)?).map_err(Trouble::user)?;
    let mut redactor = args.redact.then(|| Redactor::new(Options::default()));
    let text = written(&session, args.json, redactor.as_mut()).map_err(Trouble::user)?;
    match &args.output {
        Some(path) => write(path, &text)?,
        None => print_text(&text)?,
    }
    if let Some(redactor) = redactor {
        warn(format!("replaced: {}", redactor.found()));
    }
    Ok(())
}

fn written(session: &Session, json: bool, redactor: Option<&mut Redactor>) -> serde_json::Result<String> {
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).map(|text| text + "\n");
    match (json, redactor) {
        (true, Some(redactor)) => pretty(&redacted_json(session, redactor)?),
        (true, None) => pretty(&serde_json::to_value(session)?),
        (false, Some(redactor)) => Ok(redacted_markdown(session, redactor)),
        (false, None) => Ok(to_markdown(&session.summary.title, &session.path())),
    }
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .map_err(|error| Trouble::User(anyhow::anyhow!("{} can't be written: {error}", path.display())))?;
    warn(format!("written to {}", path.display()));
    Ok(())
}
