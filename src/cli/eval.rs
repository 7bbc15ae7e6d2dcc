//! `percept eval`: how well a model sees, hears, finds and acts.

use std::collections::BTreeSet;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::exit::{print_json, print_text, warn};
use super::open::{Overrides, Setup, runtime, shut_down};
use super::watch::{Shown, stop_on_interrupt};
use super::{ModelArgs, Trouble};
use crate::agent::Event;
use crate::catalogue::ReadyModel;
use crate::eval::text::Finder;
use crate::eval::{
    self, Hands, Kind, Lesson, Of, Outcome, Outcomes, Report, RunError, Scores, Suite, fingerprint, is_drawn,
    named_print,
};

/// Tokens of an answer at most: a model that repeats itself is cut here.
const MOST_TOKENS: u32 = 256;

/// Columns of a table.
const WIDTH: usize = 80;

/// Items of each kind that are drawn unless it is said how many.
const EACH: usize = 20;

/// Measure how well a model sees, hears, finds and acts
///
/// Questions with answers that are checked without a model: about pictures that are drawn from a
/// seed, or a suite of your own. The results are kept, so that a run that was stopped goes on
/// where it was, and words are marked as unsure by what was measured (docs/perception.md).
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = HELP)]
pub(super) struct EvalArgs {
    #[command(subcommand)]
    command: Option<EvalCommand>,
    /// A suite: a folder with suite.toml. Without it one is drawn
    #[arg(value_name = "SUITE", value_hint = clap::ValueHint::DirPath)]
    suite: Option<PathBuf>,
    /// Only these kinds; can be given several times
    #[arg(short, long, value_name = "KIND")]
    kind: Vec<Kind>,
    /// The seed that a suite is drawn from
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "suite")]
    seed: u64,
    /// Items of each kind
    #[arg(short = 'n', long, value_name = "N", default_value_t = EACH, conflicts_with = "suite", value_parser = count)]
    count: usize,
    #[command(flatten)]
    model: ModelArgs,
    /// Another model, side by side: is a difference more than chance?
    #[arg(long, value_name = "NAME|FILE")]
    against: Option<String>,
    /// Begin anew: forget what was answered before
    #[arg(long)]
    fresh: bool,
    /// Print one JSON object (docs/json.md)
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

const HELP: &str = "Examples:
  percept eval                                   every kind, 20 items each, with the model in use
  percept eval -k dialog -k chart -n 100         two kinds
  percept eval -m qwen3-vl-4b --against starter  two models side by side
  percept eval ~/my-suite --markdown > table.md  questions of your own
  percept eval generate -k dialog --seed 7 DIR   only draw a suite, to look at or to change

Nothing that a model answers here is run, and no conversation is kept.";

#[derive(Debug, Subcommand)]
enum EvalCommand {
    /// Draw a suite into a folder, or examples for training
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
struct GenerateArgs {
    /// What to draw; `percept eval --help` has the kinds, --stream its own (docs/perception.md)
    #[arg(short, long, value_name = "KIND", required = true)]
    kind: Vec<String>,
    /// The seed: the same one draws the same again
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Items of each kind (20); with --stream all in all (endless)
    #[arg(short = 'n', long, value_name = "N", value_parser = count)]
    count: Option<usize>,
    /// Write examples for training to standard output, in place of a suite
    #[arg(long, conflicts_with = "folder")]
    stream: bool,
    /// With --stream, the size of pictures in pixels
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "320x140", requires = "stream")]
    size: (u16, u16),
    /// A new or empty folder
    #[arg(value_name = "DIR", required_unless_present = "stream", value_hint = clap::ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=100_000).contains(number));
    number.ok_or_else(|| "a number from 1 to 100000".to_owned())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let bounds = 20..=4000;
    sides
        .filter(|(width, height)| bounds.contains(width) && bounds.contains(height))
        .ok_or_else(|| "a width and a height in pixels from 20 to 4000, such as 320x140".to_owned())
}

fn named<T: clap::ValueEnum>(names: &[String]) -> Result<Vec<T>, Trouble> {
    let all = || {
        T::value_variants().iter().filter_map(T::to_possible_value).map(|value| value.get_name().to_owned())
    };
    let one = |name: &String| {
        T::from_str(name, false).map_err(|_| {
            let all: Vec<String> = all().collect();
            Trouble::User(anyhow::anyhow!("there is no kind {name:?}; kinds: {}", all.join(", ")))
        })
    };
    names.iter().map(one).collect()
}

pub(super) fn run(args: EvalArgs) -> Result<(), Trouble> {
    match &args.command {
        Some(EvalCommand::Generate(generate)) if generate.stream => stream(generate),
        Some(EvalCommand::Generate(args)) => generate(args),
        None => evaluate(&args),
    }
}

fn stream(args: &GenerateArgs) -> Result<(), Trouble> {
    let lessons = named::<Lesson>(&args.kind)?;
    let mut to = BufWriter::new(io::stdout().lock());
    for lesson in lessons {
        eval::stream(lesson, args.size, args.seed, args.count.map(|count| count as u64), &mut to)?;
    }
    Ok(())
}

