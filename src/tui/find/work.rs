//! What the panel has done on another thread: searching, reading what was found, keeping what
//! is right. It decides nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Card, Confirm, place};
use crate::message::Finding;
use crate::retrieval::{IndexError, Library, Passage, PassageId, Query, Wanted};
use crate::text;
use crate::tools::finding;

/// What is to be looked up.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tui) enum Ask {
    /// What goes with a query.
    Search(Query),
    /// The texts of what the model found.
    Read(Vec<Finding>),
}

/// A question, and what ends it.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Lookup {
    pub(in crate::tui) ticket: u64,
    pub(in crate::tui) ask: Ask,
    pub(in crate::tui) stop: Arc<AtomicBool>,
}

impl PartialEq for Lookup {
    fn eq(&self, other: &Self) -> bool {
        (self.ticket, &self.ask) == (other.ticket, &other.ask)
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::tui) struct Looked {
    pub(in crate::tui) cards: Vec<Card>,
    pub(in crate::tui) notes: Vec<String>,
    /// It was searched: these are other results than those before.
    pub(in crate::tui) searched: bool,
}

/// Looks something up.
pub(in crate::tui) fn look(lookup: &Lookup, library: Option<&Library>) -> Result<Looked, String> {
    let library = library.filter(|library| !library.is_empty());
    let library = library.ok_or("Nothing is indexed yet: /index add FOLDER makes it findable.")?;
    match &lookup.ask {
        Ask::Search(query) => search(query, library, &lookup.stop),
        Ask::Read(findings) => {
            let cards = findings.iter().map(|finding| {
                let text = match lookup.stop.load(Ordering::Relaxed) {
                    true => None,
                    false => Some(read(finding, library).unwrap_or_default()),
                };
                Card { text, ..Card::unread(finding.clone()) }
            });
            Ok(Looked { cards: cards.collect(), ..Looked::default() })
        }
    }
}

fn search(query: &Query, library: &Library, stop: &AtomicBool) -> Result<Looked, String> {
    let mut query = query.clone();
    if let Wanted::Picture { path, words } = &mut query.wanted {
        // What was read or seen in it when it was indexed finds it without eyes.
        *words = words_of(path, library);
    }
    let answer = library.find(&query, stop).map_err(|error| match error {
        IndexError::Stopped => "It was stopped.".to_owned(),
        other => sentence(&other.to_string()),
    })?;
    let cards = answer.hits.into_iter().map(|hit| Card {
        finding: finding(&hit),
        text: Some(hit.passage.text),
        right: false,
    });
    Ok(Looked { cards: cards.collect(), notes: answer.notes, searched: true })
}

fn words_of(picture: &Path, library: &Library) -> String {
    let passages = library.passages_of(picture).unwrap_or_default();
    passages.into_iter().map(|passage| passage.text).collect::<Vec<_>>().join("\n")
}

/// The text of what was found, as the index has it now; `None`: it is gone.
fn read(finding: &Finding, library: &Library) -> Option<String> {
    let same = |passage: &Passage| passage.path == finding.path && passage.place == place(finding);
    let known = library.passage(PassageId(finding.passage)).ok().flatten().filter(same);
    // The file was read anew since.
    let anew = || library.passages_of(&finding.path).unwrap_or_default().into_iter().find(same);
    known.or_else(anew).map(|passage| passage.text)
}

/// Keeps that a passage is right, or forgets it.
pub(in crate::tui) fn confirm(confirm: &Confirm, library: Option<&Library>) -> Result<(), String> {
    let library = library.ok_or("There is no index.")?;
    let kept = match confirm.right {
        true => library.confirm(&confirm.query, confirm.passage),
        false => library.unconfirm(&confirm.query, confirm.passage),
    };
    kept.map_err(|error| sentence(&error.to_string()))
}

/// An error as a sentence for the screen.
pub(in crate::tui) fn sentence(error: &str) -> String {
    let error = text::one_line(error);
    let mut letters = error.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
