//! Which words of an answer are right, for calibration.
//!
//! The words of the answer are aligned with those of the right text by a longest common
//! subsequence, without the punctuation and quotes around them, case kept. An aligned word is right.
//! Words that only wrap the answer ("The error says: …") are neither right nor wrong, so only a
//! stretch counts: from the first aligned word to the last, and at each end the words that stand in
//! place of words of the right text that are missing there, as many as those at most. It doesn't
//! grow over a quote or a colon, where the wrapping ends.
//!
//! Where no word is right, what stands behind the last colon or opening quote was read in place of
//! it, or all of the answer: as many words as the right text has, at most, all wrong. An answer that
//! says that it isn't there reads nothing.

use super::check::says_absent;
use super::item::Given;
use super::tokens::{is_word, normalised};

/// How many words of each side are aligned: the time and memory are their product.
const MOST_WORDS: usize = 1024;

/// A word of the answer.
struct Said {
    /// As it stands there, with plain quotes.
    whole: String,
    probability: f32,
}

impl Said {
    fn bare(&self) -> &str {
        bare(&self.whole)
    }

    /// Something is quoted, or announced by a colon, from this word on.
    fn opens(&self) -> bool {
        self.whole.starts_with(['"', '`', '\'', '«', '*', '('])
    }

    /// What was quoted ends with this word.
    fn closes(&self) -> bool {
        let end = self.whole.trim_end_matches(['.', ',', ';', '!', '?']);
        end.ends_with(['"', '`', '\'', '»', '*', ')'])
    }
}

/// The words of an answer that count: how sure the model was of each, and whether it is right.
/// Empty where nothing was read.
pub(super) fn word_rights(given: &Given, right: &str) -> Vec<(f32, bool)> {
    let said = said(given);
    let right = normalised(right);
    let right: Vec<&str> =
        right.split(' ').map(bare).filter(|word| !word.is_empty()).take(MOST_WORDS).collect();
    let pairs = align(&said, &right);
    let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else {
        let from = if says_absent(&given.text) { said.len() } else { last_opening(&said) };
        return said[from..].iter().take(right.len()).map(|word| (word.probability, false)).collect();
    };
    let from = begin(&said, *first);
    let to = end(&said, *last, right.len());
    let is_right = |at| pairs.binary_search_by_key(&at, |pair| pair.0).is_ok();
    (from..to).map(|at| (said[at].probability, is_right(at))).collect()
}

/// Where the last quote or what a colon announces begins; 0 without one.
fn last_opening(said: &[Said]) -> usize {
    let opens = |at: &usize| said[*at].opens() || *at > 0 && said[*at - 1].whole.ends_with(':');
    (0..said.len()).rev().find(opens).unwrap_or_default()
}

/// The words of an answer; a place that isn't in its text is left out.
fn said(given: &Given) -> Vec<Said> {
    let words = given.words.iter().filter_map(|(from, to, probability)| {
        let whole = normalised(given.text.get(*from..*to)?);
        Some(Said { whole, probability: *probability })
    });
    words.filter(|word| !word.bare().is_empty()).take(MOST_WORDS).collect()
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c| !is_word(c))
}

/// A longest common subsequence, as places in the answer and in the right text. Of several, one
/// that begins late in the answer: what wraps stands in front more often than behind.
fn align(said: &[Said], right: &[&str]) -> Vec<(usize, usize)> {
    let width = right.len() + 1;
    // longest[at * width + to]: of what is said from `at` on and right from `to` on.
    let mut longest = vec![0u16; (said.len() + 1) * width];
    for at in (0..said.len()).rev() {
        for to in (0..right.len()).rev() {
            let both = longest[(at + 1) * width + to].max(longest[at * width + to + 1]);
            let one = longest[(at + 1) * width + to + 1] + u16::from(said[at].bare() == right[to]);
            longest[at * width + to] = both.max(one);
        }
    }
    let (mut at, mut to) = (0, 0);
    let mut pairs = Vec::new();
    while at < said.len() && to < right.len() {
        let here = longest[at * width + to];
        if longest[(at + 1) * width + to] == here {
            at += 1;
        } else if longest[at * width + to + 1] == here {
            to += 1;
        } else {
            pairs.push((at, to));
            (at, to) = (at + 1, to + 1);
        }
    }
    pairs
}

