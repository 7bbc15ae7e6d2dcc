//! What a word is, by its looks alone.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Longer ones, in bytes, are nothing that is said.
pub(super) const LONGEST: usize = 40;

/// The shortest word that a model would spell wrong.
const SHORTEST: usize = 2;

/// From so many characters on, letters and digits in a jumble are a key or a hash.
const JUMBLE: usize = 10;

/// The shortest that a hash is cut to, in hex digits.
const SHORT_HASH: usize = 6;

/// A kind of word that is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `build-error.png`, `config.toml`
    File,
    /// `snake_case`, `camelCase`, `kebab-case`, `dotted.name`, `qwen3`
    Identifier,
    /// `mmproj`: no English word begins or sounds like this.
    Odd,
    /// `KV`, `VRAM`
    Acronym,
    /// A capitalised word within a sentence.
    Proper,
}

impl Kind {
    /// How useful it is to tell.
    pub(super) fn weight(self) -> f64 {
        match self {
            Self::File => 5.0,
            Self::Identifier => 4.0,
            Self::Odd => 3.0,
            Self::Acronym => 2.0,
            Self::Proper => 1.5,
        }
    }
}

/// What a word is; `None`: nothing that has to be told. `quoted`: it stands as code.
pub(super) fn of(word: &str, quoted: bool) -> Option<Kind> {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    if word.len() > LONGEST || letters < SHORTEST || looks_random(word) {
        return None;
    }
    if let Some((stem, ending)) = word.rsplit_once('.') {
        return dotted(stem, ending);
    }
    if is_compound(word) {
        return Some(Kind::Identifier);
    }
    if word.contains(|c: char| !c.is_alphabetic()) || is_common(word) {
        return None;
    }
    let upper = word.chars().filter(|c| c.is_uppercase()).count();
    match () {
        () if upper == letters && letters <= 5 => Some(Kind::Acronym),
        () if upper == letters => None,
        () if is_odd(word) || (quoted && upper == 0) => Some(Kind::Odd),
        () if upper == 1 && letters > 2 && word.starts_with(char::is_uppercase) => Some(Kind::Proper),
        () => None,
    }
}

/// `build-error.png` and `tokio.sync` are told; `end.Start` of two sentences, `e.g` and
/// `v1.2.3` are not.
fn dotted(stem: &str, ending: &str) -> Option<Kind> {
    let lower = ending.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let named = stem.chars().filter(|c| c.is_alphabetic()).count() >= SHORTEST;
    match lower && named && ending.chars().any(char::is_alphabetic) {
        true if ending.len() <= 5 => Some(Kind::File),
        true => Some(Kind::Identifier),
        false => None,
    }
}

/// Words put together, or letters with digits, that are no English compound.
fn is_compound(word: &str) -> bool {
    if word.contains('_') {
        return true;
    }
    if word.contains('-') {
        // `read-only` and `well-known` are spelt right without being told.
        let parts = || word.split('-');
        let lower = parts().all(|part| part.chars().all(|c| c.is_lowercase() || c.is_ascii_digit()));
        let told = parts().any(|part| is_odd(part) || part.chars().any(|c| c.is_ascii_digit()));
        return lower && parts().all(|part| !part.is_empty()) && (told || !parts().any(is_common));
    }
    let chars: Vec<char> = word.chars().collect();
    let camel = chars.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase());
    let digits = chars.iter().any(char::is_ascii_digit) && chars.iter().all(|c| c.is_alphanumeric());
    camel || (digits && chars[0].is_alphabetic())
}

/// Whether no English word looks like this: how it begins, or no vowel in it.
fn is_odd(word: &str) -> bool {
    const ONSETS: &str = " bl br ch chl chr cl cr dr dw fl fr gh gl gn gr kn kr ph phl phr pl pn pr ps \
        rh sc sch scl scr sh shr sk sl sm sn sp sph spl spr sq st str sv sw th thr thw tr ts tw wh wr ";
    let is_vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    if word.len() < 3 || !word.chars().all(|c| c.is_ascii_lowercase()) {
        return false;
    }
    let onset = &word[..word.find(is_vowel).unwrap_or(word.len())];
    onset.len() == word.len() || (onset.len() > 1 && !ONSETS.contains(&format!(" {onset} ")))
}

/// Hashes, keys, tokens, UUIDs, addresses in memory: any part that is a jumble.
fn looks_random(word: &str) -> bool {
    word.split(|c: char| !c.is_alphanumeric()).any(is_jumble)
        || (word.len() >= 2 * JUMBLE && changes(word, char::is_ascii_digit) > 3)
}

fn is_jumble(part: &str) -> bool {
    let digits = part.chars().filter(char::is_ascii_digit).count();
    let hex = part.chars().all(|c| c.is_ascii_hexdigit());
    if digits > 0 && hex && part.len() >= SHORT_HASH || part.starts_with("0x") {
        return true;
    }
    if part.len() < JUMBLE {
        return digits > 3 && digits * 2 >= part.len();
    }
    let turns = changes(part, char::is_ascii_digit).max(changes(part, char::is_ascii_uppercase) / 2);
    turns > 2 && (digits > 0 || turns * 3 > part.len()) || digits * 3 > part.len()
}

/// How often neighbours differ in being such a character.
fn changes(text: &str, is: impl Fn(&char) -> bool) -> usize {
    let of: Vec<bool> = text.chars().map(|c| is(&c)).collect();
    of.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// What may stand in a word with others, and in a path.
pub(super) fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '\\')
}

/// Of the network or of a person: nothing that is dictated, and not ours to tell.
pub(super) fn is_address(token: &str) -> bool {
    token.contains("://") || token.contains('@') || token.starts_with("www.") || token.contains('=')
}

/// The last part of a path.
pub(super) fn last_part(path: &str) -> &str {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Words that every model spells, though they are written in capitals in logs or titles, or
/// make compounds.
const COMMON: &str = "a about above access across add after again all already also always an and any are as at attempt \
    available back bad based be been before behind below best better between both built but by call can \
    case cause change check clear client close code command complete connect connected connection could \
    current data date day debug default deep deleted did do does done down each eight either else empty \
    end ended error errors even ever every exit fail failed failure false fast fatal few file files find \
    fine first five for found four free from full get given go going good got great had half hard has \
    have he head hello help her here high him his hour how if important in info information input inside \
    instead into is it its january february march april may june july august september october november \
    december just keep kind know last late later least left let like line list little loaded loading \
    local long look low made make many me might mind minute monday more most much must my name near need \
    never new next nine no none not note notice now null of off often ok old on once one only open \
    opened or order other our out output over own page part path place please point post process put \
    quick read ready real received reason rejected request response rest result retry right run running \
    same saturday saw say second see seen self send sent server service set seven severe several she \
    should show side since single six size small so some someone something soon start started starting \
    state status step still stop stopped such sunday sure system take ten test than that the their them \
    then there these they thing think this those three through thursday time timed timeout to today \
    together told too top trace true try trying tuesday two type unable under unknown until up update \
    upon us use used user using value very via wait waiting want warn warning was way we wednesday week \
    well went were what when where whether which while who whole why will with within without word work \
    working world would write wrong year yes yet you your zero delete patch put head options http https";

fn is_common(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.split_whitespace().collect());
    WORDS.contains(word.to_lowercase().as_str())
}
