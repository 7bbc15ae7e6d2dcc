//! What a text is found by: its words in small letters, without accents and endings;
//! identifiers whole and in parts; scripts without blanks in pairs of characters.
//!
//! A query and a document go through the same here; that is what makes them meet.

mod split;
mod stems;
mod stop;

pub(super) use stems::Language;
pub(super) use stop::is_stop_word;

use split::Piece;
use stems::Stems;

/// What is between tokens.
const BLANK: char = ' ';

/// Makes tokens of texts. It remembers words, so it is worth keeping.
#[derive(Default)]
pub struct Analyser {
    stems: Vec<(Language, Stems)>,
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyser").finish_non_exhaustive()
    }
}

/// A token of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// As the index has it.
    pub(super) text: String,
    /// As it was written, in small letters; its ending not cut.
    pub(super) spelling: String,
    /// What else begins with it is meant as well: a single character of a script without blanks.
    pub(super) prefix: bool,
    /// It is a word (and no number, code, path or pair of characters), so it may be mistyped.
    pub(super) word: bool,
}

impl Analyser {
    /// The tokens of a text, joined by blanks, for the index. Spellings are given that
    /// weren't met lately.
    pub(super) fn document(&mut self, text: &str, language: Language, new: &mut impl FnMut(&str)) -> String {
        let mut tokens = String::with_capacity(text.len());
        let stems = self.stems(language);
        let mut put = |token: &str| {
            if !token.is_empty() {
                tokens.push_str(token);
                tokens.push(BLANK);
            }
        };
        split::pieces(text, &mut |piece| match piece {
            Piece::Word(word) => stems.of(word, &mut put, new),
            Piece::Whole(word) => put(&stems::fold(&stems::lower(word))),
            Piece::Glued(run) => pairs(run, &mut put),
        });
        tokens
    }

    /// The tokens of a query, in its order; as many for each language.
    pub(super) fn query(&mut self, text: &str, language: Language) -> Vec<Token> {
        let mut tokens = Vec::new();
        let stems = self.stems(language);
        let plain = |text: &str, prefix| Token {
            text: text.to_owned(),
            spelling: text.to_owned(),
            prefix,
            word: false,
        };
        split::pieces(text, &mut |piece| match piece {
            Piece::Word(word) => {
                let spelling = stems::fold(&stems::lower(word));
                let mut text = String::new();
                stems.of(word, &mut |stem| text.push_str(stem), &mut |_| {});
                tokens.push(Token { text, spelling, prefix: false, word: true });
            }
            Piece::Whole(word) => tokens.push(plain(&stems::fold(&stems::lower(word)), false)),
            Piece::Glued(run) => glued(run, &mut |token, prefix| tokens.push(plain(token, prefix))),
        });
        tokens
    }

    fn stems(&mut self, language: Language) -> &mut Stems {
        let at = match self.stems.iter().position(|(known, _)| *known == language) {
            Some(at) => at,
            None => {
                self.stems.push((language, Stems::new(language)));
                self.stems.len() - 1
            }
        };
        &mut self.stems[at].1
    }
}

/// Each two neighbours, and the last one: so that what begins with a character is found by a
/// search for a prefix wherever the character stands.
fn pairs(run: &str, put: &mut impl FnMut(&str)) {
    let run = stems::lower(run);
    let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
    for window in starts.windows(3) {
        put(&run[window[0]..window[2]]);
    }
    if let [.., last, end] = starts[..] {
        put(&run[last..end]);
    }
}

/// As [`pairs`], for what is looked for: a single character as a prefix, else pairs alone.
fn glued(run: &str, put: &mut impl FnMut(&str, bool)) {
    let run = stems::lower(run);
    let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
    if starts.len() == 2 {
        return put(&run, true);
    }
    for window in starts.windows(3) {
        put(&run[window[0]..window[2]], false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &str) -> String {
        Analyser::default().document(text, Language::ENGLISH, &mut |_| {}).trim_end().to_owned()
    }

    #[test]
    fn words_lose_case_accents_and_endings() {
        assert_eq!(tokens("Running the Cafés"), "run the cafe");
        assert_eq!(tokens("ﬁle Ｗｉｄｅ"), "file wide");
        let text = "Die Häuser der Stadt waren im vergangenen Winter nicht geheizt worden, sagte sie. \
                    Man habe zwar Kohle bestellt, doch sei sie erst im Frühjahr angekommen, und so \
                    blieb den Leuten nichts, als sich in Decken gehüllt um den Küchenherd zu setzen.";
        let german = Language::of(text);
        assert_eq!(german.map(Language::code), Some("deu"));
        let german = Analyser::default().document("Häuser", german.unwrap(), &mut |_| {});
        assert_eq!(german, "haus ");
    }

    #[test]
    fn scripts_without_blanks_are_found_by_pairs() {
        assert_eq!(tokens("東京都"), "東京 京都 都");
        let mut analyser = Analyser::default();
        let asked = |analyser: &mut Analyser, text| {
            let tokens = analyser.query(text, Language::ENGLISH).into_iter();
            tokens.map(|token| (token.text, token.prefix)).collect::<Vec<_>>()
        };
        assert_eq!(asked(&mut analyser, "京都"), [("京都".to_owned(), false)]);
        assert_eq!(asked(&mut analyser, "都"), [("都".to_owned(), true)]);
        assert_eq!(tokens("한국어").split(' ').next(), Some("한국"));
    }

    #[test]
    fn a_spelling_is_given_once() {
        let mut analyser = Analyser::default();
        let mut new = Vec::new();
        analyser.document("Postgres connects; postgres_pool too", Language::ENGLISH, &mut |word| {
            new.push(word.to_owned())
        });
        new.sort();
        new.dedup();
        assert_eq!(new, ["connects", "pool", "postgres", "too"]);
        analyser.document("Postgres pool", Language::ENGLISH, &mut |word| panic!("{word}"));
    }

    proptest! {
        // What is asked is found: a query's tokens are those of the text that it was copied from.
        #[test]
        fn a_text_is_found_by_itself(text in "\\PC{0,80}") {
            let mut analyser = Analyser::default();
            let document = analyser.document(&text, Language::ENGLISH, &mut |_| {});
            let document: Vec<&str> = document.split_whitespace().collect();
            for token in analyser.query(&text, Language::ENGLISH) {
                let found = token.text.is_empty() || document.iter().any(|word| *word == token.text || token.prefix && word.starts_with(&token.text));
                prop_assert!(found, "{token:?} in {document:?}");
            }
        }

        // FTS5 is to find the same tokens again: its tokenizer parts at ASCII alone.
        #[test]
        fn tokens_are_of_few_characters(text in any::<String>()) {
            for c in tokens(&text).chars().filter(char::is_ascii) {
                prop_assert!(c.is_ascii_alphanumeric() && !c.is_ascii_uppercase() || " _-./:+#@".contains(c), "{c:?}");
            }
        }
    }
}
