//! `percept sessions search|rename|tag|rm|restore|gc|import`: order among the conversations.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use super::{find, print_sessions};
use crate::cli::Trouble;
use crate::cli::exit::{print_json, print_line, warn};
use crate::cli::open::Setup;
use crate::session::{BlobStore, Portable, SessionStore, collect};
use crate::text;

/// How long what was put into the bin stays there, in days, unless it is said otherwise.
const BIN_DAYS: u32 = 30;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words that stand in one message, in what a tool found or in what was attached
    #[arg(required = true)]
    words: Vec<String>,
    /// Show so many
    #[arg(short = 'n', long, default_value_t = 20)]
    number: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// The conversation's number, or `last`
    session: String,
    /// Tags to add
    tags: Vec<String>,
    /// A tag to take off; may be repeated
    #[arg(short, long, value_name = "TAG")]
    remove: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Delete for good what has been in the bin for so many days
    #[arg(long, value_name = "DAYS", default_value_t = BIN_DAYS)]
    bin_days: u32,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn search(setup: &Setup, store: &mut SessionStore, args: &SearchArgs) -> Result<(), Trouble> {
    let blobs = BlobStore::open(&setup.paths.blobs()).ok();
    let found = store
        .search(&args.words.join(" "), args.number, &|id| blobs.as_ref()?.text(id))
        .map_err(Trouble::user)?;
    if args.json {
        return print_json(&found);
    }
    if found.is_empty() {
        return print_line("Nothing was found.");
    }
    for found in found {
        print_sessions(&[found.session])?;
        print_line(format!("       {}", found.excerpt))?;
    }
    Ok(())
}

pub(super) fn rename(store: &mut SessionStore, session: &str, title: &str) -> Result<(), Trouble> {
    let title = text::printable(title.trim());
    if title.is_empty() {
        return Err(Trouble::User(anyhow::anyhow!("a title has at least one letter")));
    }
    let id = find(store, session)?;
    store.rename(id, &title).map_err(Trouble::user)
}

pub(super) fn tag(store: &mut SessionStore, args: &TagArgs) -> Result<(), Trouble> {
    let id = find(store, &args.session)?;
    let tags = store.tag(id, &args.tags, &args.remove).map_err(Trouble::user)?;
    print_line(if tags.is_empty() { "no tags".to_owned() } else { tags.join(", ") })
}

pub(super) fn remove(store: &mut SessionStore, sessions: &[String]) -> Result<(), Trouble> {
    for session in sessions {
        let id = find(store, session)?;
        store.remove(id, jiff::Timestamp::now().as_millisecond()).map_err(Trouble::user)?;
        print_line(format!("{} is in the bin; back with `percept sessions restore {0}`", id.0))?;
    }
    Ok(())
}

pub(super) fn restore(store: &mut SessionStore, session: Option<&str>) -> Result<(), Trouble> {
    let Some(session) = session else {
        let bin = store.bin().map_err(Trouble::user)?;
        return if bin.is_empty() { print_line("The bin is empty.") } else { print_sessions(&bin) };
    };
    let id = find(store, session)?;
    store.restore(id).map_err(Trouble::user)
}

pub(super) fn gc(setup: &Setup, store: &mut SessionStore, args: &GcArgs) -> Result<(), Trouble> {
    let blobs = BlobStore::open(&setup.paths.blobs()).map_err(Trouble::user)?;
    let before_ms = jiff::Timestamp::now().as_millisecond().saturating_sub(i64::from(args.bin_days) * DAY_MS);
    let gone = match args.dry_run {
        true => {
            let bin = store.bin().map_err(Trouble::user)?;
            bin.iter().filter(|session| session.removed_ms.is_some_and(|at| at < before_ms)).count()
        }
        false => store.empty_bin(before_ms).map_err(Trouble::user)?.len(),
    };
    let collected = collect(store, &blobs, args.dry_run).map_err(Trouble::user)?;
    let verb = if args.dry_run { "would be deleted" } else { "deleted" };
    print_line(format!(
        "{verb}: {gone} conversations from the bin, {} attachments that nothing refers to ({})",
        collected.contents,
        text::size(collected.bytes)
    ))
}

pub(super) fn import(setup: &Setup, store: &mut SessionStore, file: &PathBuf) -> Result<(), Trouble> {
    let named = |error: &dyn std::fmt::Display| Trouble::User(anyhow::anyhow!("{}: {error}", file.display()));
    let json = match file.as_os_str() == "-" {
        true => {
            let mut json = String::new();
            std::io::stdin().read_to_string(&mut json).map(|_| json)
        }
        false => std::fs::read_to_string(file),
    };
    let portable = json
        .map_err(|error| named(&error))
        .and_then(|json| Portable::parse(&json).map_err(|error| named(&error)))?;
    let blobs = BlobStore::open(&setup.paths.blobs()).map_err(Trouble::user)?;
    let imported = portable.import(store, &blobs).map_err(|error| named(&error))?;
    for name in imported.missing {
        warn(format!("{name}: its content didn't come along"));
    }
    let id = imported.session.0;
    print_line(format!("{} messages are conversation {id}: percept --session {id}", imported.messages))
}
