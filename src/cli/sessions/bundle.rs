//! `percept sessions bundle`: a conversation without its secrets, to send to someone.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::find;
use crate::agent::bundle::versions;
use crate::cli::Trouble;
use crate::cli::exit::{print_json, warn};
use crate::cli::open::Setup;
use crate::redact;
use crate::session::{BlobStore, Bundle, BundleOptions, Manifest, SessionStore};
use crate::text;

pub(super) const HELP: &str =
    "What it holds is listed first; in a terminal you are asked, elsewhere --yes is needed.
Secrets, e-mail addresses and card numbers become <secret:1>, <email:1>, <card:1>, the same
value by the same number in all of it. docs/redaction.md says what is found and what is not:
look through the bundle before you send it. Examples:
  percept sessions bundle                           the last conversation
  percept sessions bundle 12 --dry-run              only say what would be in it
  percept sessions bundle 12 -o bug.tar.zst --attachment app.log --ips --users --yes

Exit codes: 0 written (or --dry-run), 1 not written, and why.";

#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    /// The conversation's number, or `last`
    #[arg(default_value = "last")]
    session: String,
    /// The archive: .tar.gz or .tar.zst [default: percept-session-NUMBER.tar.gz]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Put in the original of the attachment with this name; text is redacted, a picture can't be
    #[arg(long = "attachment", value_name = "NAME")]
    attachments: Vec<String>,
    /// Put in the originals of all attachments
    #[arg(long, conflicts_with = "attachments")]
    all_attachments: bool,
    /// Replace IP addresses too
    #[arg(long)]
    ips: bool,
    /// Replace names of users too, where it is said that they are
    #[arg(long)]
    users: bool,
    /// Write it without asking
    #[arg(short, long)]
    yes: bool,
    /// Only say what would be in it
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print JSON: the manifest, and what was written
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    path: &'a Path,
    written: bool,
    bytes: Option<u64>,
    #[serde(flatten)]
    manifest: &'a Manifest,
}

pub(super) fn run(setup: &Setup, store: &SessionStore, args: &BundleArgs) -> Result<(), Trouble> {
    let id = find(store, &args.session)?;
    let session = store.load(id).map_err(Trouble::user)?;
    let path = args.output.clone();
    let path = path.unwrap_or_else(|| PathBuf::from(format!("percept-session-{}.tar.gz", id.0)));
    Bundle::check(&path, args.force).map_err(Trouble::user)?;
    let blobs = BlobStore::open(&setup.paths.blobs()).map_err(Trouble::user)?;
    let options = BundleOptions {
        attachments: args.attachments.clone(),
        all_attachments: args.all_attachments,
        redact: redact::Options { ips: args.ips, users: args.users },
    };
    let versions = versions(&session, &setup.catalogue, &setup.paths.cache);
    let read = |id: &_| blobs.read(id).map_err(|error| error.to_string());
    let bundle = Bundle::plan(&session, &versions, &options, read).map_err(Trouble::user)?;
    say(&format!("{} holds:\n{}", path.display(), bundle.listing()))?;
    let write = !args.dry_run && (args.yes || asked(&path)?);
    let bytes = match write {
        true => Some(bundle.write(&path, args.force).map_err(Trouble::user)?),
        false => None,
    };
    if args.json {
        print_json(&Report { path: &path, written: write, bytes, manifest: &bundle.manifest })?;
    }
    match bytes {
        Some(bytes) => {
            warn(format!("written to {} ({})", path.display(), text::size(bytes)));
            Ok(())
        }
        None if args.dry_run => Ok(()),
        None => Err(Trouble::User(anyhow::anyhow!("nothing was written; --yes writes it without asking"))),
    }
}

/// Says something of several lines on standard error.
fn say(words: &str) -> Result<(), Trouble> {
    let mut err = io::stderr().lock();
    err.write_all(text::printable(words).as_bytes())?;
    Ok(())
}

/// Asks the person in the terminal; without one nobody said yes.
fn asked(path: &Path) -> Result<bool, Trouble> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    say(&format!("Write it to {}? [y/N] ", path.display()))?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
