//! A title by the model: one short request at the end of the conversation, made when nothing
//! else goes on.
//!
//! It is no message and is not stored. The conversation may hold text from outside: what comes
//! of it is for the screen alone, and anything that is not plainly a title is dropped. A title
//! that a person gave is never replaced.

use super::{Agent, EngineState, Leaving, TITLE_COLUMNS, Turn, title_of};
use crate::agent::{Ask, Effect, Event};
use crate::catalogue::Turns;
use crate::message::{Role, Status};
use crate::text;
use crate::wire::{self, StopReason};

/// How often it is tried in a conversation where it is cancelled each time.
const MOST_TRIES: usize = 3;

/// More than this is no title, whatever it is.
const MOST_BYTES: usize = 1000;

/// Openings of what is no title: a call, a thought, JSON.
const NO_TITLES: [&str; 4] = ["<", "{", "[", "```"];

/// What some models say in front of a title.
const LABELS: [&str; 2] = ["title:", "conversation title:"];

/// Marks of Markdown and quotes at the ends of a title.
const MARKS: [char; 13] = ['"', '\'', '`', '*', '_', '#', '“', '”', '„', '«', '»', '‘', '’'];

/// A title that is being made.
#[derive(Debug, Clone)]
pub(super) struct Titling {
    pub(super) request: u64,
    /// What came of it so far.
    text: String,
}

/// How a conversation stands with its title.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    /// A person named it.
    pub(super) by_person: bool,
    /// The model was asked.
    done: bool,
    tries: usize,
}

impl Agent {
    /// Asks for a title if there is none but the one that was cut from the question.
    pub(super) fn ask_title(&mut self, effects: &mut Vec<Effect>) -> bool {
        let wanted =
            self.titles && !self.named.done && !self.named.by_person && self.named.tries < MOST_TRIES;
        if !wanted || !self.is_quiet() || self.title != self.cut_title() {
            return false;
        }
        let request = self.next_request();
        if !self.ask(request, Ask::Title, self.transcript.clone(), effects) {
            return false;
        }
        self.named.tries += 1;
        self.titling = Some(Titling { request, text: String::new() });
        true
    }

    /// Whether nothing else goes on behind a whole answer.
    fn is_quiet(&self) -> bool {
        let answered = self.transcript.last().is_some_and(|last| {
            last.role == Role::Assistant && last.status == Status::Complete && last.call().is_none()
        });
        let quiet = self.turn == Turn::Idle && self.leaving == Leaving::No && self.unsaved.is_none();
        let free = self.chips.is_empty() && self.outbox.is_none() && self.editing.is_none();
        let ready = matches!(self.engine, EngineState::Ready(_)) && self.session.is_some();
        let whole = self.model.as_ref().is_some_and(|model| model.turns == Turns::All);
        answered && quiet && free && ready && whole && self.comparison.is_none()
    }

    /// The title that was cut from the first question.
    fn cut_title(&self) -> String {
        let tree = self.tree();
        let first = tree.first().first().and_then(|id| tree.get(*id));
        first.map_or_else(String::new, |message| {
            title_of(&message.text(), message.attachments().next().map(|one| one.name.as_str()))
        })
    }

    /// Does without the title that is being made.
    pub(super) fn stop_titling(&mut self, effects: &mut Vec<Effect>) {
        if let Some(titling) = self.titling.take() {
            effects.push(Effect::Cancel { id: titling.request });
        }
    }

    pub(super) fn title_said(&mut self, event: wire::Event, effects: &mut Vec<Effect>) {
        let Some(titling) = &mut self.titling else { return };
        match event {
            wire::Event::Token { text, .. } if titling.text.len() < MOST_BYTES => {
                titling.text.push_str(&text);
            }
            wire::Event::Token { .. } => self.stop_titling(effects),
            wire::Event::ToolCall { .. } => titling.text.clear(),
            wire::Event::Done(report) => {
                let said = std::mem::take(&mut titling.text);
                self.titling = None;
                // It would say the same the next time.
                self.named.done = true;
                let title = clean(&said).filter(|_| report.stop == StopReason::Finished);
                if let (Some(title), Some(session)) = (title.filter(|title| self.is_new(title)), self.session)
                {
                    effects.push(Effect::Entitle { session, from: self.title.clone(), to: title });
                }
                self.prefill(effects);
            }
            wire::Event::Failed(_) => {
                self.titling = None;
                self.prefill(effects);
            }
            _ => {}
        }
    }

