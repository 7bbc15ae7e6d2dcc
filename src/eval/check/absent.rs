//! Whether an answer says that what was asked for isn't there.
//!
//! A "not" alone doesn't say it: "Permission not granted" is what a picture may read. What is
//! negated must be that the thing is there, in one of these forms, whole words, outside of quotes:
//!
//! - the answer begins with "no", "none" or "nothing", and not with a known message ([`MESSAGES`])
//! - "there is|are|was|were no|not|none|nothing"
//! - "no|none|nothing … is|are|… shown|visible|…" ([`THERE`]) or "… in the picture" ([`SCENES`])
//! - "not shown|visible|…", "not in the picture"
//! - "does|did not show|contain|…" ([`SHOWS`]); "do not …" and "does not have" only of the picture
//! - "the picture has|contains|… no", "I|we see|find|… no"
//! - "this is a …, not a …"
//! - "cannot see"; "I|we do not see|find|…", "I am unable to find"
//! - "absent"
//!
//! "n't" is "not". In more than [`MOST_WORDS`] words something else is told.

use super::super::tokens::{folded, is_word};

/// The most words of an answer that says just this.
const MOST_WORDS: usize = 40;

/// How many words may stand between "no" and what it denies.
const GAP: usize = 8;

/// Messages of programs that begin with "no": read out, not said.
const MESSAGES: [&str; 12] = [
    "no such file",
    "no such process",
    "no such device",
    "no such host",
    "no space left",
    "no route to host",
    "no rule to make",
    "no module named",
    "no child processes",
    "no medium found",
    "no match for",
    "no data available",
];

const NEGATIONS: [&str; 4] = ["no", "not", "none", "nothing"];
const BE: [&str; 6] = ["is", "are", "was", "were", "be", "being"];
const PERSONS: [&str; 3] = ["i", "we", "you"];
const FINDS: [&str; 7] = ["see", "find", "identify", "locate", "spot", "detect", "determine"];

/// Being there.
const THERE: [&str; 12] = [
    "shown",
    "visible",
    "present",
    "displayed",
    "seen",
    "depicted",
    "pictured",
    "there",
    "listed",
    "included",
    "mentioned",
    "apparent",
];

/// Being told, which counts in a picture alone: "argument not provided" is a message.
const TOLD: [&str; 4] = ["specified", "provided", "given", "stated"];

/// What a picture does with what is in it.
const SHOWS: [&str; 11] = [
    "show", "contain", "include", "display", "depict", "feature", "appear", "seem", "mention", "list",
    "provide",
];

/// What a thing isn't in.
const SCENES: [&str; 24] = [
    "picture",
    "pictures",
    "image",
    "images",
    "screenshot",
    "screenshots",
    "screen",
    "photo",
    "photos",
    "window",
    "dialog",
    "terminal",
    "table",
    "chart",
    "page",
    "list",
    "text",
    "log",
    "code",
    "document",
    "figure",
    "view",
    "interface",
    "menu",
];

/// May stand between "not" and what it denies.
const BETWEEN: [&str; 9] =
    ["actually", "currently", "explicitly", "directly", "anywhere", "be", "being", "even", "any"];

/// Whether an answer says that it isn't there.
pub(in crate::eval) fn says_absent(answer: &str) -> bool {
    let answer = folded(answer);
    if answer.split(' ').count() > MOST_WORDS || MESSAGES.iter().any(|message| answer.starts_with(message)) {
        return false;
    }
    let words = words(&unquoted(&answer));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(words.first(), Some(&("no" | "none" | "nothing")))
        || (0..words.len()).any(|at| denies(&words[..at], &words[at..]))
}

/// The answer without what it quotes.
fn unquoted(answer: &str) -> String {
    let mut out = String::new();
    let mut rest = answer;
    while let Some((at, quote)) = rest.char_indices().find(|(_, c)| matches!(c, '"' | '`' | '\'' | '«')) {
        let opens = quote != '\'' || !rest[..at].chars().next_back().is_some_and(is_word);
        let inside = &rest[at + quote.len_utf8()..];
        out.push_str(&rest[..at]);
        match closing(inside, quote).filter(|_| opens) {
            Some(end) => {
                // What was quoted is still something: "no "x" is shown".
                out.push_str(" _ ");
                rest = &inside[end..];
            }
            None => {
                out.push(if quote == '\'' { quote } else { ' ' });
                rest = inside;
            }
        }
    }
    out + rest
}

