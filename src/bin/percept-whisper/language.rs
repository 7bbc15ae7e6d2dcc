//! The language of a request: one that is known, or one to be found out.

use percept::wire::{Failure, FailureKind, SpeechOptions};

const ENGLISH: &str = "en";

/// A language that was detected is kept if it is as sure, in thousandths, …
const SURE: u32 = 800;

/// … in as much sound, in samples: 2 s.
const ENOUGH: usize = 2 * percept::wire::SAMPLE_RATE as usize;

/// The language of what is heard, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// The one that was known or detected last.
    pub(crate) code: Option<&'static str>,
    /// It is known for good, and isn't looked for any more.
    pub(crate) settled: bool,
    told: Option<&'static str>,
}

impl Spoken {
    /// It is known for good.
    pub(crate) fn known(code: &'static str) -> Self {
        Self { code: Some(code), settled: true, told: Some(code) }
    }

    /// Takes what was detected in so many samples. What isn't sure enough holds for these
    /// only, and is news only if they are decoded for good. Whether it is news.
    pub(crate) fn detected(&mut self, code: &'static str, sure: u32, samples: usize, for_good: bool) -> bool {
        self.code = Some(code);
        self.settled = sure >= SURE && samples >= ENOUGH;
        let news = (self.settled || for_good) && self.told != self.code;
        if news {
            self.told = self.code;
        }
        news
    }
}

/// The code of the language that was asked for; `None` where it is to be detected.
///
/// # Errors
///
/// It is none of Whisper's, or not what the model knows.
pub(crate) fn wanted(speech: &SpeechOptions, multilingual: bool) -> Result<Option<&'static str>, Failure> {
    let bad = |said: String, hint: &str| Err(Failure::new(FailureKind::BadRequest, said).hint(hint));
    let larger = "Take a model whose name doesn't end in `.en`.";
    if speech.translate && !multilingual {
        return bad("This model knows English only: it has nothing to translate from.".to_owned(), larger);
    }
    let Some(asked) =
        speech.language.as_deref().map(str::trim).filter(|asked| !matches!(*asked, "" | "auto"))
    else {
        return Ok((!multilingual).then_some(ENGLISH));
    };
    let asked = asked.to_lowercase();
    let Some((code, name)) = known().find(|(code, name)| asked == *code || asked == *name) else {
        return Err(unknown(&asked));
    };
    if code != ENGLISH && !multilingual {
        return bad(format!("This model knows English only, and was asked for {name} (`{code}`)."), larger);
    }
    Ok(Some(code))
}

fn unknown(asked: &str) -> Failure {
    let names = known().flat_map(|(code, name)| [code, name]);
    let said = match percept::text::nearest(asked, names) {
        Some(near) => format!("Whisper knows no language `{asked}`. Is it `{near}`?"),
        None => format!("Whisper knows no language `{asked}`."),
    };
    let codes: Vec<_> = known().map(|(code, _)| code).collect();
    Failure::new(FailureKind::BadRequest, said).hint(format!("It knows {}.", codes.join(", ")))
}

/// Codes and English names.
fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    (0..=whisper_rs::get_lang_max_id())
        .filter_map(|id| Some((whisper_rs::get_lang_str(id)?, whisper_rs::get_lang_str_full(id)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(language: &str, multilingual: bool) -> Result<Option<&'static str>, Failure> {
        wanted(&SpeechOptions { language: Some(language.to_owned()), ..Default::default() }, multilingual)
    }

    #[test]
    fn codes_and_names_are_known_and_what_is_near_is_named() {
        assert_eq!(asked("DE", true), Ok(Some("de")));
        assert_eq!(asked("german", true), Ok(Some("de")));
        assert_eq!(asked("auto", true), Ok(None));
        assert_eq!(asked("auto", false), Ok(Some("en")));
        let failure = asked("germn", true).unwrap_err();
        assert!(failure.message.contains("`german`"), "{failure}");
        assert!(failure.hint.unwrap().contains("de, "));
        assert!(asked("a\0", true).is_err());
    }

    #[test]
    fn only_what_is_sure_and_long_enough_is_known_for_good() {
        let mut spoken = Spoken::default();
        for (sure, samples) in [(990, ENOUGH - 1), (SURE - 1, 30 * ENOUGH)] {
            assert!(!spoken.detected("cy", sure, samples, false));
            assert!(spoken.code == Some("cy") && !spoken.settled);
        }
        // A blip is decoded for good, but says nothing of what comes after it.
        assert!(spoken.detected("cy", 990, 1, true));
        assert!(!spoken.detected("cy", 990, 1, true), "that is no news");
        assert!(!spoken.settled);
        assert!(spoken.detected("de", SURE, ENOUGH, false));
        assert!(spoken.code == Some("de") && spoken.settled);
        assert!(Spoken::known("de").settled);
    }

    #[test]
    fn a_model_for_english_says_so() {
        assert!(asked("de", false).unwrap_err().message.contains("English only"));
        let translate = SpeechOptions { translate: true, ..Default::default() };
        assert!(wanted(&translate, false).unwrap_err().message.contains("translate"));
    }
}
