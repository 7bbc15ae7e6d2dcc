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

/// As many terms of the glossary in its order are the glossary.
const ECHO: usize = 4;

/// Sound is less than what a text says if it is so likely to be none: whisper.cpp's own
/// threshold …
const NO_SPEECH: f32 = 0.6;

/// … or if the text has more letters for each second of it: who talks fast says 20.
const LETTERS_A_SECOND: u64 = 30;

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
/// subtitles have it (`[BLANK_AUDIO]`, `(music)`, `*sighs*`, `♪`).
pub(crate) fn is_note(text: &str) -> bool {
    // What closes each bracket that is open, and whether letters came since it was opened.
    // What closes takes its letters with it; what never does was no note.
    let mut open = vec![(None, false)];
    for character in text.chars() {
        let opened = open.iter().rposition(|(closing, _)| *closing == Some(character));
        match (opened, closing(character), open.last_mut()) {
            (Some(opened), ..) => open.truncate(opened),
            (None, Some(closing), _) => open.push((Some(closing), false)),
            (None, None, Some((_, letters))) => *letters |= character.is_alphanumeric(),
            (None, None, None) => {}
        }
    }
    !open.iter().any(|(_, letters)| *letters)
}

/// What closes a note that begins with a character.
fn closing(opening: char) -> Option<char> {
    match opening {
        '[' => Some(']'),
        '(' => Some(')'),
        '（' => Some('）'),
        '【' => Some('】'),
        '*' => Some('*'),
        _ => None,
    }
}

/// Whether a text does nothing but read terms of the glossary back, in their order; the last
/// one may be cut off.
pub(crate) fn is_echo(text: &str, glossary: &[String]) -> bool {
    let said = keys(text);
    (0..glossary.len()).any(|first| {
        let mut rest = &said[..];
        let mut whole = 0;
        for term in &glossary[first..] {
            let term = keys(term);
            match rest.strip_prefix(&term[..]) {
                Some(after) => (rest, whole) = (after, whole + 1),
                None if term.starts_with(rest) => rest = &[],
                None => return false,
            }
            if rest.is_empty() {
                return whole >= ECHO;
            }
        }
        false
    })
}

fn keys(text: &str) -> Vec<String> {
    text.split_whitespace().map(key).filter(|key| !key.is_empty()).collect()
}

/// Whether sound says less than a text: it is probably no speech, or too short for it.
pub(crate) fn says_little(text: &str, no_speech: f32, length_ms: u64) -> bool {
    let letters = text.chars().filter(|character| character.is_alphanumeric()).count() as u64;
    no_speech >= NO_SPEECH || letters * 1000 > length_ms.saturating_mul(LETTERS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        for said in ["Yes.", "(so) it is", "[x] y", "1", "好", "a * b", "「はい」"] {
            assert!(!is_note(said), "{said}");
        }
    }

    #[test]
    fn a_bracket_that_never_closes_hides_nothing() {
        for said in ["(so it is", "* buy milk", "[x y", "(a [b) c", "so (it is", "[laughs] (yes", "x) y"] {
            assert!(!is_note(said), "{said}");
        }
        assert!(is_note("[a *b]"));
    }

    proptest! {
        #[test]
        fn what_a_note_has_around_it_decides(before in "[a* \\[(]{0,6}", after in "[a* \\])]{0,6}") {
            // With nothing that closes, or nothing that opens, letters are what was said.
            prop_assume!(!before.contains('*') && !after.contains('*'));
            prop_assert_eq!(is_note(&before), !before.contains('a'));
            prop_assert_eq!(is_note(&after), !after.contains('a'));
            let note = format!("[{}]", "a".repeat(before.len()));
            prop_assert_eq!(is_note(&format!("{before} {note}")), is_note(&before));
        }
    }

    #[test]
    fn the_glossary_read_back_is_an_echo() {
        let terms = ["Glossary", "percept-llama", "mmproj", "Senior Software Engineer", "nginx.conf"];
        let glossary = terms.map(str::to_owned);
        assert!(is_echo("Percept-llama, mmproj, senior software engineer, nginx.conf.", &glossary));
        assert!(is_echo(
            "Glossary: a, b, c, Senior",
            &["Glossary", "a", "b", "c", "Senior Engineer"].map(str::to_owned)
        ));
        assert!(is_echo("Glossary: percept-llama, mmproj, Senior Software Engineer", &glossary));
        for said in [
            "",
            "Glossary: percept-llama, mmproj, Senior",
            "Senior Software Engineer",
            "percept-llama, mmproj, Senior Software Engineer",
            "mmproj, nginx.conf",
            "percept-llama reads the mmproj of a Senior Software Engineer",
        ] {
            assert!(!is_echo(said, &glossary), "{said}");
        }
    }

    #[test]
    fn sound_that_is_short_or_no_speech_says_little() {
        let text = "percept-llama, mmproj, nginx.conf, tokio";
        assert!(!says_little(text, 0.1, 3_000));
        assert!(says_little(text, 0.1, 1_000));
        assert!(says_little(text, 0.7, 3_000));
    }
}
