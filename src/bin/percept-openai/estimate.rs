//! What a prompt is made of, by an estimate: the API counts a prompt as a whole, and only when
//! it is answered.

use percept::text;
use percept::wire::{ChatMessage, Content, Ledger, LedgerEntry, LedgerKind, ToolSpec};

/// Tokens of a picture: the order of what most models make of a screenshot.
const PICTURE: u64 = 1024;

/// The ledger of a conversation; nothing is known to be in a cache.
pub(crate) fn ledger(messages: &[ChatMessage], tools: &[ToolSpec], context: u32) -> Ledger {
    let mut entries = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        for (place, content) in message.content.iter().enumerate() {
            entries.push(row(Some((number, place)), content));
        }
    }
    let told = tools.iter().map(|tool| tokens(&tool.description) + tokens(&tool.parameters.to_string()));
    let around = told.sum::<u64>() + 4 * messages.len() as u64;
    let template = Content::Text { text: String::new() };
    entries.push(LedgerEntry { kind: LedgerKind::Template, tokens: around, ..row(None, &template) });
    let total_tokens = entries.iter().map(|entry| entry.tokens).sum();
    Ledger { entries, total_tokens, context: context.into(), estimated: true }
}

fn row(place: Option<(usize, usize)>, content: &Content) -> LedgerEntry {
    let size = |path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let (kind, tokens, bytes) = match content {
        Content::Text { text } | Content::ToolResult { text, .. } => {
            (LedgerKind::Text, tokens(text), text.len() as u64)
        }
        Content::ToolCall { arguments, .. } => {
            let text = arguments.to_string();
            (LedgerKind::Text, tokens(&text), text.len() as u64)
        }
        Content::Image { path, .. } => (LedgerKind::Image, PICTURE, size(path)),
        Content::Audio { path, .. } => (LedgerKind::Audio, 0, size(path)),
    };
    let (message, content) = (place.map(|place| place.0), place.map(|place| place.1));
    LedgerEntry { message, content, kind, tokens, bytes, encode_ms: None, cached: false }
}

fn tokens(text: &str) -> u64 {
    text::tokens(text) as u64
}
