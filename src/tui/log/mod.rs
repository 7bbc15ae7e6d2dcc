//! The log panel: a log as a picture of its time and its templates, the lines behind them,
//! and the places that an answer cites.
//!
//! ```text
//! F2 ─▶ templates ─ enter ─▶ the lines of one ─ enter ─▶ the lines around one
//! F3 ─▶ citations ─ enter ─▶ the lines around it, a row of a table, a document in $EDITOR
//! ```
//!
//! It is state alone: what is read or looked up is asked for ([`Reply`]) and done on
//! another thread (`work`); what is drawn is in `draw`, what is underlined in answers in `mark`. Dropping it ends what is looked up.

#[cfg(test)]
mod chat_tests;
mod cites;
mod documents;
mod draw;
mod lines;
mod mark;
mod templates;
#[cfg(test)]
mod tests;
mod work;

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossterm::event::{KeyCode, KeyEvent};

use crate::attachment::{Attachment, AttachmentId};
use crate::digest::LogRecord;
use crate::text;
use crate::tui::asked::Stop;
use crate::tui::find::Opening;
use crate::tui::scroll::Choice;
use cites::{Cites, Target};
use lines::{Lines, State};
use templates::{Meant, Templates};

pub(super) use cites::Names;
pub(super) use documents::{Claim, Documents, Standing};
pub(super) use draw::draw;
pub(super) use mark::mark;
pub(super) use work::{Ask, Look, Looked, look, read};

/// Lines that are shown on each side of one.
const SIDES: u64 = 200;

/// Answers whose citations are listed.
pub(super) const MOST_ANSWERS: usize = 20;

/// A record, or why there is none.
#[derive(Debug)]
enum Record {
    Reading,
    Ready(Arc<LogRecord>),
    Failed(String),
}

/// What is looked at: each above the one before.
#[derive(Debug)]
enum View {
    Templates(Templates),
    Cites(Cites),
    Lines(Lines),
}

/// What a key meant, for whoever owns the panel.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// Nothing more.
    Stay,
    /// The panel is left.
    Close,
    /// The help is wanted; the panel stays behind it.
    Help,
    /// This is to be looked up, for [`LogPanel::looked`].
    Look(Look),
    /// These lines are to be added to the question.
    Quote(Vec<String>),
    /// This is to be opened in another program.
    Open(Opening),
    /// This is to be said.
    Say(String),
}

/// The panel while it is open.
#[derive(Debug)]
pub(super) struct LogPanel {
    logs: Vec<Attachment>,
    tables: Vec<Attachment>,
    records: HashMap<AttachmentId, Record>,
    documents: Documents,
    /// Which of the logs is shown.
    current: usize,
    /// Never empty.
    views: Vec<View>,
    tickets: u64,
}

impl LogPanel {
    /// With the templates of a log.
    pub(super) fn templates(attached: &[Attachment], log: &AttachmentId) -> Self {
        let mut panel = Self::with(attached, View::Templates(Templates::default()));
        panel.current = panel.logs.iter().position(|one| one.id == *log).unwrap_or(0);
        panel
    }

    /// With the citations of answers, the last one first.
    pub(super) fn cites(attached: &[Attachment], documents: Documents, answers: Vec<String>) -> Self {
        let mut panel = Self::with(attached, View::Cites(Cites { answers, ..Cites::default() }));
        panel.documents = documents;
        panel.find_cites();
        panel
    }

    fn with(attached: &[Attachment], view: View) -> Self {
        let mut panel = Self {
            logs: Vec::new(),
            tables: Vec::new(),
            records: HashMap::new(),
            documents: Documents::default(),
            current: 0,
            views: vec![view],
            tickets: 0,
        };
        panel.attached(attached);
        panel
    }

    /// Takes what is attached by now; what was there stays in its place.
    pub(super) fn attached(&mut self, attached: &[Attachment]) {
        for one in attached {
            let known = match () {
                () if one.is_log() => &mut self.logs,
                () if one.is_table() => &mut self.tables,
                () => continue,
            };
            if !known.iter().any(|other| other.id == one.id) {
                known.push(one.clone());
            }
        }
    }

