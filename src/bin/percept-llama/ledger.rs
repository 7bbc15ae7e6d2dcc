//! What a prompt is made of: which part of which message takes how many tokens, and is in
//! the KV cache or not.

use percept::wire::{ChatMessage, Content, Ledger, LedgerEntry, LedgerKind};

use crate::cache::{common_prefix, tokens};
use crate::load::Loaded;
use crate::sentinel::Piece;
use crate::turn::Prompt;

/// One content of one message, for the ledger.
pub(crate) struct PromptPart {
    message: usize,
    content: usize,
    kind: LedgerKind,
    tokens: usize,
    bytes: u64,
    /// Its picture's hash.
    hash: Option<String>,
    /// It is in the cache when so many entries of the prompt are.
    end: usize,
}

impl Loaded {
    /// The parts of a prompt whose pieces begin at the entries `starts`, `shift` further on.
    pub(crate) fn parts(
        &self,
        messages: &[ChatMessage],
        pieces: &[Piece],
        starts: &[usize],
        shift: usize,
        all: usize,
    ) -> Vec<PromptPart> {
        let mut parts = Vec::new();
        // Where the search for the next part goes on: piece and byte.
        let mut at = (0, 0);
        for (message, content) in numbered(messages) {
            let given = &messages[message].content[content];
            parts.push(match given {
                Content::Text { text } | Content::ToolResult { text, .. } => {
                    let end =
                        find_end(pieces, text.trim(), &mut at).map_or(all, |(piece, byte)| {
                            match &pieces[piece] {
                                Piece::Text { text, special } => {
                                    starts[piece] + shift + self.tokenize(&text[..byte], *special).count()
                                }
                                Piece::Image { .. } => all,
                            }
                        });
                    PromptPart {
                        message,
                        content,
                        kind: LedgerKind::Text,
                        tokens: self.tokenize(text, false).count(),
                        bytes: text.len() as u64,
                        hash: None,
                        end,
                    }
                }
                // Where a template puts a call is its own business: it counts as the template's.
                Content::ToolCall { .. } => continue,
                Content::Image { hash, path } | Content::Audio { hash, path } => {
                    let hash = hash.as_str();
                    let same =
                        |piece: &Piece| matches!(piece, Piece::Image { hash: other, .. } if other == hash);
                    let piece = pieces.iter().skip(at.0).position(same).map(|found| found + at.0);
                    if let Some(piece) = piece {
                        at = (piece + 1, 0);
                    }
                    PromptPart {
                        message,
                        content,
                        kind: match given {
                            Content::Audio { .. } => LedgerKind::Audio,
                            _ => LedgerKind::Image,
                        },
                        tokens: self.measured.get(hash).map_or(0, |measured| measured.tokens),
                        bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
                        hash: Some(hash.to_owned()),
                        end: piece.map_or(all, |piece| starts[piece] + shift + 1),
                    }
                }
            });
        }
        parts
    }

    /// What the prompt is made of, and what of it is in the KV cache now.
    pub(crate) fn ledger(&self, prompt: &Prompt) -> Ledger {
        let cached = common_prefix(self.cache.entries(), &prompt.entries);
        let total = tokens(&prompt.entries) as u64;
        let mut entries: Vec<LedgerEntry> = prompt
            .parts
            .iter()
            .map(|part| LedgerEntry {
                message: Some(part.message),
                content: Some(part.content),
                kind: part.kind,
                tokens: part.tokens as u64,
                bytes: part.bytes,
                encode_ms: part.hash.as_ref().and_then(|hash| self.measured.get(hash)?.encode_ms),
                cached: part.end <= cached,
            })
            .collect();
        let counted: u64 = entries.iter().map(|entry| entry.tokens).sum();
        entries.push(LedgerEntry {
            message: None,
            content: None,
            kind: LedgerKind::Template,
            tokens: total.saturating_sub(counted),
            bytes: 0,
            encode_ms: None,
            cached: cached == prompt.entries.len(),
        });
        Ledger { entries, total_tokens: total, context: u64::from(self.info.context), estimated: false }
    }
}

/// The places of all contents: message and content numbers.
fn numbered(messages: &[ChatMessage]) -> impl Iterator<Item = (usize, usize)> {
    messages
        .iter()
        .enumerate()
        .flat_map(|(message, of)| (0..of.content.len()).map(move |content| (message, content)))
}

/// Where a text ends in the rendered pieces, searched from `at` on; a template may have
/// changed it beyond recognition.
fn find_end(pieces: &[Piece], text: &str, at: &mut (usize, usize)) -> Option<(usize, usize)> {
    for (number, piece) in pieces.iter().enumerate().skip(at.0) {
        let from = if number == at.0 { at.1 } else { 0 };
        if let Piece::Text { text: rendered, .. } = piece
            && let Some(found) = rendered.get(from..)?.find(text)
        {
            *at = (number, from + found + text.len());
            return Some(*at);
        }
    }
    None
}
