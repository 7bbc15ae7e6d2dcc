//! Asks a suite, item by item, and keeps what came of each.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::align::word_rights;
use super::ask::{AskError, ask};
use super::check::check;
use super::item::{Answer, Given, Item, Kind};
use super::outcome::{Outcome, Outcomes};
use super::suite::Suite;
use crate::agent::driver::Driver;
use crate::intake::Ears;

/// Of an answer as much is kept, in bytes.
const MOST_ANSWER: usize = 4000;

/// Finds documents in a folder: the best first, by their place in it.
pub type Find<'a> = dyn FnMut(&Path, &str) -> Result<Vec<PathBuf>, String> + 'a;

/// Who does what an item asks.
pub struct Hands<'a> {
    /// Asks the model.
    pub driver: &'a mut Driver,
    /// Hears recordings.
    pub ears: &'a dyn Ears,
    /// Finds documents.
    pub find: &'a mut Find<'a>,
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

/// Asks each item that has no outcome yet. `tell` is told how many are done and of which kind
/// the next one is.
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
) -> Result<(), RunError> {
    let done: std::collections::HashSet<String> =
        outcomes.all.iter().map(|outcome| outcome.id.clone()).collect();
    for (at, item) in suite.items.iter().enumerate() {
        if done.contains(&item.id) {
            continue;
        }
        tell(at, item.kind);
        let begun = Instant::now();
        let given = answer(hands, item, &suite.folder, stop).await;
        if stop.load(Ordering::Relaxed) {
            return Err(RunError::Stopped);
        }
        let (given, error) = match given {
            Ok(given) => (given, None),
            Err(AskError::Item(why)) => (Given::default(), Some(why)),
            Err(AskError::Engine(why)) => return Err(RunError::Engine(why)),
            Err(AskError::Stopped) => return Err(RunError::Stopped),
        };
        let outcome = outcome(item, &given, error, begun.elapsed().as_secs_f64());
        let path = outcomes.path().to_owned();
        outcomes.add(outcome).map_err(|error| RunError::File { path, error })?;
    }
    Ok(())
}

async fn answer(
    hands: &mut Hands<'_>,
    item: &Item,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Given, AskError> {
    let file = || item.attach.first().map(|file| folder.join(file)).unwrap_or_default();
    match &item.answer {
        Answer::Documents(_) => {
            let found = (hands.find)(&file(), &item.question).map_err(AskError::Item)?;
            Ok(Given { found, ..Given::default() })
        }
        Answer::Speech { .. } => {
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
    Outcome {
        id: item.id.clone(),
        kind: item.kind,
        group: item.group.clone(),
        answer,
        verdict: check(&item.answer, given),
        seconds,
        words,
        chance: item.answer.chance(),
        error,
    }
}
