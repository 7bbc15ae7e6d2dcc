//! What each part of the conversation costs: the rows of the ledger, which count the
//! contents of a prompt, put back to the parts that those were made of.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::agent::window;
use crate::agent::{Agent, ChipState};
use crate::attachment::Attachment;
use crate::catalogue::Turns;
use crate::message::{Message, MessageId, Part, Role, Status};
use crate::text;
use crate::wire::{LedgerEntry, LedgerKind};

/// Stands for the message that is being written; its parts are the chips that are read.
pub(super) const DRAFT: MessageId = MessageId(0);

/// What parts cost, by their message and their place in it.
#[derive(Default)]
pub(super) struct Costs {
    rows: HashMap<(MessageId, usize), LedgerEntry>,
    estimated: bool,
}

impl Costs {
    /// Reads the ledger of the last prompt. Where it is that of another conversation than
    /// the one shown (something was taken out, and the new one isn't here yet), nothing is
    /// known.
    pub(super) fn of(agent: &Agent) -> Self {
        let turns = agent.model.as_ref().map_or(Turns::All, |model| model.turns);
        let path = path(agent, turns);
        let prompt = window::layout(&window::given(&path, turns), agent.senses());
        let before = usize::from(agent.model.as_ref().is_some_and(|model| model.system_prompt));
        let mut costs = Self { estimated: agent.ledger.estimated, ..Self::default() };
        for row in &agent.ledger.entries {
            let (Some(message), Some(content)) = (row.message, row.content) else { continue };
            let Some(message) = message.checked_sub(before) else { continue };
            match prompt.get(message).and_then(|contents| contents.get(content)) {
                Some(placed) if is_of(row, placed.part) => {
                    costs.add((placed.message.id, placed.number), row);
                }
                _ => return Self::default(),
            }
        }
        costs
    }

    /// A film has a row for its transcript and one for each of its pictures.
    fn add(&mut self, place: (MessageId, usize), row: &LedgerEntry) {
        match self.rows.entry(place) {
            Entry::Vacant(free) => drop(free.insert(row.clone())),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.tokens += row.tokens;
                known.cached &= row.cached;
            }
        }
    }

    pub(super) fn get(&self, message: MessageId, part: usize) -> Option<&LedgerEntry> {
        self.rows.get(&(message, part))
    }

    /// Whether they are an estimate.
    pub(super) fn estimated(&self) -> bool {
        self.estimated
    }
}

/// What a row says, to stand behind what it is of: ` · 1,024 tok · in cache`, ` · ~900 tok`.
pub(super) fn words(row: Option<&LedgerEntry>, estimated: bool) -> String {
    row.map_or_else(String::new, |row| {
        let cached = if row.cached { " · in cache" } else { "" };
        let about = if estimated { "~" } else { "" };
        format!(" · {about}{} tok{cached}", text::thousands(row.tokens))
    })
}

fn is_of(row: &LedgerEntry, part: &Part) -> bool {
    match part {
        // For a model without eyes a picture is a text.
        Part::Attachment { attachment, .. } if attachment.is_image() && row.kind == LedgerKind::Image => {
            row.kind == LedgerKind::Image && same_size(row, attachment)
        }
        Part::Attachment { attachment, .. } if attachment.is_recording() => true,
        _ => row.kind == LedgerKind::Text,
    }
}

/// A row of a picture has the size of the file that the model was given.
fn same_size(row: &LedgerEntry, attachment: &Attachment) -> bool {
    attachment.view() != &attachment.id || row.bytes == attachment.bytes
}

/// The path that the last prompt was made of, with the message that is being written.
fn path(agent: &Agent, turns: Turns) -> Cow<'_, [Message]> {
    let mut sent = if agent.busy() { agent.transcript.as_slice() } else { agent.base() };
    if turns == Turns::LastPicture {
        // Behind an answer the prompt ends before the question; then there is no row for it.
        let question = sent.iter().rposition(|message| message.role == Role::User);
        sent = question.map_or(&[], |question| &sent[..=question]);
    }
    let draft = if agent.busy() { Vec::new() } else { draft(agent) };
    if draft.is_empty() {
        return Cow::Borrowed(sent);
    }
    let parent = sent.last().map(|message| message.id);
    let (role, status) = (Role::User, Status::Complete);
    let draft = Message { id: DRAFT, parent, role, parts: draft, status, created_ms: 0, stats: None };
    sent.iter().cloned().chain([draft]).collect()
}

