//! The find panel's place in the chat, and what answers cite of documents.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crossterm::event::{KeyEvent, KeyModifiers};

use super::{Action, App};
use crate::agent::{Agent, Event};
use crate::attachment::Source;
use crate::document::Place;
use crate::intake::Given;
use crate::message::{Finding, Message, MessageId, Role, Status};
use crate::retrieval::Wanted;
use crate::tui::complete::expand;
use crate::tui::find::{Card, Confirm, FindPanel, Looked, Opening, Reply, name};
use crate::tui::log::{Claim, Documents, Standing};
use crate::tui::panel::{self, Panel};

/// Extensions of pictures: such a file is what is looked for, and not its name.
const PICTURES: [&str; 8] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];

/// What is known of the documents of a conversation.
#[derive(Default)]
pub(super) struct Cited {
    documents: Documents,
    /// The messages that found something.
    found_in: Vec<MessageId>,
    /// The answers whose citations were looked into.
    read: HashSet<MessageId>,
}

impl App {
    /// Opens the panel: with what was found last, or to look for something.
    pub(super) fn open_find(&mut self, words: &str) -> Vec<Action> {
        self.panel = Some(Panel::Find);
        if words.is_empty() {
            return self.find.opened().map(Action::Find).into_iter().collect();
        }
        self.find_next = None;
        vec![Action::Find(self.find.search(wanted(words)))]
    }

    pub(super) fn close_find(&mut self) {
        self.panel = None;
        if let Some(next) = self.find_next.take() {
            self.find.replace(next);
        }
    }

    pub(super) fn find_key(&mut self, key: KeyEvent, agent: &Agent) -> Vec<Action> {
        // No letter with these is one that the panel knows.
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return Vec::new();
        }
        match self.find.key(key) {
            Reply::Stay => Vec::new(),
            Reply::Close => {
                self.close_find();
                Vec::new()
            }
            Reply::Help => {
                self.show_help();
                Vec::new()
            }
            Reply::Look(lookup) => {
                self.find_next = None;
                vec![Action::Find(lookup)]
            }
            Reply::Open(opening) => vec![Action::Open(opening)],
            Reply::Add(card) => self.add_card(card),
            Reply::Out(finding) => out(&finding, agent).into_iter().map(Action::Tell).collect(),
            Reply::Confirm(confirm) => vec![Action::Confirm(confirm)],
            Reply::Say(words) => {
                self.said = Some(words);
                Vec::new()
            }
        }
    }

    /// Attaches a picture, or a passage word for word under its citation.
    fn add_card(&mut self, card: Card) -> Vec<Action> {
        let name = card.name();
        let given = match card.is_picture_file() {
            true => Given::Path(card.finding.path),
            false => {
                let bytes = card.text.unwrap_or_default().into_bytes();
                Given::Bytes { name: name.clone(), bytes, source: Source::File { path: card.finding.path } }
            }
        };
        self.said = Some(format!("{name} goes with the next message; x takes it out."));
        vec![Action::Tell(Event::Attach(given))]
    }

    /// Opens what was cited: a picture here, anything else in its program.
    pub(super) fn open_cited(&mut self, opening: Opening) -> Vec<Action> {
        if opening.place == Place::Whole && is_picture(&opening.path.to_string_lossy()) {
            self.find.show_picture(opening.path);
            self.log = None;
            self.panel = Some(Panel::Find);
            return Vec::new();
        }
        vec![Action::Open(opening)]
    }

    /// Something was looked up.
    pub(in crate::tui) fn found(&mut self, ticket: u64, looked: Result<Looked, String>) {
        self.find.looked(ticket, looked);
    }

    /// That a result is right was kept or forgotten, or why not.
    pub(in crate::tui) fn confirmed(&mut self, confirm: &Confirm, kept: Result<(), String>) {
        if kept.is_ok() {
            self.find.confirmed(confirm.passage, confirm.right);
        }
        self.said = Some(match (kept, confirm.right) {
            (Err(why), _) => why,
            (Ok(()), true) => "Kept as right for this; percept index teach learns from it.".to_owned(),
            (Ok(()), false) => "No longer kept as right.".to_owned(),
        });
    }

    /// What the panel and the citations need.
    pub(super) fn find_wanted(&mut self, agent: &Agent) -> Vec<Action> {
        self.take_findings(agent);
        let mut actions = Vec::new();
        if self.panel == Some(Panel::Find) {
            let there = panel::items(agent).into_iter().filter(|item| !item.is_removed());
            self.find.attached(there.map(|item| item.name).collect());
            actions.extend(self.find.wanted_picture().map(Action::Picture));
        }
        let claims = self.open_claims(agent);
        if !claims.is_empty() {
            actions.push(Action::Resolve(claims));
        }
        actions
    }

    /// What the model found becomes what was found last, and can be cited.
    fn take_findings(&mut self, agent: &Agent) {
        let finders: Vec<&Message> =
            agent.transcript.iter().filter(|message| found_something(message)).collect();
        let ids: Vec<MessageId> = finders.iter().map(|message| message.id).collect();
        if ids == self.cited.found_in {
            return;
        }
        let goes_on = ids.starts_with(&self.cited.found_in);
        self.cited.found_in = ids;
        self.cited.documents.found = finders.iter().flat_map(|message| names(message)).collect();
        if !goes_on {
            self.cited.read.clear();
            self.cited.documents.standings.clear();
        }
        self.share_documents();
        let Some(panel) = finders.last().and_then(|last| of_model(last, agent)) else { return };
        match self.panel {
            // Whoever looks at results isn't to lose them.
            Some(Panel::Find) => self.find_next = Some(panel),
            _ => self.find.replace(panel),
        }
    }

    /// Citations that were not looked into yet.
    fn open_claims(&mut self, agent: &Agent) -> Vec<Claim> {
        if !self.indexed && self.cited.documents.found.is_empty() {
            return Vec::new();
        }
        let answers = agent.transcript.iter().filter(|message| message.role == Role::Assistant);
        let mut claims = Vec::new();
        for answer in answers.filter(|message| message.status != Status::Streaming) {
            if self.cited.read.insert(answer.id) {
                claims.extend(self.cited.documents.open(&answer.text()));
            }
        }
        claims
    }

    /// Citations were looked into.
    pub(in crate::tui) fn resolved(&mut self, standings: Vec<(Claim, Standing)>) {
        self.cited.documents.standings.extend(standings);
        self.share_documents();
    }

    fn share_documents(&mut self) {
        let documents = &self.cited.documents;
        self.transcript.name(|names| names.documents(documents.clone()));
        if let Some(log) = &mut self.log {
            log.documents(documents.clone());
        }
    }

    /// What is known of documents.
    pub(super) fn documents(&self) -> &Documents {
        &self.cited.documents
    }

    /// The files that were found in this conversation, as they are cited.
    pub(in crate::tui) fn found_files(&self) -> HashMap<String, PathBuf> {
        self.cited.documents.found.clone()
    }
}

