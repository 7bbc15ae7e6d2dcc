//! `percept find`: passages and pictures, by words and by meaning.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line, warn};
use super::open::{Setup, runtime};
use super::watch::{set_on_interrupt, stop_on_terminate};
use crate::document::{self, Kind, Place};
use crate::retrieval::{Answer, Hit, IndexError, Mode, PassageKind, Query, Ranked, Wanted};
use crate::text;

/// Columns of the text that is shown of a passage.
const SHOWN_COLUMNS: usize = 200;

/// Find passages and pictures in what was added to the index
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct FindArgs {
    /// What it is about; or a picture's file, to find what goes with it
    #[arg(value_name = "WORDS|PICTURE", required = true, value_hint = clap::ValueHint::AnyPath)]
    query: Vec<String>,
    /// The most results
    #[arg(short = 'k', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    most: u32,
    /// Pictures only
    #[arg(long)]
    images: bool,
    /// By words, by meaning, or both
    #[arg(long, value_enum, default_value_t = By::Hybrid)]
    mode: By,
    /// Only in this folder or file
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    within: Option<PathBuf>,
    /// Print one JSON object (docs/json.md)
    #[arg(long)]
    json: bool,
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// By words (BM25)
    Lexical,
    /// By meaning (vectors of an embedding model)
    Semantic,
    /// Both, fused; by words where there is no embedding model
    Hybrid,
}

impl From<By> for Mode {
    fn from(by: By) -> Self {
        match by {
            By::Lexical => Self::Lexical,
            By::Semantic => Self::Semantic,
            By::Hybrid => Self::Hybrid,
        }
    }
}

const HELP: &str = "Examples:
  percept index add ~/notes                     first: what is to be found
  percept find restore a replica
  percept find --images \"login page with a red error\"
  percept find error.png                        what goes with a picture
  percept find -k 3 --json \"E0382\" | jq '.results[].cite'

Words in quotation marks inside the query must stand together: '\"connection reset\" nginx'.";

pub(super) fn run(args: FindArgs) -> Result<(), Trouble> {
    let setup = Setup::load()?;
    let runtime = runtime()?;
    let stop = stop_on_terminate(&runtime);
    set_on_interrupt(&runtime, &stop);
    let library = setup.library();
    if library.is_empty() {
        return Err(Trouble::User(anyhow::anyhow!(
            "nothing was added to the index yet; `percept index add PATH` adds a folder or a file"
        )));
    }
    let query = Query {
        wanted: wanted(&setup, &args, &stop)?,
        mode: args.mode.into(),
        most: args.most as usize,
        pictures_only: args.images,
        within: args.within.as_deref().map(whole),
    };
    if let Some(to) = setup.config.embedding.leaves_to().filter(|_| args.mode != By::Lexical) {
        warn(format!("what is looked for goes to {to}"));
    }
    let answer = library.find(&query, &stop);
    runtime.shutdown_background();
    let mut answer = answer.map_err(|error| match error {
        IndexError::Stopped => Trouble::Stopped,
        error => Trouble::user(error),
    })?;
    // That a picture goes with itself is known.
    if let Wanted::Picture { path, .. } = &query.wanted {
        answer.hits.retain(|hit| hit.passage.path != *path);
    }
    for note in &answer.notes {
        warn(note);
    }
    match args.json {
        true => print_json(&Shape::of(&args.query.join(" "), &answer)),
        false => show(&answer),
    }
}

pub(super) fn whole(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// What is looked for: a file that is a picture, else words.
fn wanted(setup: &Setup, args: &FindArgs, stop: &std::sync::atomic::AtomicBool) -> Result<Wanted, Trouble> {
    let words = args.query.join(" ");
    let path = match args.query.as_slice() {
        [one] if Path::new(one).is_file() => whole(Path::new(one)),
        _ => return Ok(Wanted::Words(words)),
    };
    let unreadable = |error: std::io::Error| Trouble::User(anyhow::anyhow!("{words} can't be read: {error}"));
    let content = std::fs::read(&path).map_err(unreadable)?;
    let head = &content[..content.len().min(document::HEAD_BYTES)];
    match document::kind_of(&path, head) {
        Kind::Picture => {
            let hands = setup.indexing()?;
            // A picture that can't be read by OCR may still be compared by its vector.
            let read = hands.eyes.look(&words, &content, stop).unwrap_or_default();
            Ok(Wanted::Picture { path, words: read })
        }
        Kind::Sound => {
            let listener = setup.listener();
            if let Some(to) = setup.config.transcription.leaves_to() {
                warn(format!("the recording is sent to {to}"));
            }
            let heard = crate::intake::Ears::hear(&listener, &path, stop, &mut |_| {});
            let heard = heard.map_err(|why| Trouble::User(anyhow::anyhow!("{words}: {why}")))?;
            Ok(Wanted::Words(heard.to_text()))
        }
        // The name of a document is looked for like any words.
        _ => Ok(Wanted::Words(words)),
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Shape<'a> {
    query: &'a str,
    mode: Mode,
    notes: &'a [String],
    results: Vec<ResultShape<'a>>,
}

#[derive(Debug, Serialize)]
struct ResultShape<'a> {
    rank: usize,
    path: &'a Path,
    place: String,
    cite: String,
    kind: PassageKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    heading: &'a [String],
    text: &'a str,
    why: &'static str,
    score: f32,
    lexical: Option<Ranked>,
    semantic: Option<Ranked>,
}

impl<'a> Shape<'a> {
    fn of(query: &'a str, answer: &'a Answer) -> Self {
        let results = (1..).zip(&answer.hits).map(|(rank, hit)| ResultShape::of(rank, hit)).collect();
        Self { query, mode: answer.mode, notes: &answer.notes, results }
    }
}

impl<'a> ResultShape<'a> {
    fn of(rank: usize, hit: &'a Hit) -> Self {
        let passage = &hit.passage;
        Self {
            rank,
            path: &passage.path,
            place: passage.place.to_string(),
            cite: passage.cite(),
            kind: passage.kind,
            title: passage.title.as_deref(),
            heading: &passage.heading,
            text: &passage.text,
            why: hit.why(),
            score: hit.score,
            lexical: hit.lexical,
            semantic: hit.semantic,
        }
    }
}

fn show(answer: &Answer) -> Result<(), Trouble> {
    if answer.hits.is_empty() {
        return print_line("Nothing was found.");
    }
    for (rank, hit) in (1..).zip(&answer.hits) {
        print_line(card(rank, hit))?;
    }
    Ok(())
}

/// A result in two or three lines, that a terminal's "open path:line" understands.
fn card(rank: usize, hit: &Hit) -> String {
    let passage = &hit.passage;
    let place = match passage.place {
        Place::Whole => String::new(),
        place => format!(":{place}"),
    };
    let mut lines = vec![format!("{rank}. {}{place}  ({})", passage.path.display(), hit.why())];
    let under: Vec<&str> = passage.above().collect();
    if !under.is_empty() {
        lines.push(format!("   {}", text::end(&text::one_line(&under.join(" › ")), SHOWN_COLUMNS)));
    }
    if !passage.text.is_empty() {
        lines.push(format!("   {}", text::end(&text::one_line(&passage.text), SHOWN_COLUMNS)));
    }
    lines.join("\n")
}
