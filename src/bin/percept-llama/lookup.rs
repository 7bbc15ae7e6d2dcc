//! Drafts what an answer goes on with where it quotes: the tokens that came behind the last few
//! where those came before, in the prompt or in the answer (prompt lookup decoding, Saxena
//! 2023).
//!
//! A draft is evaluated in one batch with the token before it, so that the weights are read once
//! for all. What is then chosen, token by token, is what would have been chosen without it,
//! whatever the sampling: drafted tokens are kept as long as they are the chosen ones, and the
//! rest is rolled back. Where drafts fail, they become shorter and seldom, so that text that
//! quotes nothing is not slowed down.

use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use percept::wire::{Failure, Usage};

use crate::cache::{Entry, SEQUENCE};
use crate::load::Loaded;
use crate::turn::internal;

/// Tokens that must have come before for what followed to be drafted: fewer come together by
/// chance in any text.
const PATTERN: usize = 3;

/// Tokens before a pattern that are looked at to choose between places where it came.
const MOST_ALIKE: usize = 32;

/// The shortest, the first and the longest draft, in tokens.
const LENGTHS: (usize, usize, usize) = (2, 4, 16);

/// Tokens that are decoded alone behind a draft that failed, and at most so many when they go on
/// failing.
const RESTS: (usize, usize) = (16, 256);

/// The drafting of one answer.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// Tokens of the next draft.
    length: usize,
    /// Tokens until the next draft may be made.
    resting: usize,
    /// Tokens that are rested behind the next failure.
    rest: usize,
    /// What is in the KV cache behind the known entries.
    ahead: Vec<i32>,
    /// How many of these were chosen, and are entries now.
    confirmed: usize,
    /// All drafted and all confirmed tokens.
    counts: (u64, u64),
}

impl Lookup {
    pub(crate) fn new() -> Self {
        let (length, rest) = (LENGTHS.1, RESTS.0);
        Self { length, resting: 0, rest, ahead: Vec::new(), confirmed: 0, counts: (0, 0) }
    }

    /// The row of the last evaluation whose logits are the next token's.
    pub(crate) fn row(&self) -> i32 {
        match self.ahead.is_empty() {
            true => -1,
            false => i32::try_from(self.confirmed).unwrap_or(i32::MAX),
        }
    }

    /// Whether a chosen token is the next one of the draft, which is thereby confirmed.
    fn confirm(&mut self, token: LlamaToken) -> bool {
        let drafted = self.ahead.get(self.confirmed) == Some(&token.0);
        self.confirmed += usize::from(drafted);
        drafted
    }

    /// Ends a draft and learns from it; whether anything of it has to be rolled back.
    fn settle(&mut self) -> bool {
        let (drafted, confirmed) = (self.ahead.len(), self.confirmed);
        self.ahead.clear();
        self.confirmed = 0;
        self.counts = (self.counts.0 + drafted as u64, self.counts.1 + confirmed as u64);
        let (shortest, first, longest) = LENGTHS;
        match confirmed {
            _ if drafted == 0 => {}
            0 => {
                self.length = shortest.max(self.length / 2);
                self.resting = self.rest;
                self.rest = RESTS.1.min(self.rest * 2);
            }
            _ if confirmed == drafted => (self.length, self.rest) = (longest.min(self.length * 2), RESTS.0),
            _ => (self.length, self.rest) = (first.max(confirmed), RESTS.0),
        }
        confirmed < drafted
    }

    /// What may come behind these entries and a token, at most `most` tokens.
    fn draft(&mut self, entries: &[Entry], token: LlamaToken, most: usize) -> Vec<i32> {
        if self.resting > 0 {
            self.resting -= 1;
            return Vec::new();
        }
        let token = Entry::token(token);
        let Some(before) = entries.len().checked_sub(PATTERN - 1) else { return Vec::new() };
        let pattern = &entries[before..];
        let comes =
            |start: &usize| entries[*start..].starts_with(pattern) && entries[start + pattern.len()] == token;
        // The place whose tokens before are the same for longest; of several, the last.
        let alike = |start: usize| {
            let back = entries[..start].iter().rev().zip(entries[..before].iter().rev());
            back.take(MOST_ALIKE).take_while(|(there, here)| there == here).count()
        };
        let places = (0..before).rev().filter(comes).map(|start| (alike(start), start));
        let Some((_, found)) = places.reduce(|best, next| if next.0 > best.0 { next } else { best }) else {
            return Vec::new();
        };
        let followed = entries[found + PATTERN..].iter().chain([&token]).map_while(|entry| match entry {
            Entry::Token(token) => Some(*token),
            Entry::Image { .. } => None,
        });
        followed.take(self.length.min(most)).collect()
    }
}

