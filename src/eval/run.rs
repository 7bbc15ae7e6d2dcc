//! Asks a suite, item by item, and keeps what came of each.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::align::word_rights;
use super::ask::{AskError, ask};
use super::check::check;
use super::item::{Answer, Given, Item, Kind, Verdict};
use super::outcome::{Outcome, Outcomes};
use super::suite::Suite;
use super::text::{Finder, Found, Step, find};
use crate::agent::driver::Driver;
use crate::intake::Ears;

/// Of an answer as much is kept, in bytes.
const MOST_ANSWER: usize = 4000;

/// So many failures of a server in a row, and it would not answer the next item either.
const SERVER_FAILURES: usize = 3;

/// Who does what an item asks.
pub struct Hands<'a> {
    /// Asks the model.
    pub driver: &'a mut Driver,
    /// Hears recordings.
    pub ears: &'a dyn Ears,
    /// Finds documents.
    pub finder: &'a Finder,
}

/// Why a run ended before its end. What was done is kept: the same run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The model or its worker.
    #[error("{0}")]
    Engine(String),
    /// The outcomes can't be kept.
    #[error("{}: {error}", path.display())]
    File {
        /// Their file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The person stopped it.
    #[error("stopped")]
    Stopped,
}

/// Asks each item that has no answer yet. `tell` is told how many are done and of which kind
/// the next one is. Returns what is to be said of the searches, a sentence each.
///
/// # Errors
///
/// [`RunError`].
pub async fn run(
    hands: &mut Hands<'_>,
    suite: &Suite,
    outcomes: &mut Outcomes,
    stop: &AtomicBool,
    tell: &mut (dyn FnMut(usize, Kind) + Send),
) -> Result<Vec<String>, RunError> {
    let done: HashSet<String> = outcomes.answered().map(|outcome| outcome.id.clone()).collect();
    let notes = search(hands, suite, &done, outcomes, stop, tell)?;
    let mut server_failures = 0;
    for (at, item) in suite.items.iter().enumerate() {
        if done.contains(&item.id) || item.kind.is_search() {
            continue;
        }
        tell(at, item.kind);
        let begun = Instant::now();
        let given = answer(hands, item, &suite.folder, stop).await;
        if stop.load(Ordering::Relaxed) {
            return Err(RunError::Stopped);
        }
        server_failures = if matches!(given, Err(AskError::Server(_))) { server_failures + 1 } else { 0 };
        let (given, error) = match given {
            Ok(given) => (given, None),
            Err(AskError::Server(why)) if server_failures == SERVER_FAILURES => {
                return Err(RunError::Engine(why));
            }
            Err(AskError::Item(why) | AskError::Server(why)) => (Given::default(), Some(why)),
            Err(AskError::Engine(why)) => return Err(RunError::Engine(why)),
            Err(AskError::Stopped) => return Err(RunError::Stopped),
        };
        add(outcomes, outcome(item, &given, error, begun.elapsed().as_secs_f64()))?;
    }
    Ok(notes)
}

/// Does the searches, folder by folder: each is indexed one time, and one that can't be is not the
/// end of the others.
fn search(
    hands: &Hands<'_>,
    suite: &Suite,
    done: &HashSet<String>,
    outcomes: &mut Outcomes,
    stop: &AtomicBool,
    tell: &mut (dyn FnMut(usize, Kind) + Send),
) -> Result<Vec<String>, RunError> {
    let mut folders: BTreeMap<(Kind, &[PathBuf]), Vec<Item>> = BTreeMap::new();
    for item in suite.items.iter().filter(|item| item.kind.is_search() && !done.contains(&item.id)) {
        folders.entry((item.kind, &item.attach)).or_default().push(item.clone());
    }
    let mut notes = BTreeSet::new();
    for ((kind, _), items) in folders {
        let (begun, before) = (Instant::now(), outcomes.all.len());
        let mut step = |step: Step| match step {
            Step::Searched(at, _) => tell(before + at, kind),
            Step::Indexing(_) => tell(before, kind),
        };
        let found = find(&suite.folder, &items, hands.finder, stop, &mut step);
        if stop.load(Ordering::Relaxed) {
            return Err(RunError::Stopped);
        }
        let (found, error) = match found {
            Ok(found) => (found, None),
            Err(error) => (Found::default(), Some(error.to_string())),
        };
        notes.extend(found.notes);
        let seconds = begun.elapsed().as_secs_f64() / items.len() as f64;
        for (at, item) in items.iter().enumerate() {
            let given = found.given.get(at).cloned().unwrap_or_default();
            add(outcomes, outcome(item, &given, error.clone(), seconds))?;
        }
    }
    Ok(notes.into_iter().collect())
}

fn add(outcomes: &mut Outcomes, outcome: Outcome) -> Result<(), RunError> {
    let path = outcomes.path().to_owned();
    outcomes.add(outcome).map_err(|error| RunError::File { path, error })
}

async fn answer(
    hands: &mut Hands<'_>,
    item: &Item,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Given, AskError> {
    let file = || item.attach.first().map(|file| folder.join(file)).unwrap_or_default();
    match &item.answer {
        Answer::Speech { .. } => {
            hands.ears.check().map_err(AskError::Engine)?;
            let heard = hands.ears.hear(&file(), stop, &mut |_| {}).map_err(AskError::Item)?;
            Ok(Given { text: heard.to_text(), ..Given::default() })
        }
        _ => ask(hands.driver, item, folder, stop).await,
    }
}

fn outcome(item: &Item, given: &Given, error: Option<String>, seconds: f64) -> Outcome {
    let mut answer = match given.calls.first() {
        Some((tool, arguments)) => format!("{} {tool} {arguments}", given.text).trim().to_owned(),
        None => given.text.clone(),
    };
    answer.truncate(crate::text::boundary_before(&answer, MOST_ANSWER));
    let words = match &item.answer {
        Answer::Text { is, .. } => word_rights(given, is),
        _ => Vec::new(),
    };
    let mut verdict = check(&item.answer, given);
    if !item.kind.measures(&item.answer) {
        verdict = Verdict { right: verdict.right, ..Verdict::default() };
    }
    Outcome {
        id: item.id.clone(),
        kind: item.kind,
        group: item.group.clone(),
        answer,
        verdict,
        seconds,
        words,
        chance: item.chance(),
        error,
    }
}