fn found_something(message: &Message) -> bool {
    message.result().is_some_and(|result| !result.findings.is_empty())
}

fn names(message: &Message) -> Vec<(String, PathBuf)> {
    let findings = message.result().map(|result| result.findings.as_slice()).unwrap_or_default();
    findings.iter().map(|finding| (finding.file.clone(), finding.path.clone())).collect()
}

/// The panel with what a message found, for the words of its call.
fn of_model(message: &Message, agent: &Agent) -> Option<FindPanel> {
    let result = message.result()?;
    let call = agent.transcript.iter().rev().filter_map(Message::call).find(|call| call.id == result.id);
    let words = call.and_then(|call| call.arguments["query"].as_str()).unwrap_or_default().to_owned();
    let pictures = call.and_then(|call| call.arguments["pictures"].as_bool()).unwrap_or(false);
    Some(FindPanel::of_model(words, pictures, &result.findings))
}

/// What takes a finding out of what the model gets, if it is in there.
fn out(finding: &Finding, agent: &Agent) -> Vec<Event> {
    let called = name(finding);
    let items = panel::items(agent).into_iter().filter(|item| !item.is_removed() && item.name == called);
    items.filter_map(|item| item.taken_out()).collect()
}

fn wanted(words: &str) -> Wanted {
    let path = expand(words);
    match is_picture(words) && path.is_file() {
        true => Wanted::Picture { path: std::path::absolute(&path).unwrap_or(path), words: String::new() },
        false => Wanted::Words(words.to_owned()),
    }
}

fn is_picture(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| PICTURES.contains(&extension.to_lowercase().as_str()))
}
