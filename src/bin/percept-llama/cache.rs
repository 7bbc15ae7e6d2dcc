//! What is in the KV cache, and what of it the next prompt can use.
//!
//! `docs/prefix-cache.md` tells the whole of it. A prompt is a list of entries: text
//! tokens, and pictures by their hash. The longest common prefix of two lists is what
//! need not be evaluated again. Models whose memory can't be rolled back to any place
//! (recurrent, hybrid) go back to a checkpoint instead.

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::session::LlamaStateSeqFlags;
use llama_cpp_2::context::session::SeqState;
use llama_cpp_2::token::LlamaToken;
use serde::{Deserialize, Serialize};

/// Checkpoints that are kept; a hybrid model's is a few megabytes, whatever the length.
const MAX_CHECKPOINTS: usize = 16;

/// The one sequence that is used.
pub(crate) const SEQUENCE: i32 = 0;

/// One thing in the KV cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A token of text.
    Token(i32),
    /// A picture, whole.
    Image {
        /// The hash of its content.
        hash: String,
        /// Tokens that it takes.
        tokens: usize,
        /// Positions that it takes.
        positions: i32,
    },
}

impl Entry {
    pub(crate) fn token(token: LlamaToken) -> Self {
        Self::Token(token.0)
    }

    pub(crate) fn tokens(&self) -> usize {
        match self {
            Self::Token(_) => 1,
            Self::Image { tokens, .. } => *tokens,
        }
    }

    pub(crate) fn positions(&self) -> i32 {
        match self {
            Self::Token(_) => 1,
            Self::Image { positions, .. } => *positions,
        }
    }
}

/// Tokens of a stretch of entries.
pub(crate) fn tokens(entries: &[Entry]) -> usize {
    entries.iter().map(Entry::tokens).sum()
}

/// Positions of a stretch of entries.
pub(crate) fn positions(entries: &[Entry]) -> i32 {
    entries.iter().map(Entry::positions).sum()
}

/// Entries that two lists begin with.
pub(crate) fn common_prefix(a: &[Entry], b: &[Entry]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

struct Checkpoint {
    /// How many entries were evaluated when it was taken.
    entries: usize,
    state: SeqState,
}

/// The entries of the KV cache, in order.
pub(crate) struct Cache {
    entries: Vec<Entry>,
    checkpoints: Option<Vec<Checkpoint>>,
}

impl Cache {
    /// An empty cache; with checkpoints for models that can't be rolled back.
    pub(crate) fn new(checkpoints: bool) -> Self {
        Self { entries: Vec::new(), checkpoints: checkpoints.then(Vec::new) }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn position(&self) -> i32 {
        positions(&self.entries)
    }

    /// Says that an entry was evaluated.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Removes from the context what was evaluated behind the entries; false if it can't be.
    pub(crate) fn drop_unknown(&mut self, context: &mut LlamaContext<'_>) -> bool {
        self.roll_back(context, self.entries.len())
    }

    /// Replaces what is known with what a saved state holds.
    pub(crate) fn replace(&mut self, entries: Vec<Entry>) {
        self.entries = entries;
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.clear();
        }
    }

    /// Rolls the context back so that it holds a prefix of `prompt`, the longest that can
    /// be had of at most `most` entries. Returns its length.
    pub(crate) fn keep_prefix(
        &mut self,
        context: &mut LlamaContext<'_>,
        prompt: &[Entry],
        most: usize,
    ) -> usize {
        let common = common_prefix(&self.entries, prompt).min(most);
        if common == self.entries.len() || self.roll_back(context, common) {
            return common;
        }
        let from = self.checkpoint_before(common);
        if let Some((entries, state)) = from
            && context.state_seq_set(&state, SEQUENCE).is_ok()
            && self.roll_back(context, entries)
        {
            return entries;
        }
        self.clear(context);
        0
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self, context: &mut LlamaContext<'_>) {
        context.clear_kv_cache();
        self.replace(Vec::new());
    }

    /// Remembers this place, for models that can't be rolled back.
    pub(crate) fn checkpoint(&mut self, context: &LlamaContext<'_>) {
        let entries = self.entries.len();
        let Some(checkpoints) = &mut self.checkpoints else { return };
        if entries == 0 || checkpoints.last().is_some_and(|last| last.entries == entries) {
            return;
        }
        match context.state_seq_get(SEQUENCE, LlamaStateSeqFlags::PARTIAL_ONLY) {
            Ok(state) => {
                if checkpoints.len() >= MAX_CHECKPOINTS {
                    // The first one is the way back to a shared beginning; the second goes.
                    checkpoints.remove(1);
                }
                checkpoints.push(Checkpoint { entries, state });
            }
            Err(error) => tracing::warn!(%error, "no checkpoint could be taken"),
        }
    }

    /// Removes everything behind `keep` entries from the context, if the model can.
    fn roll_back(&mut self, context: &mut LlamaContext<'_>, keep: usize) -> bool {
        let Ok(position) = u32::try_from(positions(&self.entries[..keep])) else { return false };
        if context.kv_cache_seq_rm(SEQUENCE, Some(position), None).is_err() {
            return false;
        }
        self.entries.truncate(keep);
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.retain(|checkpoint| checkpoint.entries <= keep);
        }
        true
    }

    fn checkpoint_before(&self, entries: usize) -> Option<(usize, SeqState)> {
        let checkpoints = self.checkpoints.as_ref()?;
        let newest = checkpoints.iter().rev().find(|checkpoint| checkpoint.entries <= entries)?;
        Some((newest.entries, newest.state.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(hash: &str) -> Entry {
        Entry::Image { hash: hash.to_owned(), tokens: 100, positions: 10 }
    }

    #[test]
    fn the_common_prefix_ends_at_another_token_or_picture() {
        let a = [Entry::Token(1), image("a"), Entry::Token(2)];
        assert_eq!(common_prefix(&a, &a), 3);
        assert_eq!(common_prefix(&a, &[Entry::Token(1), image("b"), Entry::Token(2)]), 1);
        assert_eq!(common_prefix(&a, &[]), 0);
        assert_eq!((tokens(&a), positions(&a)), (102, 12));
    }
}
