//! What a summary would stand for: which messages leave the window, which stay, and what that
//! changes. It asks nothing and changes nothing; [`super::Agent`] does.

use super::window::{self, Placed};
use crate::attachment::Senses;
use crate::catalogue::{ReadyModel, Turns};
use crate::message::{Gone, Message, MessageId, Part, Role, Status, Summary, Taint};
use crate::text;
use crate::wire::Ledger;

/// Columns of the question by which the model knows where to stop.
const KEEP_COLUMNS: usize = 60;

/// A summary before it is taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compaction {
    /// Messages that leave the window.
    pub messages: usize,
    /// Attachments of theirs that leave it.
    pub gone: Vec<Gone>,
    /// Attachments of theirs that stay, since they are pinned.
    pub pinned: usize,
    /// Messages behind them, which stay.
    pub kept: usize,
    /// The beginning of the first question that stays.
    pub keep: Option<String>,
    /// How often the model was given less to sum up, since that did not fit: first without what
    /// stays, then an exchange less each time, which stays too.
    pub shortened: usize,
    /// Tokens of the window now, where they are known.
    pub before: Option<u64>,
    /// Tokens of what leaves it, where they are known.
    pub leaves: Option<u64>,
    /// The tokens are an estimate.
    pub estimated: bool,
    /// What the model wrote so far.
    pub text: String,
    /// Tokens of that.
    pub tokens: u64,
    /// It is complete, and waits to be taken.
    pub ready: bool,
    /// It was cut at the limit of tokens.
    pub cut: bool,
    /// The first message that leaves.
    pub first: Option<MessageId>,
    /// The last one.
    pub last: Option<MessageId>,
}

impl Compaction {
    /// What a summary would stand for that leaves the last exchange, and more of them the more
    /// often it was `shortened`; `None`: there is nothing before those.
    pub(super) fn of(path: &[Message], shortened: usize) -> Option<Self> {
        let cut = cut(path, shortened.saturating_sub(1))?;
        let (covered, kept) = path.split_at(cut);
        let here = |message: &&Message| message.summary().is_none();
        let start = window::summary_of(path).map_or(0, |(_, covered)| covered);
        let old = window::summary_of(path).and_then(|(message, _)| message.summary());
        let mut gone = old.map(|summary| summary.gone.clone()).unwrap_or_default();
        gone.extend(covered[start..].iter().flat_map(gone_of));
        let pinned = |part: &&Part| matches!(part, Part::Attachment { removed: false, pinned: true, .. });
        let question = kept.iter().find(|message| message.role == Role::User);
        Some(Self {
            messages: covered[start..].iter().filter(here).count(),
            gone,
            pinned: covered.iter().flat_map(|message| &message.parts).filter(pinned).count(),
            kept: kept.iter().filter(here).count(),
            keep: question.filter(|_| shortened == 0).map(beginning),
            shortened,
            first: path.first().map(|message| message.id),
            last: covered.iter().rfind(here).map(|message| message.id),
            ..Self::default()
        })
    }

    /// The names of the pictures that leave, and weren't described before.
    pub(super) fn pictures(&self) -> Vec<String> {
        let undescribed = self.gone.iter().filter(|gone| gone.picture && gone.about.is_none());
        undescribed.map(|gone| gone.name.clone()).collect()
    }

    /// Counts from a ledger of a prompt that began with this path, what the model is given of it.
    pub(super) fn count(&mut self, ledger: &Ledger, path: &[Message], model: &ReadyModel, senses: Senses) {
        let layout = window::layout(&window::given(path, model.turns), senses);
        let before = usize::from(model.system_prompt);
        let last = self.last;
        let Some(cut) = path.iter().position(|message| Some(message.id) == last) else { return };
        let leaves = |placed: &Placed<'_>| {
            let pinned = matches!(placed.part, Part::Attachment { pinned: true, .. });
            let covered = path[..=cut].iter().any(|message| message.id == placed.message.id);
            matches!(placed.part, Part::Summary(_)) || (covered && !pinned)
        };
        let of =
            |row: &crate::wire::LedgerEntry| layout.get(row.message?.checked_sub(before)?)?.get(row.content?);
        if ledger.entries.is_empty() {
            return;
        }
        let rows = ledger.entries.iter();
        self.leaves =
            Some(rows.clone().filter(|row| of(row).is_some_and(leaves)).map(|row| row.tokens).sum());
        self.estimated = ledger.estimated;
        if self.shortened == 0 {
            // What was asked for the summary is no part of the window.
            let asked = rows.filter(|row| row.message.is_some_and(|at| at >= before) && of(row).is_none());
            let asked: u64 = asked.map(|row| row.tokens).sum();
            self.before = Some(ledger.total_tokens.saturating_sub(asked));
        }
    }

    /// Tokens of the window with the summary in it, an estimate.
    pub fn after(&self) -> Option<u64> {
        let words: usize = self.gone.iter().map(|gone| gone.name.len() / 4 + WRAPPED_TOKENS / 4).sum();
        let written = self.tokens + (WRAPPED_TOKENS + words) as u64;
        Some(self.before?.saturating_sub(self.leaves?) + written)
    }

    /// The part that it becomes with a text; `None`: the messages are not on this path any more.
    pub(super) fn part(&self, written: &str, path: &[Message]) -> Option<Part> {
        let (first, last) = (self.first?, self.last?);
        path.iter().find(|message| message.id == last)?;
        let (text, gone) = described(written, self.gone.clone());
        let outside: Vec<Taint> = path.iter().flat_map(|message| &message.parts).flat_map(sources).fold(
            Vec::new(),
            |mut all, one| {
                if !all.contains(&one) {
                    all.push(one);
                }
                all
            },
        );
        Some(Part::Summary(Summary { text, first, last, gone, outside }))
    }

    /// What the model is given to sum up: the conversation, or its beginning.
    pub(super) fn source(&self, path: &[Message]) -> Vec<Message> {
        let Some(last) = path.iter().position(|message| Some(message.id) == self.last) else {
            return path.to_vec();
        };
        if self.shortened == 0 {
            return path.to_vec();
        }
        let stays = |(place, message): &(usize, &Message)| *place <= last || message.summary().is_some();
        path.iter().enumerate().filter(stays).map(|(_, message)| message.clone()).collect()
    }
}