    /// The logs whose records are to be read, for [`Self::record`]: the one that is shown,
    /// or all where citations are looked for.
    pub(super) fn wanted(&mut self) -> Vec<AttachmentId> {
        let all = matches!(self.views[0], View::Cites(_));
        let shown = |at: usize| all || at == self.current;
        let logs = self.logs.iter().enumerate().filter(|(at, _)| shown(*at)).map(|(_, log)| log.id.clone());
        let wanted: Vec<AttachmentId> = logs.filter(|id| !self.records.contains_key(id)).collect();
        self.records.extend(wanted.iter().map(|id| (id.clone(), Record::Reading)));
        wanted
    }

    /// A record was read.
    pub(super) fn record(&mut self, id: AttachmentId, read: Result<Arc<LogRecord>, String>) {
        let record = read.map_or_else(Record::Failed, Record::Ready);
        let shown = self.logs.get(self.current).is_some_and(|log| log.id == id);
        self.records.insert(id, record);
        if shown {
            self.arrange();
        }
        self.find_cites();
    }

    /// More is known of documents.
    pub(super) fn documents(&mut self, documents: Documents) {
        self.documents = documents;
        self.find_cites();
    }

    /// Something was looked up.
    pub(super) fn looked(&mut self, ticket: u64, looked: Result<Looked, String>) {
        let waiting = self.views.iter_mut().find_map(|view| match view {
            View::Lines(lines) if lines.waits_for(ticket) => Some(lines),
            _ => None,
        });
        if let Some(lines) = waiting {
            lines.came(looked);
        }
    }

    fn ready(&self, id: &AttachmentId) -> Option<&Arc<LogRecord>> {
        match self.records.get(id)? {
            Record::Ready(record) => Some(record),
            Record::Reading | Record::Failed(_) => None,
        }
    }

    /// The record of the log that is shown.
    fn shown(&self) -> Option<Arc<LogRecord>> {
        self.ready(&self.logs.get(self.current)?.id).cloned()
    }

    fn arrange(&mut self) {
        let record = self.shown();
        if let (Some(View::Templates(templates)), Some(record)) = (self.views.first_mut(), record) {
            templates.arrange(&record.digest);
        }
    }

    fn find_cites(&mut self) {
        let mut names = Names::default();
        names.documents(self.documents.clone());
        self.tables.iter().for_each(|table| names.table(table));
        for log in &self.logs {
            if let Some(record) = self.ready(&log.id) {
                names.log(&log.id, Some(&log.name), &record.digest);
            }
        }
        if let Some(View::Cites(cites)) = self.views.first_mut() {
            cites.arrange(&names);
        }
    }

    /// Moves the choice, for the wheel.
    pub(super) fn step(&mut self, by: isize) {
        match self.views.last_mut() {
            Some(View::Templates(view)) => view.choice.step(by, view.listed.len()),
            Some(View::Cites(view)) => view.choice.step(by, view.listed.len()),
            Some(View::Lines(view)) => {
                let rows = view.shown().len();
                view.choice.step(by, rows);
            }
            None => {}
        }
    }