    /// Whether it is not the question over again.
    fn is_new(&self, title: &str) -> bool {
        let question = self.tree().first().first().and_then(|id| Some(self.tree().get(*id)?.text()));
        let letters = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        letters(title) != letters(&question.unwrap_or_default())
    }
}

/// A title of what a model said; `None`: it is none.
fn clean(said: &str) -> Option<String> {
    let said = said.trim();
    if NO_TITLES.iter().any(|opening| said.starts_with(opening)) || said.contains("<tool_call") {
        return None;
    }
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = without_escapes(lines.next()?);
    // A title and then more is an answer.
    if lines.next().is_some() {
        return None;
    }
    let bare = line.trim_matches(|c: char| MARKS.contains(&c) || c.is_whitespace());
    let label = LABELS
        .iter()
        .find(|label| bare.get(..label.len()).is_some_and(|own| own.eq_ignore_ascii_case(label)));
    let bare = label.map_or(bare, |label| &bare[label.len()..]);
    let bare = bare.trim_matches(|c: char| MARKS.contains(&c) || c.is_whitespace());
    let bare = bare.strip_suffix('.').unwrap_or(bare).replace(['`', '*'], "");
    let title = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = text::prefix(&title, TITLE_COLUMNS).len() == title.len();
    (fits && title.chars().any(char::is_alphanumeric)).then_some(title)
}

/// Without control characters and the escape sequences that they begin.
fn without_escapes(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            // Parameters, then one letter that ends it (ECMA-48, 5.4).
            while characters.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
        } else if c == '\t' {
            clean.push(' ');
        } else if text::printable(c.encode_utf8(&mut [0; 4])) == c.to_string() {
            clean.push(c);
        }
    }
    clean
}

impl Event {
    /// Whether a title that is being made gives way to it.
    pub(super) fn comes_first(&self) -> bool {
        matches!(
            self,
            Self::Attach(_)
                | Self::Detach(_)
                | Self::Remove { .. }
                | Self::Submit(_)
                | Self::Cancel
                | Self::Retry
                | Self::NewSession
                | Self::OpenSession(_)
                | Self::RenameSession(_)
                | Self::UseModel(_)
                | Self::Leave
                | Self::Edit(_)
                | Self::GoTo(_)
                | Self::Compare(_)
                | Self::Choose(_)
                | Self::Compact
                | Self::AcceptSummary(_)
                | Self::UndoSummary
                | Self::Pin { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plainly_a_title_is_one() {
        for (said, title) in [
            ("The linker's missing library\n", "The linker's missing library"),
            ("**\"Title: ALSA on CI\"**", "ALSA on CI"),
            ("# Disk full on `/var`.", "Disk full on /var"),
            ("\u{1b}[31mRed\u{1b}[0m \u{7} alert\t2", "Red alert 2"),
            ("„Zwei Fragen“", "Zwei Fragen"),
            ("磁盘已满", "磁盘已满"),
        ] {
            assert_eq!(clean(said).as_deref(), Some(title), "{said:?}");
        }
        let long = "word ".repeat(13);
        for said in [
            "",
            "\n",
            "***",
            "...",
            "<think>The person wants",
            "<tool_call>",
            "{\"name\": 1}",
            "a\nb",
            &long,
            "```\nx\n```",
            "run <tool_call>",
            "\u{1b}]0;x",
        ] {
            let cleaned = clean(said);
            assert!(cleaned.is_none() || said.starts_with('\u{1b}'), "{said:?}: {cleaned:?}");
        }
        assert!(!clean("\u{1b}]0;owned\u{7}").unwrap_or_default().contains('\u{1b}'));
    }
}