impl Loaded {
    /// Evaluates a chosen token, if that was not done ahead, perhaps with a draft behind it of at
    /// most `most` tokens.
    pub(crate) fn evaluate_chosen(
        &mut self,
        token: LlamaToken,
        lookup: Option<&mut Lookup>,
        most: usize,
    ) -> Result<(), Failure> {
        let Some(lookup) = lookup else { return self.evaluate_text(&[Entry::token(token)], true) };
        if lookup.confirm(token) {
            self.cache.push(Entry::token(token));
            return Ok(());
        }
        self.settle(lookup)?;
        let draft = lookup.draft(self.cache.entries(), token, most);
        if draft.is_empty() {
            return self.evaluate_text(&[Entry::token(token)], true);
        }
        let mut batch = LlamaBatch::new(draft.len() + 1, 1);
        let position = self.cache.position();
        for (offset, token) in std::iter::once(token.0).chain(draft.iter().copied()).enumerate() {
            let added = batch.add(LlamaToken(token), position + offset as i32, &[SEQUENCE], true);
            added.map_err(|error| internal(&error.to_string()))?;
        }
        self.decode_batch(&mut batch)?;
        self.cache.push(Entry::token(token));
        lookup.ahead = draft;
        Ok(())
    }

    /// Takes out of the KV cache what was drafted and not chosen.
    fn settle(&mut self, lookup: &mut Lookup) -> Result<(), Failure> {
        let cache = &mut self.cache;
        let rolled_back =
            !lookup.settle() || self.runtime.with_dependent_mut(|_, context| cache.drop_unknown(context));
        match rolled_back {
            true => Ok(()),
            false => Err(internal("what was drafted can't be rolled back")),
        }
    }

    /// The same at the end of an answer; what was drafted goes into the report.
    pub(crate) fn settle_answer(
        &mut self,
        lookup: Option<&mut Lookup>,
        usage: &mut Usage,
    ) -> Result<(), Failure> {
        let Some(lookup) = lookup else { return Ok(()) };
        self.settle(lookup)?;
        (usage.drafted_tokens, usage.confirmed_tokens) = lookup.counts;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn tokens(tokens: &[i32]) -> Vec<Entry> {
        tokens.iter().copied().map(Entry::Token).collect()
    }

    /// What a new lookup drafts behind tokens, of which the last was just chosen.
    fn drafted(said: &[i32], most: usize) -> Vec<i32> {
        let (last, entries) = said.split_last().unwrap();
        Lookup::new().draft(&tokens(entries), LlamaToken(*last), most)
    }

    #[test]
    fn what_followed_the_last_time_is_drafted() {
        assert_eq!(drafted(&[1, 2, 3, 4, 5, 6, 1, 2, 3], 16), [4, 5, 6, 1]);
        assert_eq!(drafted(&[1, 2, 3, 9, 1, 2, 3, 8, 1, 2, 3], 1), [8], "the last time");
        let two = [5, 1, 2, 3, 9, 6, 1, 2, 3, 8, 5, 1, 2, 3];
        assert_eq!(drafted(&two, 1), [9], "where more of what stood before is the same");
        assert_eq!(drafted(&[7, 7, 7, 7], 16), [7], "a repetition");
        assert!(drafted(&[1, 2, 3, 4, 1, 2], 16).is_empty(), "two are chance");
        assert!(drafted(&[1, 2, 3, 4, 5, 2, 3], 16).is_empty(), "another one before");
        for short in 1..4 {
            assert!(drafted(&[1, 1, 1][..short], 16).is_empty());
        }
        assert!(drafted(&[1, 2, 3, 4, 1, 2, 3], 0).is_empty());
    }

    #[test]
    fn a_picture_ends_a_draft() {
        let mut entries = tokens(&[1, 2, 3, 4]);
        entries.push(Entry::Image { hash: "a".to_owned(), tokens: 9, positions: 9 });
        entries.extend(tokens(&[1, 2]));
        assert_eq!(Lookup::new().draft(&entries, LlamaToken(3), 16), [4]);
    }

    #[test]
    fn drafts_that_fail_become_short_and_seldom() {
        let quoting = tokens(&[1, 2, 3, 4, 5, 6, 7, 8, 1, 2]);
        let mut lookup = Lookup::new();
        let mut tried = 0;
        for _ in 0..1_000 {
            lookup.ahead = lookup.draft(&quoting, LlamaToken(3), 16);
            tried += usize::from(!lookup.ahead.is_empty());
            lookup.settle();
        }
        assert!((5..=9).contains(&tried), "{tried} drafts in 1,000 tokens");
        // One that is confirmed makes them long and frequent again.
        lookup.resting = 0;
        for _ in 0..2 {
            lookup.ahead = lookup.draft(&quoting, LlamaToken(3), 16);
            lookup.confirmed = lookup.ahead.len();
            assert!(!lookup.settle(), "nothing is rolled back");
        }
        assert_eq!(lookup.draft(&quoting, LlamaToken(3), 16).len(), 8);
    }
}
