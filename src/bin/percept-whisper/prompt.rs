//! What the decoder is told before it decodes: words that are likely, and what was said last.
//!
//! whisper.cpp keeps the end of a prompt that is too long, so all is counted here, and
//! nothing is left to be cut.

use std::time::Duration;

/// What the glossary begins with.
const HEADING: &str = "Glossary";

/// Tokens of the glossary.
const GLOSSARY_TOKENS: usize = 100;

/// Tokens of what was said last: with the glossary less than the 223 that whisper.cpp takes.
const CARRIED_TOKENS: usize = 100;

/// After a pause as long, what was said last is no help, and what Whisper makes of a noise
/// is likely to be more of it.
pub(crate) const LONGEST_CARRY: Duration = Duration::from_secs(3);

/// Characters of a term; more are a text.
const LONGEST_TERM: usize = 64;

/// The prompt of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompt {
    /// The heading of the glossary and its terms: to be known again when they are read back.
    pub(crate) glossary: Vec<String>,
    tokens: Vec<i32>,
    carried: Vec<i32>,
    /// Where what was said last ended.
    until_ms: u64,
}

impl Prompt {
    /// Writes the glossary: as many terms as fit, the first ones first.
    pub(crate) fn new(vocabulary: &[String], tokenize: impl Fn(&str) -> Vec<i32>) -> Self {
        let mut prompt = Self::default();
        let mut terms: Vec<&str> = Vec::new();
        for term in vocabulary.iter().map(|term| term.trim()).filter(|term| usable(term)) {
            if terms.contains(&term) {
                continue;
            }
            terms.push(term);
            let tokens = tokenize(&format!(" {HEADING}: {}.", terms.join(", ")));
            if tokens.len() > GLOSSARY_TOKENS {
                terms.pop();
                break;
            }
            prompt.tokens = tokens;
        }
        prompt.glossary = [HEADING].into_iter().chain(terms).map(str::to_owned).collect();
        prompt
    }

    /// The prompt of what starts then.
    pub(crate) fn at(&self, start_ms: u64) -> Vec<i32> {
        let pause = Duration::from_millis(start_ms.saturating_sub(self.until_ms));
        let carried = if pause <= LONGEST_CARRY { &self.carried[..] } else { &[] };
        [&self.tokens, carried].concat()
    }

    /// Remembers what was said up to then.
    pub(crate) fn said(&mut self, tokens: impl IntoIterator<Item = i32>, until_ms: u64) {
        self.carried.extend(tokens);
        self.carried.drain(..self.carried.len().saturating_sub(CARRIED_TOKENS));
        self.until_ms = until_ms;
    }
}

/// What is empty, too long, or has control characters is no term.
fn usable(term: &str) -> bool {
    !term.is_empty() && term.chars().count() <= LONGEST_TERM && !term.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Vec<i32> {
        text.chars().map(|character| character as i32).collect()
    }

    fn text(tokens: &[i32]) -> String {
        tokens.iter().filter_map(|token| char::from_u32(*token as u32)).collect()
    }

    #[test]
    fn the_first_terms_that_fit_are_told() {
        let vocabulary: Vec<String> = (10..99).map(|number| format!("term{number}")).collect();
        let prompt = Prompt::new(&vocabulary, letters);
        assert_eq!(prompt.glossary[..3], ["Glossary", "term10", "term11"]);
        assert_eq!(text(&prompt.at(0)), format!(" Glossary: {}.", prompt.glossary[1..].join(", ")));
        assert!((90..=GLOSSARY_TOKENS).contains(&prompt.tokens.len()), "{:?}", prompt.glossary);
        let odd = ["", "  ", "a\0b", "mmproj", "mmproj", " x.conf "].map(str::to_owned);
        assert_eq!(text(&Prompt::new(&odd, letters).at(0)), " Glossary: mmproj, x.conf.");
        assert!(Prompt::new(&[], letters).at(0).is_empty());
    }

    #[test]
    fn what_was_said_is_carried_over_short_pauses_only() {
        let mut prompt = Prompt::new(&["a".to_owned()], letters);
        prompt.said(letters("hello"), 1000);
        assert_eq!(text(&prompt.at(2000)), " Glossary: a.hello");
        assert_eq!(text(&prompt.at(4001)), " Glossary: a.");
        prompt.said(letters(&"x".repeat(500)), 5000);
        assert_eq!(prompt.at(5000).len(), " Glossary: a.".len() + CARRIED_TOKENS);
    }
}