    /// What a key means.
    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        let typing = matches!(self.views.last(), Some(View::Templates(Templates { typing: true, .. })));
        match key.code {
            KeyCode::Char('q') if !typing => return Reply::Close,
            KeyCode::Char('?') if !typing => return Reply::Help,
            _ => {}
        }
        match self.views.last() {
            Some(View::Templates(_)) => self.templates_key(key),
            Some(View::Cites(_)) => self.cites_key(key),
            Some(View::Lines(_)) => self.lines_key(key),
            None => Reply::Close,
        }
    }

    fn templates_key(&mut self, key: KeyEvent) -> Reply {
        let record = self.shown();
        let Some(View::Templates(view)) = self.views.last_mut() else { return Reply::Stay };
        if let Some(record) = &record
            && view.key(key, &record.digest) == Meant::Done
        {
            return Reply::Stay;
        }
        let chosen = record.as_ref().and_then(|record| view.chosen(&record.digest));
        match key.code {
            KeyCode::Esc => return Reply::Close,
            KeyCode::Tab | KeyCode::Right => self.switch(1),
            KeyCode::BackTab | KeyCode::Left => self.switch(-1),
            KeyCode::Enter => {
                if let (Some(record), Some(one)) = (&record, chosen) {
                    let title = format!("{} · {}", one.severity().name(), work::visible(&one.text));
                    let ask = Ask::Template { record: Arc::clone(record), id: one.id };
                    return self.look(title, Some(Arc::clone(record)), None, ask);
                }
            }
            KeyCode::Char('a') => {
                if let (Some(record), Some(one)) = (&record, chosen) {
                    let quote = &one.example;
                    let place = record.digest.cite(quote.source, quote.line);
                    return Reply::Quote(vec![format!("{place}: {}", work::visible(&quote.text))]);
                }
            }
            _ => {}
        }
        Reply::Stay
    }

    /// Shows another log; how it is sorted stays.
    fn switch(&mut self, by: isize) {
        let count = self.logs.len().max(1);
        self.current = self.current.checked_add_signed(by).map_or(count - 1, |next| next % count);
        if let Some(View::Templates(view)) = self.views.first_mut() {
            *view = Templates { sort: view.sort, ..Templates::default() };
        }
        self.arrange();
    }

    fn cites_key(&mut self, key: KeyEvent) -> Reply {
        let Some(View::Cites(view)) = self.views.last_mut() else { return Reply::Stay };
        if view.choice.key(key, view.listed.len(), false) {
            return Reply::Stay;
        }
        match key.code {
            KeyCode::Esc => Reply::Close,
            KeyCode::Enter => match view.listed.get(view.choice.at).cloned() {
                Some(cite) => self.follow(&cite),
                None => Reply::Stay,
            },
            _ => Reply::Stay,
        }
    }

    fn follow(&mut self, cite: &cites::Cite) -> Reply {
        if let Some(missing) = &cite.missing {
            return Reply::Say(format!("{}: {missing}. The model cited what isn't there.", cite.words));
        }
        let (from, to) = cite.found.numbers;
        match &cite.found.target {
            Target::Source { log, source, .. } => match self.ready(log).cloned() {
                Some(record) => self.around(&record, *source, from..=to),
                None => Reply::Stay,
            },
            Target::Table { table, .. } => {
                let title = format!("{} row {from}", text::printable(&table.name));
                self.look(title, None, None, Ask::Row { table: table.clone(), row: from })
            }
            Target::Document { path: Ok(path), place } => {
                let cite = cite.words.clone();
                Reply::Open(Opening { path: path.clone(), cite, place: *place, text: None })
            }
            Target::Document { path: Err(_), .. } => Reply::Stay,
        }
    }

    fn around(&mut self, record: &Arc<LogRecord>, source: usize, lines: RangeInclusive<u64>) -> Reply {
        let line = *lines.start();
        let place = text::printable(&record.digest.cite(source, line));
        let ask = Ask::Around { record: Arc::clone(record), source, line, sides: SIDES };
        self.look(format!("around {place}"), Some(Arc::clone(record)), Some((source, lines)), ask)
    }

    fn look(
        &mut self,
        title: String,
        log: Option<Arc<LogRecord>>,
        about: Option<(usize, RangeInclusive<u64>)>,
        ask: Ask,
    ) -> Reply {
        self.tickets += 1;
        let stop = Arc::new(AtomicBool::new(false));
        let look = Look { ticket: self.tickets, ask, stop: Arc::clone(&stop) };
        self.views.push(View::Lines(Lines {
            title,
            log,
            state: State::Waiting { ticket: self.tickets, _stop: Stop(stop) },
            choice: Choice::default(),
            marked: BTreeSet::new(),
            shift: 0,
            about,
        }));
        Reply::Look(look)
    }

    fn lines_key(&mut self, key: KeyEvent) -> Reply {
        let Some(View::Lines(view)) = self.views.last_mut() else { return Reply::Stay };
        let rows = view.shown().len();
        if view.choice.key(key, rows, false) {
            return Reply::Stay;
        }
        match key.code {
            KeyCode::Esc => {
                self.views.pop();
            }
            KeyCode::Right => view.shift(true),
            KeyCode::Left => view.shift(false),
            KeyCode::Char(' ') => view.mark(),
            KeyCode::Char('a') => {
                let picked = view.picked();
                view.marked.clear();
                return if picked.is_empty() { Reply::Stay } else { Reply::Quote(picked) };
            }
            KeyCode::Enter => {
                let at = view.shown().get(view.choice.at).and_then(|line| line.at);
                // Around a line that is looked around already there is nothing more.
                let known =
                    view.about.clone().zip(at).is_some_and(|((source, lines), (own, line))| {
                        source == own && lines == (line..=line)
                    });
                if let (Some(record), Some((source, line)), false) = (view.log.clone(), at, known) {
                    return self.around(&record, source, line..=line);
                }
            }
            _ => {}
        }
        Reply::Stay
    }
}
