//! The language of a request: one that is known, or one to be found out.

use percept::wire::{Failure, FailureKind, SpeechOptions};

const ENGLISH: &str = "en";

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
        return Ok((!multilingual).then(|| ENGLISH));
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
    fn a_model_for_english_says_so() {
        assert!(asked("de", false).unwrap_err().message.contains("English only"));
        let translate = SpeechOptions { translate: true, ..Default::default() };
        assert!(wanted(&translate, false).unwrap_err().message.contains("translate"));
    }
}
