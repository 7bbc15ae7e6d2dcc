//! `percept index`: what can be found in mid-conversation.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line, warn};
use super::open::{Setup, runtime};
use super::watch::{Shown, set_on_interrupt, stop_on_terminate};
use crate::indexing::{self, Done, Lock};
use crate::retrieval::{IndexError, Skip, Source, Status, Store};
use crate::text::{counted, size, thousands};

/// Files that are left out and listed at most, unless all are asked for.
const FEW_SKIPPED: usize = 20;

/// What can be found: folders, files, their passages and vectors
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub(super) enum IndexCommand {
    /// Add folders or files, and read what is in them
    ///
    /// What .gitignore, .ignore and .perceptignore leave out is left out, and so are hidden
    /// files, binary ones, secrets and what is too big; `percept index status` says which.
    /// It can be stopped at any time (Ctrl+C) and goes on where it was. The chat keeps what
    /// was added up to date while it runs.
    Add(AddArgs),
    /// Read what changed since, in all that was added
    Update(UpdateArgs),
    /// Take folders or files out again, with all that came of them
    Rm {
        /// As they were added
        #[arg(required = true, value_hint = clap::ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
    },
    /// Show what was added, how much there is, and what is left out and why
    Status {
        /// List every file that is left out
        #[arg(long)]
        skipped: bool,
        /// Print JSON (docs/json.md)
        #[arg(long)]
        json: bool,
    },
    /// Read everything anew: after another embedding model was chosen, or when in doubt
    Rebuild(UpdateArgs),
    /// Pause indexing, for whichever percept does it
    Pause,
    /// Let it go on
    Resume,
    #[command(flatten)]
    Teach(super::teach::TeachCommand),
}

/// What to add.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Folders or files
    #[arg(required = true, value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    how: UpdateArgs,
}

/// How to go on.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct UpdateArgs {
    /// Return at once; it goes on in the background
    #[arg(short, long)]
    background: bool,
}

const HELP: &str = "Examples:
  percept index add ~/notes ~/src/product/docs
  percept index add --background ~/photos       go on working; `percept index status` says how far it is
  percept index status
  percept find \"restore a replica\"
  percept index confirm \"restore a replica\" runbooks/db.md:112
  percept index teach                           learn from what you confirmed";

pub(super) fn run(command: IndexCommand) -> Result<(), Trouble> {
    let setup = Setup::load()?;
    match command {
        IndexCommand::Add(args) => add(&setup, &args),
        IndexCommand::Update(how) => update(&setup, how),
        IndexCommand::Rm { paths } => remove(&setup, &paths),
        IndexCommand::Status { skipped, json } => status(&setup, skipped, json),
        IndexCommand::Rebuild(how) => rebuild(&setup, how),
        IndexCommand::Pause => pause(&setup, true),
        IndexCommand::Resume => pause(&setup, false),
        IndexCommand::Teach(command) => super::teach::run(&setup, command),
    }
}

/// Opens the index, and says what happened to a damaged one.
pub(super) fn open(setup: &Setup) -> Result<Store, Trouble> {
    let opened = Store::open(&setup.paths.index()).map_err(Trouble::user)?;
    if let Some(aside) = opened.moved_aside {
        warn(format!(
            "the index was damaged and was moved to {}; a new one is made from what was added (percept index update)",
            aside.display()
        ));
    }
    Ok(opened.store)
}

fn add(setup: &Setup, args: &AddArgs) -> Result<(), Trouble> {
    let absolute: Result<Vec<PathBuf>, String> =
        args.paths.iter().map(|path| indexing::absolute(path)).collect();
    let paths = absolute.map_err(|why| Trouble::User(anyhow::anyhow!(why)))?;
    let mut store = open(setup)?;
    for path in &paths {
        store.add_source(path).map_err(Trouble::user)?;
    }
    go(setup, &mut store, args.how, Some(&paths))
}

fn update(setup: &Setup, how: UpdateArgs) -> Result<(), Trouble> {
    let mut store = open(setup)?;
    if store.sources().map_err(Trouble::user)?.is_empty() {
        return Err(Trouble::User(anyhow::anyhow!(
            "nothing was added yet; `percept index add PATH` adds a folder or a file"
        )));
    }
    go(setup, &mut store, how, None)
}