/// Tokens of the words around a summary, an estimate.
const WRAPPED_TOKENS: usize = 60;

/// Where a part came from; a summary from all that it stands for.
fn sources(part: &Part) -> Vec<Taint> {
    match part {
        Part::Summary(summary) => summary.outside.clone(),
        part => part.taint().into_iter().collect(),
    }
}

/// How many messages of a path a summary would cover.
fn cut(path: &[Message], more: usize) -> Option<usize> {
    let start = window::summary_of(path).map_or(0, |(_, covered)| covered);
    let said: Vec<usize> = (start..path.len()).filter(|place| path[*place].summary().is_none()).collect();
    let questions: Vec<usize> =
        said.iter().skip(1).copied().filter(|place| path[*place].role == Role::User).collect();
    // A conversation of one exchange has nothing else that could leave.
    let answered = path.last().is_some_and(|last| {
        last.role != Role::User && last.status != Status::Streaming && last.summary().is_none()
    });
    match questions.is_empty() {
        true if more == 0 && answered && !said.is_empty() => Some(path.len()),
        _ => questions.len().checked_sub(more + 1).map(|at| questions[at]),
    }
}

fn gone_of(message: &Message) -> impl Iterator<Item = Gone> + '_ {
    message.parts.iter().enumerate().filter_map(|(part, what)| match what {
        Part::Attachment { attachment, removed: false, pinned: false } => Some(Gone {
            message: message.id,
            part,
            name: attachment.name.clone(),
            picture: attachment.is_image(),
            about: None,
        }),
        _ => None,
    })
}

fn beginning(message: &Message) -> String {
    let text = message.text();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let name = || message.attachments().next().map(|attachment| attachment.name.clone());
    let line = line.map(str::to_owned).or_else(name).unwrap_or_default();
    text::end(&line, KEEP_COLUMNS).to_string()
}

/// Takes the descriptions of pictures out of a summary: lines that begin with a picture's name
/// and a colon.
fn described(written: &str, mut gone: Vec<Gone>) -> (String, Vec<Gone>) {
    let mut kept = Vec::new();
    for line in written.trim().lines() {
        let bare = line.trim_start_matches(['-', '*', '•', ' ', '`', '"']);
        let open = gone.iter_mut().filter(|gone| gone.picture && gone.about.is_none());
        let of = open.filter_map(|gone| Some((bare.strip_prefix(gone.name.as_str())?, gone)));
        let mut said = of.filter_map(|(rest, gone)| {
            let about = rest.trim_start_matches(['*', '`', '"', ' ']).strip_prefix(':')?;
            Some((about.trim_matches(['*', '`', ' ']), gone))
        });
        match said.find(|(about, _)| !about.is_empty()) {
            Some((about, gone)) => gone.about = Some(about.to_owned()),
            None => kept.push(line),
        }
    }
    (kept.join("\n").trim().to_owned(), gone)
}

/// Whether a model can be spared messages: one that gets its last picture alone is.
pub(super) fn is_needed(turns: Turns) -> bool {
    turns == Turns::All
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_of_pictures_are_told_from_the_rest() {
        let gone = |name: &str, picture| Gone {
            message: MessageId(1),
            part: 0,
            name: name.to_owned(),
            picture,
            about: None,
        };
        let all = vec![gone("a.png", true), gone("a.png.bak", true), gone("c.log", false)];
        let written =
            "- The person asked why.\n- **a.png**: a red square\nc.log: has errors\n\na.png.bak: \n";
        let (text, all) = described(written, all);
        assert_eq!(text, "- The person asked why.\nc.log: has errors\n\na.png.bak:");
        let about: Vec<Option<&str>> = all.iter().map(|gone| gone.about.as_deref()).collect();
        assert_eq!(about, [Some("a red square"), None, None]);
    }
}
