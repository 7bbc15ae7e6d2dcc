//! Words that say nothing of what a text is about.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::Language;
use super::stems::{Stems, fold};

/// The commonest function words of some languages, in the manner of Snowball's lists, by
/// the language's code.
const LISTS: [(&str, &str); 7] = [
    ("eng", include_str!("stop/eng.txt")),
    ("deu", include_str!("stop/deu.txt")),
    ("fra", include_str!("stop/fra.txt")),
    ("spa", include_str!("stop/spa.txt")),
    ("ita", include_str!("stop/ita.txt")),
    ("por", include_str!("stop/por.txt")),
    ("nld", include_str!("stop/nld.txt")),
];

/// The lists as they are looked into: with and without accents, and as stems.
static WORDS: LazyLock<Vec<(Language, FxHashSet<String>)>> = LazyLock::new(|| {
    let list = |(code, words): &(&str, &str)| {
        Some((Language::of_code(code)?, forms(Language::of_code(code)?, words)))
    };
    LISTS.iter().filter_map(list).collect()
});

fn forms(language: Language, words: &str) -> FxHashSet<String> {
    let mut stems = Stems::new(language);
    let mut forms = FxHashSet::default();
    for word in words.split_ascii_whitespace() {
        stems.of(word, &mut |stem| _ = forms.insert(stem.to_owned()), &mut |_| {});
        forms.insert(fold(word));
        forms.insert(word.to_owned());
    }
    forms
}

/// Whether a word or its stem, in small letters, is one in a language.
pub(in crate::retrieval) fn is_stop_word(word: &str, language: Language) -> bool {
    WORDS.iter().any(|(of, words)| *of == language && words.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_belong_to_a_language() {
        let german = Language::of_code("deu").unwrap();
        assert!(is_stop_word("the", Language::ENGLISH) && is_stop_word("fur", german));
        assert!(!is_stop_word("die", Language::ENGLISH) && is_stop_word("die", german));
        assert!(!is_stop_word("flow", Language::ENGLISH));
    }
}