/// The end of what is quoted, behind its last quote.
fn closing(inside: &str, quote: char) -> Option<usize> {
    let last = if quote == '«' { '»' } else { quote };
    let ends = |at: usize| quote != '\'' || !inside[at + 1..].chars().next().is_some_and(is_word);
    let (at, last) = inside.char_indices().find(|(at, c)| *c == last && ends(*at))?;
    Some(at + last.len_utf8())
}

/// The words, each "n't" as a "not" of its own.
fn words(answer: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in answer.split(|c| !is_word(c) && c != '\'') {
        let word = word.trim_matches('\'');
        match word {
            "" => {}
            "cannot" | "can't" | "cant" => words.extend(["can".into(), "not".into()]),
            "i'm" => words.extend(["i".into(), "am".into()]),
            "isnt" | "arent" | "doesnt" | "dont" => {
                words.extend([word[..word.len() - 2].to_owned(), "not".into()]);
            }
            _ => match (word.strip_suffix("n't"), word.strip_suffix("'s")) {
                (Some(stem), _) => words.extend([stem.to_owned(), "not".into()]),
                (None, Some(stem @ ("there" | "it" | "that"))) => {
                    words.extend([stem.to_owned(), "is".into()])
                }
                _ => words.push(word.to_owned()),
            },
        }
    }
    words
}

/// Whether being there is denied from here on.
fn denies(before: &[&str], words: &[&str]) -> bool {
    match words {
        ["there", be, negation, ..] if BE.contains(be) && NEGATIONS.contains(negation) => true,
        ["no" | "none" | "nothing", rest @ ..] => {
            has_no(before)
                || (0..rest.len().min(GAP)).any(|at| {
                    rest[at] == "appears"
                        || rest[at] == "appear"
                        || BE.contains(&rest[at]) && is_there(&rest[at + 1..])
                })
        }
        ["not", "a" | "an", ..] => matches!(before, ["this" | "that" | "it", "is", "a" | "an", ..]),
        ["not", rest @ ..] => is_there(rest) || does_not(before, rest),
        ["unable", "to", find, ..] => FINDS.contains(find) && near(before, &PERSONS),
        ["absent", ..] => true,
        _ => false,
    }
}

/// Whether a text goes on with being there: "visible", "in the picture".
fn is_there(words: &[&str]) -> bool {
    let words = behind_adverbs(words);
    match words {
        [there, ..] if THERE.contains(there) => true,
        [told, rest @ ..] if TOLD.contains(told) => is_there(rest),
        ["in" | "on", "the" | "this" | "that" | "these" | "any" | "either" | "your", rest @ ..] => {
            rest.iter().take(3).any(|word| SCENES.contains(word))
        }
        _ => false,
    }
}

/// Whether what stands before "no" has or finds nothing: "the picture shows", "I see".
fn has_no(before: &[&str]) -> bool {
    let Some((verb, before)) = before.split_last() else { return false };
    let stem = verb.strip_suffix('s').unwrap_or(verb);
    let has = matches!(*verb, "has" | "have") || SHOWS.contains(&stem);
    has && near(before, &SCENES) || FINDS.contains(verb) && near(before, &PERSONS)
}

/// Whether a text goes on, behind "not", with what would show it or see it.
fn does_not(before: &[&str], words: &[&str]) -> bool {
    let Some(verb) = behind_adverbs(words).first() else { return false };
    match before.last() {
        Some(&("does" | "did")) if SHOWS.contains(verb) => true,
        Some(&("does" | "do" | "did")) if SHOWS.contains(verb) || *verb == "have" => near(before, &SCENES),
        Some(&"can") if *verb == "see" => true,
        _ => FINDS.contains(verb) && near(before, &PERSONS),
    }
}

fn behind_adverbs<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let adverbs = words.iter().take_while(|word| BETWEEN.contains(word)).count();
    &words[adverbs..]
}

/// Whether one of some words stands shortly before.
fn near(before: &[&str], some: &[&str]) -> bool {
    before.iter().rev().take(4).any(|word| some.contains(word))
}