fn generate(args: &GenerateArgs) -> Result<(), Trouble> {
    let kinds = named::<Kind>(&args.kind)?;
    let folder = args.folder.as_deref().unwrap_or(Path::new("."));
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        let why = format!("{} is not empty; name another folder", folder.display());
        return Err(Trouble::User(anyhow::anyhow!(why)));
    }
    let suite = draw(&kinds, args.seed, args.count.unwrap_or(EACH), folder)?;
    warn(format!("{} items are in {}", suite.items.len(), folder.display()));
    Ok(())
}

/// Draws a suite into a folder.
fn draw(kinds: &[Kind], seed: u64, count: usize, folder: &Path) -> Result<Suite, Trouble> {
    let mut suite = Suite { name: format!("seed {seed}"), items: Vec::new(), folder: folder.to_owned() };
    let mut shown = Shown::new();
    for kind in kinds {
        if !is_drawn(*kind) {
            let why = format!(
                "no {} is drawn; docs/perception.md tells how a suite of your own looks",
                kind.name()
            );
            return Err(Trouble::User(anyhow::anyhow!(why)));
        }
        shown.tell(format!("drawing {}", kind.name()));
        let items = eval::generate(*kind, seed, count, folder).map_err(|error| {
            Trouble::User(anyhow::anyhow!("{} can't be written to: {error}", folder.display()))
        })?;
        suite.items.extend(items);
    }
    shown.clear();
    suite.write().map_err(Trouble::user)?;
    Ok(suite)
}

fn evaluate(args: &EvalArgs) -> Result<(), Trouble> {
    let setup = Setup::load()?;
    let suite = suite(&setup, args)?;
    let name = setup.model(&args.model);
    if let Some(against) = &args.against {
        // Before the first one has answered for an hour.
        ready(&setup, against)?;
    }
    let (first, outcomes) = measure(&setup, args, &suite, &name)?;
    let Some(against) = &args.against else {
        return match (args.json, args.markdown) {
            (true, _) => print_json(&first),
            (_, true) => print_text(&first.markdown()),
            _ => print_text(&first.text(WIDTH)),
        };
    };
    let (second, others) = measure(&setup, args, &suite, against)?;
    let compared = eval::compare((&first.model, &outcomes), (&second.model, &others));
    match (args.json, args.markdown) {
        (true, _) => print_json(&compared),
        (_, true) => print_text(&compared.markdown()),
        _ => print_text(&compared.text(WIDTH)),
    }
}

/// The suite that was named, or one that is drawn: once, and found again after that.
fn suite(setup: &Setup, args: &EvalArgs) -> Result<Suite, Trouble> {
    let wanted: BTreeSet<Kind> = args.kind.iter().copied().collect();
    let mut suite = match &args.suite {
        Some(folder) => Suite::read(folder).map_err(Trouble::user)?,
        None => {
            let all = Kind::ALL.into_iter().filter(|kind| is_drawn(*kind));
            let kinds: Vec<Kind> = all.filter(|kind| wanted.is_empty() || wanted.contains(kind)).collect();
            let folder = setup.paths.evals().join("drawn").join(format!("{}-{}", args.seed, args.count));
            draw(&kinds, args.seed, args.count, &folder)?
        }
    };
    suite.items.retain(|item| wanted.is_empty() || wanted.contains(&item.kind));
    match suite.items.is_empty() {
        true => Err(Trouble::User(anyhow::anyhow!("the suite has no items of these kinds"))),
        false => Ok(suite),
    }
}

/// Asks a model what it has not answered yet, and keeps its scores.
fn measure(
    setup: &Setup,
    args: &EvalArgs,
    suite: &Suite,
    name: &str,
) -> Result<(Report, Vec<Outcome>), Trouble> {
    let model = ready(setup, name)?;
    let print = print_of(&model)?;
    let of = Of {
        suite: suite.name.clone(),
        items: suite.digest()?,
        model: model.name.clone(),
        fingerprint: print.clone(),
        setup: depends_on(setup, suite, &model)?,
    };
    let evals = setup.paths.evals();
    let runs = evals.join("runs");
    let mut outcomes = Outcomes::open(&runs, &of, args.fresh)
        .map_err(|error| Trouble::User(anyhow::anyhow!("{}: {error}", runs.display())))?;
    let (before, all) = (outcomes.answered().count(), suite.items.len());
    if before > 0 {
        warn(format!("{before} of {all} were answered before (--fresh begins anew)"));
    }
    if before < all {
        let done = asked(setup, suite, name, &mut outcomes);
        let answered = outcomes.answered().count();
        if let (Err(_), 1..) = (&done, answered) {
            warn(format!("{answered} of {all} are answered; the same command goes on from there"));
        }
        done?;
        if answered < all {
            warn(format!("{} could not be answered; the same command asks them again", all - answered));
        }
    }
    let report = Report::of(&model.name, &outcomes.all);
    let earlier = Scores::of(&evals, &print);
    // What was measured before is no news.
    if before < all || earlier.is_none() {
        let now = jiff::Timestamp::now().as_millisecond();
        // That they can't be kept takes no result away.
        if let Err(error) = Scores::new(&suite.name, &report, now, earlier).keep(&evals, &print) {
            warn(format!("the scores can't be kept: {error}"));
        }
    }
    warn(format!("each answer is in {}", outcomes.path().display()));
    Ok((report, outcomes.all))
}

