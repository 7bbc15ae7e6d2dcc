//! The words of the conversation that are likely to be said: gathered from what is shown,
//! read on another thread.

use std::fs::File;
use std::io::Read;

use crate::agent::{Agent, ChipState};
use crate::attachment::{Attachment, AttachmentId};
use crate::dictation::vocabulary::{MOST_OF_A_PASSAGE, MOST_READ, Origin, Passage, likely};
use crate::message::{Message, Part, Role};
use crate::session::BlobStore;
use crate::text::boundary_before;

/// The most pieces that are looked at: the newest.
const MOST_PIECES: usize = 200;

/// A piece of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Piece {
    /// What is in memory.
    Here(Passage),
    /// An attached text as the model gets it.
    Blob(AttachmentId),
}

impl Piece {
    /// Bytes that are in memory.
    fn size(&self) -> usize {
        match self {
            Self::Here(passage) => passage.text.len(),
            Self::Blob(_) => 0,
        }
    }
}

/// The pieces of a conversation, newest first: no more of them than are read.
pub(in crate::tui) fn gather(agent: &Agent) -> Vec<Piece> {
    let chips = agent.chips.iter().rev().filter_map(|chip| match &chip.state {
        ChipState::Taken { attachment, .. } => Some(attachment.as_ref()),
        ChipState::Taking | ChipState::Reading { .. } | ChipState::Failed { .. } => None,
    });
    let messages = agent.transcript.iter().rev().flat_map(of_message);
    let mut left = MOST_READ;
    let is_read = |piece: &Piece| {
        let is_read = left > 0;
        left = left.saturating_sub(piece.size());
        is_read
    };
    chips.flat_map(of_attachment).chain(messages).take(MOST_PIECES).take_while(is_read).collect()
}

fn of_message(message: &Message) -> Vec<Piece> {
    let of = |part: &Part| match part {
        Part::Text { text, .. } if message.role != Role::System => vec![here(Origin::Written, text)],
        Part::Text { .. } | Part::Summary(_) | Part::ToolCall(_) | Part::Attachment { removed: true, .. } => {
            Vec::new()
        }
        Part::Attachment { attachment, .. } => of_attachment(attachment),
        Part::ToolResult(result) => {
            vec![here(Origin::Written, &result.shown), here(Origin::Read, &result.text)]
        }
    };
    message.parts.iter().flat_map(of).collect()
}

fn of_attachment(attachment: &Attachment) -> Vec<Piece> {
    let mut pieces = vec![here(Origin::Name, &attachment.name)];
    if !attachment.is_image() {
        pieces.push(Piece::Blob(attachment.view().clone()));
    }
    pieces
}

fn here(origin: Origin, text: &str) -> Piece {
    let text = text[..boundary_before(text, MOST_OF_A_PASSAGE.min(text.len()))].to_owned();
    Piece::Here(Passage { origin, text })
}

/// Reads the pieces and finds the words; what can't be read tells nothing.
pub(in crate::tui) fn read(pieces: Vec<Piece>, own: &[String], blobs: &BlobStore) -> Vec<String> {
    let passages = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Here(passage) => Some(passage),
        Piece::Blob(id) => {
            let mut bytes = Vec::new();
            let file = File::open(blobs.path(&id)).ok()?;
            file.take(MOST_OF_A_PASSAGE as u64).read_to_end(&mut bytes).ok()?;
            Some(Passage { origin: Origin::Read, text: String::from_utf8_lossy(&bytes).into_owned() })
        }
    });
    likely(own, &passages.collect::<Vec<_>>())
}
