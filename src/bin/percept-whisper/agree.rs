//! What of a text that is still being said can be shown without it flickering.
//!
//! LocalAgreement-2 (Macháček, Dabre, Bojar: Turning Whisper into Real-Time Transcription
//! System, 2023): the words that two hypotheses in a row begin with stay; what comes after
//! is shown, but may change.

/// The hypotheses of one utterance.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    last: Vec<String>,
    stable: Vec<String>,
}

impl Agreement {
    /// Takes the next hypothesis of the same utterance, and says what to show.
    pub(crate) fn push(&mut self, text: &str) -> String {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let agreed = words.iter().zip(&self.last).take_while(|(new, old)| same(new, old)).count();
        if agreed > self.stable.len() && begins(&words, &self.stable) {
            self.stable.extend_from_slice(&words[self.stable.len()..agreed]);
        }
        let shown = self.stable.iter().chain(words.iter().skip(self.stable.len()));
        let shown = shown.map(String::as_str).collect::<Vec<_>>().join(" ");
        self.last = words;
        shown
    }
}

fn begins(words: &[String], with: &[String]) -> bool {
    words.len() >= with.len() && words.iter().zip(with).all(|(word, other)| same(word, other))
}

/// Whether two words are the same but for case and the punctuation around them, which change
/// with what follows.
fn same(left: &str, right: &str) -> bool {
    let bare = |word: &str| {
        let inner = word.trim_matches(|character: char| !character.is_alphanumeric());
        if inner.is_empty() { word.to_owned() } else { inner.to_lowercase() }
    };
    bare(left) == bare(right)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_two_agree_on_stays() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.push("And so my"), "And so my");
        assert_eq!(agreement.push("And so, my fellow Mary"), "And so, my fellow Mary");
        assert_eq!(agreement.push("and so my fellow Americans"), "And so, my fellow Americans");
        // One that is wrong from its start changes only what was never agreed on.
        assert_eq!(agreement.push("Hands off my melon Americans ask"), "And so, my fellow Americans ask");
    }

    proptest! {
        #[test]
        fn the_stable_words_only_grow(texts in prop::collection::vec("[ab]( [ab]){0,6}", 1..12)) {
            let mut agreement = Agreement::default();
            let mut before = Vec::new();
            for text in texts {
                let shown = agreement.push(&text);
                prop_assert!(agreement.stable.starts_with(&before), "{before:?} {:?}", agreement.stable);
                prop_assert!(shown.starts_with(&agreement.stable.join(" ")));
                before.clone_from(&agreement.stable);
            }
        }
    }
}
