//! What was typed becomes what is looked for by words.

use crate::retrieval::words::{Analyser, Language, is_stop_word};

/// Text of a query that is looked at, in bytes: a page. A longer one is cut.
const MOST_TEXT: usize = 8 << 10;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Each may be there; the more the better.
    pub(super) terms: Vec<Term>,
    /// What was quoted: an expression each, that must be there.
    pub(super) phrases: Vec<String>,
}

/// A word, in the forms that the index may have it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// Tokens: one for each language of the index, where they differ.
    pub(super) forms: Vec<String>,
    /// As it was typed.
    pub(super) spelling: String,
    /// The forms are beginnings.
    pub(super) prefix: bool,
    /// It may be mistyped.
    pub(super) word: bool,
}

impl Term {
    /// As an expression of FTS5. Tokens hold no quotes.
    pub(super) fn expression(&self) -> String {
        let star = if self.prefix { "*" } else { "" };
        let forms: Vec<String> = self.forms.iter().map(|form| format!("\"{form}\"{star}")).collect();
        forms.join(" OR ")
    }
}

/// Reads a query, for an index in these languages.
pub(super) fn asked(text: &str, languages: &[Language], analyser: &mut Analyser) -> Asked {
    let text = &text[..crate::text::boundary_before(text, MOST_TEXT)];
    let terms = terms(text, languages, analyser);
    let says = |term: &Term| !languages.iter().any(|language| is_stop_word(&term.spelling, *language));
    let telling: Vec<Term> = terms.iter().filter(|term| says(term)).cloned().collect();
    let terms = if telling.is_empty() { terms } else { telling };
    Asked { terms, phrases: phrases(text, languages, analyser) }
}

/// The words of a text, each once.
pub(super) fn terms(text: &str, languages: &[Language], analyser: &mut Analyser) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for (at, language) in languages.iter().enumerate() {
        for (n, token) in analyser.query(text, *language).into_iter().enumerate() {
            match terms.get_mut(n) {
                Some(term) if at > 0 && !term.forms.contains(&token.text) => term.forms.push(token.text),
                Some(_) => {}
                None => terms.push(Term {
                    forms: vec![token.text],
                    spelling: token.spelling,
                    prefix: token.prefix,
                    word: token.word,
                }),
            }
        }
    }
    let mut seen = rustc_hash::FxHashSet::default();
    terms.retain_mut(|term| {
        term.forms.retain(|form| !form.is_empty());
        !term.forms.is_empty() && seen.insert(term.forms.clone())
    });
    terms
}

/// What stands in quotes, if it is more than a word.
fn phrases(text: &str, languages: &[Language], analyser: &mut Analyser) -> Vec<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    // A quote that doesn't close quotes nothing.
    let closed = text.matches('"').count() / 2;
    quoted.take(closed).filter_map(|quoted| phrase(quoted, languages, analyser)).collect()
}

fn phrase(quoted: &str, languages: &[Language], analyser: &mut Analyser) -> Option<String> {
    let mut forms: Vec<String> = Vec::new();
    for language in languages {
        let tokens = analyser.query(quoted, *language);
        let tokens: Vec<String> =
            tokens.into_iter().map(|token| token.text).filter(|text| !text.is_empty()).collect();
        let form = format!("\"{}\"", tokens.join(" "));
        if tokens.len() > 1 && !forms.contains(&form) {
            forms.push(form);
        }
    }
    (!forms.is_empty()).then(|| format!("({})", forms.join(" OR ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Asked {
        asked(text, &[Language::ENGLISH], &mut Analyser::default())
    }

    fn shown(asked: &Asked) -> Vec<String> {
        asked.terms.iter().map(Term::expression).collect()
    }

    #[test]
    fn words_that_say_nothing_are_dropped_if_others_are_left() {
        assert_eq!(
            shown(&read("what are the boundary layers of the boundary?")),
            ["\"boundari\"", "\"layer\""]
        );
        assert_eq!(shown(&read("who are you")), ["\"who\"", "\"are\"", "\"you\""]);
        assert_eq!(read("  … ?"), Asked::default());
    }

    #[test]
    fn a_word_has_a_form_for_each_language() {
        let german = Language::of_code("deu").unwrap();
        let asked = asked("Häuser running", &[Language::ENGLISH, german], &mut Analyser::default());
        assert_eq!(shown(&asked), ["\"hauser\" OR \"haus\"", "\"run\" OR \"running\""]);
    }

    #[test]
    fn what_is_quoted_is_a_phrase() {
        let asked = read("see \"the boundary layer\" here \"open");
        assert_eq!(asked.phrases, ["(\"the boundari layer\")"]);
        assert_eq!(shown(&asked), ["\"see\"", "\"boundari\"", "\"layer\"", "\"open\""]);
        assert_eq!(read("a \"word\"").phrases, Vec::<String>::new());
    }
}