fn draft(agent: &Agent) -> Vec<Part> {
    let taken = agent.chips.iter().filter_map(|chip| match &chip.state {
        ChipState::Taken { attachment, .. } => Some(Part::attachment((**attachment).clone())),
        ChipState::Taking | ChipState::Reading { .. } | ChipState::Failed { .. } => None,
    });
    taken.collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::tests::{conversation, log, message, picture, starter};
    use super::*;
    use crate::agent::window::Blobs;
    use crate::agent::{Chip, EngineState, Turn};
    use crate::attachment::{AttachmentId, Frame, Medium};
    use crate::prompts::PromptSet;
    use crate::wire::{Content, Ledger, ModelInfo};

    struct NoBlobs;

    impl Blobs for NoBlobs {
        fn path(&self, _: &AttachmentId) -> PathBuf {
            PathBuf::from("blob")
        }

        fn read(&self, _: &AttachmentId) -> Result<Vec<u8>, String> {
            Ok(b"text".to_vec())
        }
    }

    /// The ledger of what the model would get now.
    fn ledger(agent: &Agent) -> Ledger {
        let mut conversation = agent.transcript.clone();
        let senses = agent.senses();
        let parts = draft(agent);
        if !parts.is_empty() && !agent.busy() {
            conversation.push(message(0, Role::User, parts));
        }
        let model = agent.model.clone().unwrap();
        let prompts = PromptSet::load(None).unwrap();
        let view = window::View { model: &model, senses, tools: false, begun: "today" };
        let messages = window::render(&conversation, &view, &prompts, &NoBlobs).unwrap();
        let mut ledger = Ledger::default();
        for (number, message) in messages.iter().enumerate() {
            for (place, content) in message.content.iter().enumerate() {
                let (kind, bytes) = match content {
                    Content::Text { text } => (LedgerKind::Text, text.len() as u64),
                    Content::Image { .. } => (LedgerKind::Image, picture().bytes),
                    Content::Audio { .. } => (LedgerKind::Audio, 0),
                    Content::ToolCall { .. } | Content::ToolResult { .. } => continue,
                };
                let tokens = 10 * (number as u64 + 1) + place as u64;
                let (message, content) = (Some(number), Some(place));
                let row =
                    LedgerEntry { message, content, kind, tokens, bytes, encode_ms: None, cached: true };
                ledger.entries.push(row);
            }
        }
        ledger
    }

    fn taken(attachment: Attachment) -> Chip {
        let state = ChipState::Taken { attachment: Box::new(attachment), cached: false, tokens: None };
        Chip { ticket: 1, name: "chip".into(), state }
    }

    #[test]
    fn every_part_that_the_model_gets_has_its_row() {
        let mut agent = conversation();
        agent.transcript[0]
            .parts
            .insert(1, Part::Attachment { attachment: log(), removed: true, pinned: false });
        agent.transcript.push(message(3, Role::User, vec![Part::attachment(log()), Part::text("and this?")]));
        agent.chips = vec![
            Chip { ticket: 9, name: "x".into(), state: ChipState::Taking },
            taken(picture()),
            taken(log()),
        ];
        for system_prompt in [false, true] {
            let model = agent.model.as_mut().unwrap();
            (model.turns, model.system_prompt) = (Turns::All, system_prompt);
            agent.ledger = ledger(&agent);
            let costs = Costs::of(&agent);
            let tokens =
                |message: i64, part: usize| costs.get(MessageId(message), part).map(|row| row.tokens);
            let first = if system_prompt { 20 } else { 10 };
            assert_eq!((tokens(1, 0), tokens(1, 1), tokens(1, 2)), (Some(first), None, Some(first + 1)));
            assert_eq!((tokens(3, 0), tokens(0, 1)), (Some(first + 20), Some(first + 31)));
            assert_eq!(costs.rows.len(), agent.ledger.entries.len() - usize::from(system_prompt));
        }
    }

    #[test]
    fn a_film_costs_what_its_transcript_its_sound_and_its_pictures_do() {
        let mut agent = conversation();
        let frame = |at_ms| Frame { at_ms, picture: AttachmentId::of(b"frame"), width: 320, height: 200 };
        let mut film = log();
        film.medium = Medium::Recording {
            duration_ms: 3000,
            waveform: vec![0, 255],
            language: Some("en".into()),
            note: None,
            sound: Some(AttachmentId::of(b"sound")),
            frames: vec![frame(0), frame(2000)],
            view: None,
        };
        agent.model.as_mut().unwrap().turns = Turns::All;
        agent.chips = vec![taken(film), taken(picture())];
        for (eyes, ears, rows) in [(false, false, 1), (false, true, 2), (true, false, 5), (true, true, 6)] {
            let info = ModelInfo { vision: eyes, hearing: ears, ..ModelInfo::default() };
            agent.engine = EngineState::Ready(info);
            let before = agent.transcript.iter().flat_map(|message| &message.parts).count();
            agent.ledger = ledger(&agent);
            assert_eq!(agent.ledger.entries.len(), before + rows + 1);
            let costs = Costs::of(&agent);
            let own = &agent.ledger.entries[before..before + rows];
            let tokens: u64 = own.iter().map(|row| row.tokens).sum();
            assert_eq!(costs.get(DRAFT, 0).map(|row| row.tokens), Some(tokens), "eyes {eyes}, ears {ears}");
            assert!(costs.get(DRAFT, 1).is_some());
        }
    }

    #[test]
    fn a_model_that_sees_the_last_picture_alone_has_a_row_for_that() {
        let mut agent = conversation();
        agent.model = Some(starter());
        agent.transcript.push(message(3, Role::User, vec![Part::text("and this?")]));
        agent.ledger = ledger(&agent);
        let costs = Costs::of(&agent);
        assert!(costs.get(MessageId(1), 0).is_some() && costs.get(MessageId(3), 0).is_some());
        assert_eq!((costs.rows.len(), agent.ledger.entries.len()), (2, 2));
        // A chip that comes while the answer is written is not in its prompt.
        agent.chips = vec![taken(picture())];
        agent.turn = Turn::Sending { message: MessageId(3) };
        assert!(Costs::of(&agent).get(MessageId(1), 0).is_some());
    }

    #[test]
    fn rows_of_another_prompt_say_nothing() {
        let mut agent = conversation();
        agent.model.as_mut().unwrap().turns = Turns::All;
        agent.ledger = ledger(&agent);
        assert!(Costs::of(&agent).get(MessageId(1), 0).is_some());
        let Part::Attachment { removed, .. } = &mut agent.transcript[0].parts[0] else {
            panic!("no picture")
        };
        *removed = true;
        assert!(Costs::of(&agent).rows.is_empty());
    }
}
