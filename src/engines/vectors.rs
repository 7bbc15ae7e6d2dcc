//! What an embedder and a reranker ask of their workers.

use std::sync::atomic::AtomicBool;

use super::errand::Errand;
use crate::catalogue::ReadyEmbedding;
use crate::wire::{
    EmbedInput, Event, Failure, FailureKind, LoadOptions, ModelInfo, PROTOCOL_VERSION, Request, floats,
};

/// Bytes of one input: more than any model reads of it. What is longer is cut by the worker at a
/// token in any case.
pub const MOST_INPUT_BYTES: usize = 256 * 1024;

/// Bytes of text in one request: far below the longest line.
const REQUEST_BYTES: usize = 1024 * 1024;

/// The request that loads a model to find vectors.
pub(super) fn load(model: &ReadyEmbedding, threads: Option<u32>) -> Request {
    let options = LoadOptions { embed: true, threads: threads.or(model.load.threads), ..model.load.clone() };
    Request::Load {
        protocol: PROTOCOL_VERSION,
        model: model.model.clone(),
        mmproj: model.mmproj.clone(),
        options,
    }
}

/// The longest word that isn't cut: half of a secret can't be told from other text, so that it
/// would not be replaced before it is sent to a server. The longest keys have 12 KiB.
const MOST_WORD: usize = 16 * 1024;

/// A text as far as any model reads it.
pub(super) fn cut(text: &str) -> &str {
    if text.len() <= MOST_INPUT_BYTES {
        return text;
    }
    let text = &text[..text.floor_char_boundary(MOST_INPUT_BYTES)];
    match text.rfind(char::is_whitespace) {
        Some(at) if text.len() - at <= MOST_WORD => &text[..at],
        // What has no words.
        _ => text,
    }
}

/// The header was read here, the model was loaded there.
pub(super) fn same_length(info: &ModelInfo, wanted: usize) -> Result<(), Failure> {
    match info.dimensions {
        Some(found) if found == wanted => Ok(()),
        Some(found) if info.server.is_some() => {
            let said = format!("The server's vectors have {found} numbers, those of before {wanted}.");
            Err(Failure::new(FailureKind::Server, said)
                .hint("Another model is behind that name now: `percept index rebuild` begins anew."))
        }
        found => Err(broken(&format!("its vectors have {} numbers, not {wanted}", found.unwrap_or(0)))),
    }
}

/// A vector for each input, asked for in requests of bounded length.
pub(super) fn vectors(
    errand: &mut Errand,
    inputs: impl Iterator<Item = EmbedInput>,
    dimensions: usize,
    stop: &AtomicBool,
) -> Result<Vec<Vec<f32>>, Failure> {
    let mut found = Vec::new();
    let mut inputs = inputs.peekable();
    while inputs.peek().is_some() {
        let mut request = Vec::new();
        let mut bytes = 0;
        while let Some(input) =
            inputs.next_if(|input| request.is_empty() || bytes + size(input) <= REQUEST_BYTES)
        {
            bytes += size(&input);
            request.push(input);
        }
        let wanted = found.len() + request.len();
        let mut trouble = None;
        errand.ask(Request::Embed { inputs: request }, stop, |event| {
            if let Event::Vectors { data, .. } = event {
                match floats::decode(&data) {
                    Ok(numbers) => found.extend(numbers.chunks(dimensions).map(<[f32]>::to_vec)),
                    Err(why) => trouble = Some(why),
                }
            }
        })?;
        if let Some(why) = trouble {
            return Err(broken(&why));
        }
        if found.len() != wanted || found.iter().any(|vector| vector.len() != dimensions) {
            return Err(broken("it sent another count of vectors than it was asked for"));
        }
    }
    Ok(found)
}

/// Bytes that an input takes in its line, about.
fn size(input: &EmbedInput) -> usize {
    const AROUND: usize = 256;
    AROUND
        + match input {
            EmbedInput::Text { before, text, after } => before.len() + text.len() + after.len(),
            EmbedInput::Image { path, before, after } => path.as_os_str().len() + before.len() + after.len(),
            EmbedInput::Pair { query, passage } => query.len() + passage.len(),
        }
}

fn broken(why: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("The embedding worker can't be used: {why}."))
        .hint("Install percept and its workers from the same build.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_before_a_word_and_not_within() {
        let before = "é ".repeat(MOST_INPUT_BYTES / 3 - 2);
        let whole = format!("{before}AKIAQYLPMN5HHHFPZAM2 and more");
        assert_eq!(cut(&whole), before.trim_end());
        assert_eq!(cut(&before), before, "it is not too long");
        assert_eq!(cut(&"é".repeat(MOST_INPUT_BYTES)).len(), MOST_INPUT_BYTES, "no words");
        let one = format!("a {}", "x".repeat(MOST_INPUT_BYTES));
        assert_eq!(cut(&one).len(), MOST_INPUT_BYTES, "a word that is too long");
    }
}
