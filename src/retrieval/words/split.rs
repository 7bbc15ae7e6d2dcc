//! Where words begin and end, also within identifiers, paths and scripts without blanks.

/// A run that is longer than this in bytes is no word: base64, a minified line. Nothing of it
/// is indexed.
const MOST_RUN: usize = 512;

/// A word or identifier that is longer than this in bytes isn't.
const MOST_WORD: usize = 128;

/// What a text is made of, for the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A word, or a part of an identifier: its ending may be cut.
    Word(&'a str),
    /// An identifier, number, path, code: as it is.
    Whole(&'a str),
    /// Text in a script that has no blanks between words, or is glued together from syllables.
    Glued(&'a str),
}

/// What a character does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Letters, digits, and the marks that belong to them.
    Letter,
    /// Han, kana, Hangul, Thai and its like.
    Glued,
    /// Joins an identifier: `_`, `-`, `.` and `+`.
    Joint,
    /// Joins identifiers: `/`, `:`, `@`, `#`.
    Seam,
    /// Joins letters that are cut off a word: `don't`, `l'eau`.
    Apostrophe,
    /// Anything else.
    Gap,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Class::Letter,
        '_' | '-' | '.' | '+' => Class::Joint,
        '/' | ':' | '@' | '#' => Class::Seam,
        '\'' | '\u{2019}' => Class::Apostrophe,
        '\0'..='\x7f' => Class::Gap,
        c if is_glued(c) => Class::Glued,
        c if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) => Class::Letter,
        _ => Class::Gap,
    }
}

/// Scripts whose words aren't parted by blanks, and Korean, whose words carry their particles.
fn is_glued(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1100}'..='\u{11ff}' // Hangul jamo
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
        && (c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c))
}

/// Gives the pieces of a text, in its order.
pub(super) fn pieces<'a>(text: &'a str, give: &mut impl FnMut(Piece<'a>)) {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let length = match class(c) {
            Class::Letter => {
                let run = take(&text[at..], |class| {
                    matches!(class, Class::Letter | Class::Joint | Class::Seam | Class::Apostrophe)
                });
                if run.len() <= MOST_RUN {
                    of_run(run, give);
                }
                run.len()
            }
            Class::Glued => {
                let run = take(&text[at..], |class| class == Class::Glued);
                give(Piece::Glued(run));
                run.len()
            }
            _ => c.len_utf8(),
        };
        at += length;
    }
}

/// The beginning of a text whose characters are all of such classes.
fn take(text: &str, goes_on: impl Fn(Class) -> bool) -> &str {
    let end = text.char_indices().find(|(_, c)| !goes_on(class(*c)));
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The pieces of letters and what joins them: whole, by its seams, by its joints.
fn of_run<'a>(run: &'a str, give: &mut impl FnMut(Piece<'a>)) {
    for part in run.split(['\'', '\u{2019}']) {
        // The `s` of `Prandtl's`, the `l` of `l'eau`.
        if part.len() == 1 && part.len() < run.len() {
            continue;
        }
        let part = trim(part);
        if part.ends_with('#') {
            whole(part, give);
            continue;
        }
        let mut seams = part.split(|c| class(c) == Class::Seam).filter(|segment| !segment.is_empty());
        if let (Some(_), Some(_)) = (seams.next(), seams.next()) {
            whole(part, give);
        }
        for segment in part.split(|c| class(c) == Class::Seam) {
            of_segment(trim(segment), give);
        }
    }
}

/// Without what joins nothing; but `c++`, `c#` and `f#` are names.
fn trim(text: &str) -> &str {
    let text = text.trim_start_matches(|c| class(c) != Class::Letter);
    let bare = text.trim_end_matches(|c| class(c) != Class::Letter);
    match &text[bare.len()..] {
        "++" | "#" if bare.len() == 1 => text,
        _ => bare,
    }
}

fn of_segment<'a>(segment: &'a str, give: &mut impl FnMut(Piece<'a>)) {
    if segment.is_empty() || segment.len() > MOST_WORD {
        return;
    }
    if segment.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return give(Piece::Word(segment));
    }
    let mut parts = parts(segment);
    let first = parts.next();
    match (first, parts.next()) {
        (Some(only), None) if only.len() == segment.len() => give(Piece::Word(segment)),
        _ => {
            whole(segment, give);
            // A single letter or digit of an identifier says nothing.
            for part in self::parts(segment).filter(|part| part.chars().nth(1).is_some()) {
                give(Piece::Word(part));
            }
        }
    }
}