fn rebuild(setup: &Setup, how: UpdateArgs) -> Result<(), Trouble> {
    let mut store = open(setup)?;
    let paths = store.source_paths().map_err(Trouble::user)?;
    for path in &paths {
        store.forget(path).map_err(Trouble::user)?;
    }
    setup.forget_embeddings();
    go(setup, &mut store, how, None)
}

/// Reads what changed, here or in the background.
fn go(setup: &Setup, store: &mut Store, how: UpdateArgs, only: Option<&[PathBuf]>) -> Result<(), Trouble> {
    if store.is_paused().map_err(Trouble::user)? {
        warn("indexing is paused; `percept index resume` lets it go on");
        return Ok(());
    }
    if how.background {
        for leaves in setup.leaves_when_indexing() {
            warn(leaves);
        }
        return in_background();
    }
    let folder = setup.paths.index();
    let Some(_held) = Lock::wait(&folder)? else {
        warn("another percept is indexing and goes on with this; `percept index status` says how far it is");
        return Ok(());
    };
    for leaves in setup.leaves_when_indexing() {
        warn(leaves);
    }
    let runtime = runtime()?;
    let stop = stop_on_terminate(&runtime);
    set_on_interrupt(&runtime, &stop);
    let mut shown = Shown::new();
    let done =
        indexing::refresh(store, &setup.indexing()?, only, &stop, &mut |progress| shown.tell(progress));
    shown.clear();
    runtime.shutdown_background();
    finish(store, &done.map_err(Trouble::user)?, &stop)
}

fn finish(store: &Store, done: &Done, stop: &AtomicBool) -> Result<(), Trouble> {
    for note in &done.notes {
        warn(note);
    }
    let status = store.status().map_err(Trouble::user)?;
    print_line(summary(done, &status))?;
    if stop.load(Ordering::Relaxed) {
        warn("stopped; what was read is kept, and `percept index update` goes on from there");
        return Err(Trouble::Stopped);
    }
    Ok(())
}

fn summary(done: &Done, status: &Status) -> String {
    let files: u64 = status.sources.iter().map(|source| source.files).sum();
    let mut said = format!(
        "{} read, {} left out, {} gone. In the index: {} in {}.",
        counted(done.files - done.skipped, "file", "files"),
        thousands(done.skipped),
        thousands(done.gone),
        counted(status.passages, "passage", "passages"),
        counted(files, "file", "files"),
    );
    if done.skipped > 0 {
        said.push_str(" `percept index status` says what is left out.");
    }
    said
}