/// A digest of what an answer depends on beside the model's files and the items: with another
/// version, setting or prompt all are asked anew.
fn depends_on(setup: &Setup, suite: &Suite, model: &ReadyModel) -> io::Result<String> {
    let config = &setup.config;
    let mut hasher = blake3::Hasher::new();
    let settings = (&config.model, &config.engine, &config.sampling, &config.attach, &config.tools);
    hasher.update(format!("{} {model:?} {settings:?}", env!("CARGO_PKG_VERSION")).as_bytes());
    if suite.items.iter().any(|item| item.kind == Kind::Speech) {
        hasher.update(format!("{:?} {:?}", config.speech, config.transcription).as_bytes());
    }
    if suite.items.iter().any(|item| item.kind.is_search()) {
        let space = setup.embedder().map(|embedder| embedder.space().id.clone());
        hasher.update(format!("{:?} {:?} {space:?}", config.find, config.index).as_bytes());
    }
    eval::add_files(&setup.paths.prompts(), &mut hasher)?;
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

/// The scores of a model on this machine, if it was measured.
pub(super) fn scores(evals: &Path, model: &ReadyModel) -> Option<Scores> {
    Scores::of(evals, &print_of(model).ok()?)
}

/// What tells a model from another: its files, or its name and address where a server has them.
fn print_of(model: &ReadyModel) -> io::Result<String> {
    match &model.load.server {
        Some(server) => Ok(named_print(&model.name, &server.url)),
        None => {
            let files = [Some(&model.model), model.mmproj.as_ref()];
            fingerprint(files.into_iter().flatten().map(PathBuf::as_path))
        }
    }
}

fn ready(setup: &Setup, name: &str) -> Result<ReadyModel, Trouble> {
    match setup.config.engine.server() {
        Some(server) => Ok(ReadyModel::at_server(name, server)),
        None => setup.catalogue.ready(name, &setup.paths.cache).map_err(Trouble::user),
    }
}

fn asked(setup: &Setup, suite: &Suite, name: &str, outcomes: &mut Outcomes) -> Result<(), Trouble> {
    leaves(setup, suite).iter().for_each(warn);
    let folder = tempfile::tempdir()?;
    let overrides = Overrides {
        temperature: Some(0.0),
        max_tokens: Some(MOST_TOKENS),
        nobody_to_ask: true,
        measured: Some(folder.path().to_owned()),
        ..Overrides::default()
    };
    let runtime = runtime()?;
    let stop = stop_on_interrupt(&runtime);
    let mut shown = Shown::new();
    let total = suite.items.len();
    let done = runtime.block_on(async {
        let mut driver = setup.driver(&overrides)?;
        driver.send(Event::UseModel(name.to_owned()));
        let ears = setup.listener();
        let mut hands = Hands { driver: &mut driver, ears: &ears, finder: &finder(setup)? };
        let mut tell =
            |at: usize, kind: Kind| shown.tell(format!("{name}: {at} of {total}, {}", kind.name()));
        let done = eval::run(&mut hands, suite, outcomes, &stop, &mut tell).await;
        done.map_err(|error| match error {
            RunError::Stopped => Trouble::Stopped,
            RunError::Engine(why) => Trouble::Engine(anyhow::anyhow!(why)),
            error @ RunError::File { .. } => Trouble::user(error),
        })
    });
    shown.clear();
    shut_down(runtime);
    done?.iter().for_each(warn);
    Ok(())
}

/// What of a suite goes to servers elsewhere, a sentence each.
fn leaves(setup: &Setup, suite: &Suite) -> Vec<String> {
    let some = |wanted: fn(Kind) -> bool| suite.items.iter().any(|item| wanted(item.kind));
    let asked = some(|kind| !kind.is_search() && kind != Kind::Speech);
    let to = setup.config.engine.leaves_to().filter(|_| asked);
    let sound = setup.config.transcription.leaves_to().filter(|_| some(|kind| kind == Kind::Speech));
    let vectors = setup.config.embedding.leaves_to().filter(|_| some(Kind::is_search));
    let to = to.map(|to| format!("the suite's questions and what they attach go to {to}"));
    let sound = sound.map(|to| format!("the suite's recordings go to {to} to be heard"));
    let vectors = vectors.map(|to| format!("the suite's searches and documents go to {to} for vectors"));
    to.into_iter().chain(sound).chain(vectors).collect()
}

/// Finds documents as `percept find` does, in an index of the suite's own.
fn finder(setup: &Setup) -> Result<Finder, Trouble> {
    let crate::indexing::Hands { embedder, options, count, eyes, .. } = setup.indexing()?;
    Ok(Finder { embedder, reranker: None, options, count, eyes })
}