fn whole<'a>(text: &'a str, give: &mut impl FnMut(Piece<'a>)) {
    if text.len() > MOST_WORD {
        return;
    }
    match text.chars().all(char::is_alphabetic) {
        // `HashMaps` is looked for as `hashmap`, too.
        true => give(Piece::Word(text)),
        false => give(Piece::Whole(text)),
    }
}

/// An identifier cut at its joints, where a capital begins a word, and between letters and digits.
fn parts(identifier: &str) -> impl Iterator<Item = &str> {
    identifier.split(|c| class(c) != Class::Letter).filter(|part| !part.is_empty()).flat_map(humps)
}

fn humps(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = rest.split_at(hump(rest));
        rest = after;
        Some(part)
    })
}

/// How long the first word of `camelCase`, `HTTPServer` or `utf8` is, in bytes.
fn hump(text: &str) -> usize {
    let mut before: Option<char> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if let Some(last) = before {
            let next = characters.peek().map(|(_, next)| *next);
            let begins = c.is_uppercase()
                && (last.is_lowercase() || last.is_uppercase() && next.is_some_and(char::is_lowercase));
            if begins || last.is_numeric() != c.is_numeric() {
                return at;
            }
        }
        before = Some(c);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut all = Vec::new();
        pieces(text, &mut |piece| {
            all.push(match piece {
                Piece::Word(word) => word.to_owned(),
                Piece::Whole(word) => format!("={word}"),
                Piece::Glued(word) => format!("~{word}"),
            });
        });
        all.join(" ")
    }

    #[test]
    fn identifiers_are_kept_whole_and_split() {
        assert_eq!(shown("a snake_case, camelCase."), "a =snake_case snake case camelCase camel Case");
        assert_eq!(
            shown("HTTPServer utf8 kebab-case"),
            "HTTPServer HTTP Server =utf8 utf =kebab-case kebab case"
        );
        assert_eq!(
            shown("see src/text/store.rs:40!"),
            "see =src/text/store.rs:40 src text =store.rs store rs =40 40".replace(" =40", "")
        );
        assert_eq!(
            shown("std::collections::HashMap"),
            "=std::collections::HashMap std collections HashMap Hash Map"
        );
        assert_eq!(shown("__init__ --mode #[derive(Debug)]"), "init mode derive Debug");
    }

    #[test]
    fn numbers_and_codes_are_findable() {
        assert_eq!(shown("error[E0382]"), "error =E0382 0382");
        assert_eq!(shown("0x80070005"), "=0x80070005 80070005");
        assert_eq!(shown("192.168.0.1:8080"), "=192.168.0.1:8080 =192.168.0.1 192 168 8080");
        assert_eq!(shown("C++ and C# in 1,000"), "=C++ and =C# in 1 000");
    }

    #[test]
    fn apostrophes_part_what_is_cut_off() {
        assert_eq!(shown("Prandtl's l'eau don’t 'quoted' x"), "Prandtl eau don quoted x");
    }

    #[test]
    fn scripts_without_blanks_stay_together() {
        assert_eq!(shown("東京タワーのnginxを"), "~東京タワーの nginx ~を");
        assert_eq!(shown("한국어 문서"), "~한국어 ~문서");
    }

    #[test]
    fn what_is_no_word_is_left_out() {
        assert_eq!(shown(&"Ab3".repeat(1 << 16)), "");
        assert_eq!(shown("…—()\u{0}\t"), "");
    }
}
