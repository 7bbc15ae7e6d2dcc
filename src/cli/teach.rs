//! `percept index confirm`, `pairs`, `forget`, `teach`: learning from the pairs that a person
//! confirms.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line, warn};
use super::find::whole;
use super::open::{Setup, runtime};
use super::watch::{Shown, set_on_interrupt, stop_on_terminate};
use crate::document::Place;
use crate::retrieval::{
    Asked, Confirmed, IndexError, Learning, Library, Passage, Query, Relation, Store, Taught, Teaching,
    Wanted, teach,
};
use crate::text::{self, counted};

/// Pairs that are listed at most.
const MOST_PAIRS: usize = 10_000;

/// What is learnt from.
#[derive(Debug, Subcommand)]
pub(super) enum TeachCommand {
    /// Keep that a passage or picture is right for a question
    Confirm {
        /// The words, or a picture's file
        query: String,
        /// The passage: PATH, or PATH:PLACE as `percept find` prints it
        passage: String,
    },
    /// List what was confirmed
    Pairs {
        /// Print JSON (docs/json.md)
        #[arg(long)]
        json: bool,
    },
    /// Forget a pair that was confirmed
    Forget {
        /// Its number in `percept index pairs`
        number: i64,
    },
    /// Learn from what was confirmed, and keep it if it helps with questions that were held out
    Teach {
        /// Remove what was learnt; the pairs stay
        #[arg(long)]
        forget: bool,
    },
}

pub(super) fn run(setup: &Setup, command: TeachCommand) -> Result<(), Trouble> {
    match command {
        TeachCommand::Confirm { query, passage } => confirm(setup, query, &passage),
        TeachCommand::Pairs { json } => pairs(&existing(setup)?, json),
        TeachCommand::Forget { number } => {
            match existing(setup)?.forget_pair(number).map_err(Trouble::user)? {
                true => print_line(format!("Pair {number} is forgotten.")),
                false => Err(user(format!("there is no pair {number}; `percept index pairs` lists them"))),
            }
        }
        TeachCommand::Teach { forget: true } => {
            let removed = existing(setup)?.forget_adapters().map_err(Trouble::user)?;
            print_line(match removed {
                0 => "Nothing was learnt.".to_owned(),
                _ => "What was learnt is removed; the pairs stay.".to_owned(),
            })
        }
        TeachCommand::Teach { forget: false } => learn(setup),
    }
}

fn user(why: impl Into<String>) -> Trouble {
    Trouble::User(anyhow::anyhow!(why.into()))
}

/// The index, which must be there.
fn existing(setup: &Setup) -> Result<Store, Trouble> {
    if !Store::file(&setup.paths.index()).exists() {
        return Err(user(
            "nothing was added to the index yet; `percept index add PATH` adds a folder or a file",
        ));
    }
    super::index::open(setup)
}

fn confirm(setup: &Setup, query: String, passage: &str) -> Result<(), Trouble> {
    drop(existing(setup)?);
    let library = setup.library();
    let passage = named(&library, passage)?;
    let path = Path::new(&query);
    let wanted = match path.is_file() {
        true => Wanted::Picture { path: whole(path), words: String::new() },
        false => Wanted::Words(query.clone()),
    };
    let query = Query { wanted, ..Query::words(query, 1) };
    library.confirm(&query, passage.id).map_err(Trouble::user)?;
    print_line(format!("Kept: {} is right for that. `percept index teach` learns from it.", passage.cite()))
}

/// The passage that a citation means.
fn named(library: &Library, cited: &str) -> Result<Passage, Trouble> {
    let (name, place) = match cited.rsplit_once(':') {
        Some((name, place)) if !name.is_empty() => match place.parse::<Place>() {
            Ok(place) => (name, place),
            Err(_) => (cited, Place::Whole),
        },
        _ => (cited, Place::Whole),
    };
    let path = match Path::new(name).exists() {
        true => whole(Path::new(name)),
        false => match library.files_named(name).map_err(Trouble::user)?.as_slice() {
            [one] => one.clone(),
            [] => return Err(user(format!("{name} is not in the index"))),
            several => {
                let names: Vec<String> = several.iter().map(|path| path.display().to_string()).collect();
                return Err(user(format!("{name} may be {}; give one of them", names.join(" or "))));
            }
        },
    };
    let passages = library.passages_of(&path).map_err(Trouble::user)?;
    let at = passages.iter().position(|passage| place == Place::Whole || holds(passage.place, place));
    match at {
        Some(at) => Ok(passages[at].clone()),
        None => Err(user(format!("the index has no passage at {cited}"))),
    }
}