/// Starts a percept of its own that goes on when this terminal is closed.
fn in_background() -> Result<(), Trouble> {
    let own = std::env::current_exe()?;
    let mut command = Command::new(own);
    command.args(["index", "update"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn()?;
    print_line(format!(
        "Indexing goes on in the background (process {}). `percept index status` says how far it is.",
        child.id()
    ))
}

fn remove(setup: &Setup, paths: &[PathBuf]) -> Result<(), Trouble> {
    let mut store = open(setup)?;
    for path in paths {
        // What is no longer there can be taken out all the same.
        let whole = path.canonicalize().or_else(|_| std::path::absolute(path))?;
        match store.remove_source(&whole).map_err(Trouble::user)? {
            Some(files) => {
                print_line(format!("{}: {} taken out.", whole.display(), counted(files, "file", "files")))?;
            }
            None => return Err(not_added(&whole, &store)?),
        }
    }
    Ok(())
}

fn not_added(path: &Path, store: &Store) -> Result<Trouble, Trouble> {
    let sources = store.source_paths().map_err(Trouble::user)?;
    let names: Vec<String> = sources.iter().map(|source| source.display().to_string()).collect();
    let there =
        if names.is_empty() { "nothing was".to_owned() } else { format!("added were {}", names.join(", ")) };
    Ok(Trouble::User(anyhow::anyhow!("{} was not added; {there}", path.display())))
}

fn pause(setup: &Setup, paused: bool) -> Result<(), Trouble> {
    let mut store = open(setup)?;
    store.set_paused(paused).map_err(Trouble::user)?;
    print_line(match paused {
        true => "Indexing is paused. `percept index resume` lets it go on.",
        false => "Indexing may go on: in a chat at once, else with `percept index update`.",
    })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Shape<'a> {
    sources: Vec<SourceShape<'a>>,
    passages: u64,
    pictures: u64,
    vectors: Vec<VectorsShape<'a>>,
    pairs: u64,
    bytes_on_disk: u64,
    paused: bool,
    running: bool,
    skipped: Vec<SkippedShape>,
}

#[derive(Debug, Serialize)]
struct SourceShape<'a> {
    path: &'a Path,
    files: u64,
    skipped: u64,
    passages: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct VectorsShape<'a> {
    model: &'a str,
    passages: u64,
}

#[derive(Debug, Serialize)]
struct SkippedShape {
    path: PathBuf,
    why: String,
}

/// Why a file is left out, in words.
fn reason(skip: &Skip) -> String {
    match skip {
        Skip::Binary => "binary".to_owned(),
        Skip::Secret(why) => format!("looks secret: {why}"),
        Skip::TooBig => "too big ([index] max_file_mib)".to_owned(),
        Skip::Unreadable(why) => why.clone(),
        Skip::Empty => "empty".to_owned(),
    }
}

fn status(setup: &Setup, all: bool, json: bool) -> Result<(), Trouble> {
    if !Store::file(&setup.paths.index()).exists() && !json {
        return print_line("Nothing was added yet. `percept index add PATH` adds a folder or a file.");
    }
    let store = open(setup)?;
    let status = store.status().map_err(Trouble::user)?;
    let most = if all || json { usize::MAX } else { FEW_SKIPPED };
    let skipped = store.skipped(most).map_err(Trouble::user)?;
    let running = matches!(Lock::take(&setup.paths.index()), Ok(None));
    if json {
        return print_json(&Shape {
            sources: status.sources.iter().map(source_shape).collect(),
            passages: status.passages,
            pictures: status.pictures,
            vectors: status
                .vectors
                .iter()
                .map(|(model, passages)| VectorsShape { model, passages: *passages })
                .collect(),
            pairs: status.pairs,
            bytes_on_disk: status.bytes_on_disk,
            paused: status.paused,
            running,
            skipped: skipped
                .into_iter()
                .map(|(path, skip)| SkippedShape { path, why: reason(&skip) })
                .collect(),
        });
    }
    show(setup, &store, &status, running).map_err(Trouble::user)??;
    for (path, skip) in &skipped {
        print_line(format!("  left out  {}: {}", path.display(), reason(skip)))?;
    }
    let left: u64 = status.sources.iter().map(|source| source.skipped).sum();
    match left.saturating_sub(skipped.len() as u64) {
        0 => Ok(()),
        more => print_line(format!("  left out  {} more; --skipped lists them all", thousands(more))),
    }
}

fn source_shape(source: &Source) -> SourceShape<'_> {
    let Source { path, files, skipped, passages, bytes } = source;
    SourceShape { path, files: *files, skipped: *skipped, passages: *passages, bytes: *bytes }
}

fn show(
    setup: &Setup,
    store: &Store,
    status: &Status,
    running: bool,
) -> Result<Result<(), Trouble>, IndexError> {
    let mut lines = Vec::new();
    for source in &status.sources {
        lines.push(format!(
            "{}  {}, {}, {}",
            source.path.display(),
            counted(source.files, "file", "files"),
            counted(source.passages, "passage", "passages"),
            size(source.bytes)
        ));
    }
    lines.push(match &setup.embedder() {
        Ok(embedder) => {
            let missing = store.count_unembedded(embedder.space())?;
            let of = thousands(status.passages);
            format!(
                "by meaning: {} ({} of {of} passages)",
                embedder.space().name,
                thousands(status.passages.saturating_sub(missing))
            )
        }
        Err(why) => format!("by words alone: {why}"),
    });
    lines.push(match (status.paused, running) {
        (true, _) => "paused; `percept index resume` lets it go on".to_owned(),
        (false, true) => "a percept is indexing now".to_owned(),
        (false, false) => format!("{} on disk", size(status.bytes_on_disk)),
    });
    if status.pairs > 0 {
        lines.push(format!(
            "{} confirmed; `percept index teach` learns from them",
            counted(status.pairs, "pair", "pairs")
        ));
    }
    Ok(lines.into_iter().try_for_each(print_line))
}