/// The first word that counts.
fn begin(said: &[Said], (first, missing): (usize, usize)) -> usize {
    let mut from = first;
    for _ in 0..missing {
        if from == 0 || said[from].opens() || said[from - 1].whole.ends_with(':') || said[from - 1].closes() {
            break;
        }
        from -= 1;
    }
    from
}

/// One past the last word that counts.
fn end(said: &[Said], (last, reached): (usize, usize), right: usize) -> usize {
    let mut to = last + 1;
    for _ in reached + 1..right {
        if to == said.len() || said[to - 1].closes() || said[to].opens() {
            break;
        }
        to += 1;
    }
    to
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer whose words have falling probabilities: 1, 1/2, 1/3, …
    fn given(text: &str) -> Given {
        let mut from = 0;
        let words = text.split(' ').enumerate().map(|(at, word)| {
            let place = (from, from + word.len(), 1.0 / (at + 1) as f32);
            from += word.len() + 1;
            place
        });
        Given { words: words.collect(), text: text.into(), ..Given::default() }
    }

    /// The words that count, wrong ones in brackets.
    fn marked(text: &str, right: &str) -> String {
        let given = given(text);
        let word = |(probability, right): (f32, bool)| {
            let word = text.split(' ').nth((1.0 / probability).round() as usize - 1).unwrap();
            if right { word.to_owned() } else { format!("[{word}]") }
        };
        word_rights(&given, right).into_iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_wraps_the_answer_does_not_count() {
        for (text, right, expected) in [
            ("The error says: Permission denied", "Permission denied", "Permission denied"),
            ("It says “Permission denied”.", "Permission denied", "“Permission denied”."),
            ("It says Permission denied on the screen.", "Permission denied", "Permission denied"),
            ("Permission denied", "permission denied", "[Permission] denied"),
            ("Access refused here", "Permission denied", "[Access] [refused]"),
            ("The error says: “Access refused”.", "Permission denied", "[“Access] [refused”.]"),
            ("It says: refused", "Permission denied", "[refused]"),
            ("I cannot see an error.", "Permission denied", ""),
            ("", "Permission denied", ""),
            ("Permission denied", "", ""),
        ] {
            assert_eq!(marked(text, right), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_in_place_of_a_word_is_wrong() {
        for (text, right, expected) in [
            ("cannot opem the file", "cannot open the file", "cannot [opem] the file"),
            ("It says: connot open", "cannot open", "[connot] open"),
            ("It says: open", "cannot open", "open"),
            ("Title \"connot open\"", "I cannot open", "[\"connot] open\""),
            ("cannot \"opem\" it seems", "cannot open", "cannot"),
            ("cannot opem it seems", "cannot open", "cannot [opem]"),
            ("a very long b", "a b", "a [very] [long] b"),
            ("a — b", "a b", "a b"),
        ] {
            assert_eq!(marked(text, right), expected, "{text}");
        }
    }

    #[test]
    fn a_word_of_the_wrapping_is_not_taken_for_the_answer() {
        assert_eq!(marked("the answer is the end", "the end"), "the end");
    }

    #[test]
    fn places_outside_of_the_text_and_long_answers_are_bounded() {
        let mut wrong = given("größe ok");
        wrong.words = vec![(0, 3, 0.5), (5, 2, 0.5), (90, 99, 0.5), (8, 10, 0.25)];
        assert_eq!(word_rights(&wrong, "ok"), [(0.25, true)]);
        let long = "word ".repeat(20_000);
        assert_eq!(word_rights(&given(&long), &long).len(), MOST_WORDS);
    }

    proptest! {
        #[test]
        fn a_right_answer_has_no_wrong_word(words in prop::collection::vec("[a-c]{1,2}", 1..12)) {
            let text = words.join(" ");
            let rights = word_rights(&given(&text), &text);
            prop_assert_eq!(rights.len(), words.len());
            prop_assert!(rights.iter().all(|(_, right)| *right));
        }

        #[test]
        fn the_stretch_begins_and_ends_near_right_words(text in "[a-c\": ]{0,30}", right in "[a-c\" ]{0,20}") {
            let rights = word_rights(&given(&text), &right);
            let hits = rights.iter().filter(|(_, right)| *right).count();
            let words = right.split(' ').filter(|word| !bare(word).is_empty()).count();
            prop_assert!(hits <= words);
            prop_assert!(rights.len() <= words || hits > 0);
            let before = rights.iter().take_while(|(_, right)| !right).count();
            let after = rights.iter().rev().take_while(|(_, right)| !right).count();
            prop_assert!(hits == 0 || before + after + hits <= words);
        }
    }
}