/// Whether a place lies in another one, or is its beginning.
fn holds(all: Place, place: Place) -> bool {
    let within = |(from, to): (u32, u32), at: u32| (from..=to).contains(&at);
    match (all, place) {
        (Place::Lines(from, to), Place::Lines(at, _))
        | (Place::Rows(from, to), Place::Rows(at, _))
        | (Place::Paragraphs(from, to), Place::Paragraphs(at, _))
        | (Place::Seconds(from, to), Place::Seconds(at, _)) => within((from, to), at),
        (all, place) => all == place,
    }
}

/// A pair as `--json` prints it.
#[derive(Debug, Serialize)]
struct Shape<'a> {
    number: i64,
    words: Option<&'a str>,
    picture: Option<&'a Path>,
    path: &'a Path,
    place: String,
    confirmed_ms: i64,
    /// Whether the passage is still in the index.
    there: bool,
}

impl<'a> Shape<'a> {
    fn of(pair: &'a Confirmed) -> Self {
        let (words, picture) = match &pair.asked {
            Asked::Words(words) => (Some(words.as_str()), None),
            Asked::Picture { path, .. } => (None, Some(path.as_path())),
        };
        Self {
            number: pair.id,
            words,
            picture,
            path: &pair.path,
            place: pair.place.to_string(),
            confirmed_ms: pair.confirmed_ms,
            there: pair.passage.is_some(),
        }
    }
}

fn pairs(store: &Store, json: bool) -> Result<(), Trouble> {
    let pairs = store.pairs(MOST_PAIRS).map_err(Trouble::user)?;
    if json {
        return print_json(&pairs.iter().map(Shape::of).collect::<Vec<_>>());
    }
    if pairs.is_empty() {
        return print_line("Nothing was confirmed. `y` in /find, or `percept index confirm`, keeps a pair.");
    }
    pairs.iter().try_for_each(|pair| print_line(listed(pair)))
}

fn listed(pair: &Confirmed) -> String {
    let asked: PathBuf = match &pair.asked {
        Asked::Words(words) => PathBuf::from(text::one_line(words)),
        Asked::Picture { path, .. } => path.clone(),
    };
    let place = match pair.place {
        Place::Whole => String::new(),
        place => format!(":{place}"),
    };
    let gone = if pair.passage.is_some() { "" } else { "  (no longer in the index)" };
    format!("{}  {} → {}{place}{gone}", pair.id, asked.display(), pair.path.display())
}

fn learn(setup: &Setup) -> Result<(), Trouble> {
    let mut store = existing(setup)?;
    let embedder = setup.embedder().map_err(user)?;
    if let Some(to) = setup.config.embedding.leaves_to() {
        warn(format!("the questions that were confirmed go to {to} for vectors"));
    }
    let runtime = runtime()?;
    let stop = stop_on_terminate(&runtime);
    set_on_interrupt(&runtime, &stop);
    let mut shown = Shown::new();
    let taught = teach(&mut store, &*embedder, &Learning::default(), &stop, &mut |teaching| {
        shown.tell(match teaching {
            Teaching::Embedding(done, of) => format!("reading questions · {done} of {of}"),
            Teaching::Learning(done, of) => format!("learning · step {done} of at most {of}"),
        });
    });
    shown.clear();
    runtime.shutdown_background();
    let taught = taught.map_err(|error| match error {
        IndexError::Stopped => Trouble::Stopped,
        error => Trouble::user(error),
    })?;
    if taught.is_empty() {
        return Err(user(
            "nothing was confirmed yet; `y` in /find, or `percept index confirm`, keeps a pair",
        ));
    }
    taught.iter().try_for_each(report)
}

fn report(taught: &Taught) -> Result<(), Trouble> {
    for left in &taught.left_out {
        warn(left);
    }
    let from = match taught.relation {
        Relation::FromWords => "words",
        Relation::FromPictures => "pictures",
    };
    let pairs = counted(taught.pairs as u64, "pair", "pairs");
    if taught.held_out == 0 {
        let least = crate::retrieval::LEAST_PAIRS;
        return print_line(format!("From {from}: {pairs}; at least {least} are needed. Nothing was learnt."));
    }
    let end =
        if taught.used { "it is used from now on" } else { "that is no gain beyond chance; it is not used" };
    print_line(format!(
        "From {from}: {pairs}. Of questions that were held out {:.0}% found theirs first before and {:.0}% after (mean reciprocal rank {:.2} and {:.2}): {end}.",
        taught.before.first * 100.0,
        taught.after.first * 100.0,
        taught.before.reciprocal,
        taught.after.reciprocal,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_in_the_passage_that_holds_it() {
        assert!(holds(Place::Lines(10, 20), Place::Lines(20, 25)));
        assert!(!holds(Place::Lines(10, 20), Place::Lines(21, 25)));
        assert!(holds(Place::Page(3), Place::Page(3)));
        assert!(!holds(Place::Page(3), Place::Slide(3)));
    }
}
