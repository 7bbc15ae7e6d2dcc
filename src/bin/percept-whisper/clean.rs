//! Against invention: what Whisper says where nothing was said.
//!
//! Pure functions on text. That silence isn't decoded at all is the business of `vad`; what
//! is left here are loops, notes on noise, and a prompt that is read back.

use crate::words::Spelt;

/// The longest loop that is looked for, in words.
const LONGEST_LOOP: usize = 16;

/// How often words must come in a row to be a loop: people do say a thing three times.
const LOOPS: usize = 4;

/// The same for one word alone: "no, no, no, no, no".
const LOOPS_OF_ONE: usize = 6;

/// As many words of the glossary in its order are the glossary.
const ECHO: usize = 3;

/// Cuts words that come again and again down to once.
pub(crate) fn without_loops(words: Vec<Spelt>) -> Vec<Spelt> {
    let keys: Vec<String> = words.iter().map(|word| key(&word.text)).collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (length, times) = longest_loop(&keys[at..]);
        kept.extend_from_slice(&words[at..at + length]);
        at += length * times;
    }
    kept
}

/// The words that the text begins with again and again, and how often; 1 of 1 if none.
fn longest_loop(keys: &[String]) -> (usize, usize) {
    (1..=LONGEST_LOOP.min(keys.len()))
        .filter_map(|length| {
            let pattern = &keys[..length];
            let times = keys.chunks(length).take_while(|chunk| *chunk == pattern).count();
            let enough = if length == 1 { LOOPS_OF_ONE } else { LOOPS };
            (times >= enough).then_some((length, times))
        })
        .next()
        .unwrap_or((1, 1))
}

/// Letters and digits alone: punctuation and case change within a loop.
fn key(text: &str) -> String {
    let bare: String = text.chars().filter(|character| character.is_alphanumeric()).collect();
    match bare.is_empty() {
        true => text.trim().to_owned(),
        false => bare.to_lowercase(),
    }
}

/// Whether a text is none that was said: nothing, punctuation, or a note in brackets as
/// subtitles have it ("[BLANK_AUDIO]", "(music)", "*sighs*", "♪").
pub(crate) fn is_note(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut starred = false;
    !text.chars().any(|character| {
        match character {
            '[' | '(' | '（' | '【' | '「' | '『' => depth += 1,
            ']' | ')' | '）' | '】' | '」' | '』' => depth = depth.saturating_sub(1),
            '*' => starred = !starred,
            _ => {}
        }
        depth == 0 && !starred && character.is_alphanumeric()
    })
}

/// Whether a text does nothing but read the glossary back.
pub(crate) fn is_echo(text: &str, glossary: &str) -> bool {
    let keys =
        |text: &str| text.split_whitespace().map(key).filter(|key| !key.is_empty()).collect::<Vec<_>>();
    let (said, told) = (keys(text), keys(glossary));
    said.len() >= ECHO && told.windows(said.len()).any(|window| window == said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Piece;

    fn cut(text: &str) -> String {
        let word = |text: &str| Spelt { pieces: Vec::<Piece>::new(), text: format!(" {text}") };
        let words = without_loops(text.split(' ').map(word).collect());
        words.iter().map(|word| word.text.as_str()).collect::<String>().trim().to_owned()
    }

    #[test]
    fn loops_are_cut_to_one() {
        assert_eq!(
            cut("so I said you know, you know, You know you know. and left"),
            "so I said you know, and left"
        );
        assert_eq!(cut("a b c a b c a b c a b c a b"), "a b c a b");
        assert_eq!(cut("no no no no no no no"), "no");
    }

    #[test]
    fn what_people_say_stays() {
        for said in ["no, no, no, no, no", "bye bye bye", "I do, I do, I do.", "to be or not to be"] {
            assert_eq!(cut(said), said);
        }
    }

    #[test]
    fn notes_are_no_speech() {
        for note in
            ["", " ...", "[BLANK_AUDIO]", "(upbeat music)", "*sighs* ♪", "[ Silence ] (music)", "【拍手】"]
        {
            assert!(is_note(note), "{note}");
        }
        for said in ["Yes.", "(so) it is", "[x] y", "1", "好", "a * b"] {
            assert!(!is_note(said), "{said}");
        }
    }

    #[test]
    fn the_glossary_read_back_is_an_echo() {
        let glossary = "Glossary: percept-llama, mmproj, nginx.conf, tokio.";
        assert!(is_echo("percept-llama, mmproj, nginx.conf", glossary));
        assert!(!is_echo("mmproj, nginx.conf", glossary));
        assert!(!is_echo("percept-llama reads the mmproj", glossary));
    }
}
