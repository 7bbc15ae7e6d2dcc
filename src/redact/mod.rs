//! Secrets become placeholders before a text leaves this machine: `<secret:1>`, `<email:1>`,
//! `<card:1>`, and if asked for `<ip:1>` and `<user:1>`.
//!
//! The same value has the same number as long as a [`Redactor`] lives, so that a text still
//! makes sense. It goes line by line and never adds or takes a line: a cited line number
//! stays right. What was redacted once is not changed by redacting it again.
//!
//! It goes by form and by what stands before a value, not by how random a word
//! looks: a hash, an id or a picture in base64 stays. So it can't promise to find all, and
//! `docs/redaction.md` says what it misses. It keeps no value that it found, only hashes.

mod card;
mod check;
mod digits;
mod json;
mod keyblock;
mod pair;
mod person;
mod rules;
#[cfg(test)]
mod tests;
mod tokens;
mod web;

pub use json::json;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use keyblock::KeyBlock;

/// So many values get a number of their own; later ones share the number 0. Bounds what a
/// redactor of an endless stream keeps (about 40 bytes a value).
const MOST_VALUES: usize = 1 << 20;

/// A line is looked at again after a replacement, since one may uncover another; each look
/// leaves less to find, and more than a few are never needed.
const MOST_LOOKS: usize = 8;

/// What is found beyond secrets, e-mail addresses and card numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// IP addresses, but for those that every machine has (`127.0.0.1`, `::1`).
    pub ips: bool,
    /// Names of users, where it is said that they are: `user=bob`, `/home/bob/`.
    pub users: bool,
}

/// What a value was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Secret,
    Email,
    Card,
    Ip,
    User,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Secret, Self::Email, Self::Card, Self::Ip, Self::User];

    fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Email => "email",
            Self::Card => "card",
            Self::Ip => "ip",
            Self::User => "user",
        }
    }
}

/// How much of a kind was replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How many different values.
    pub values: u64,
    /// In how many places.
    pub places: u64,
}

/// What was replaced so far, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Keys, tokens, passwords, cookies; a private key is a place for each of its lines.
    pub secrets: Count,
    /// E-mail addresses.
    pub emails: Count,
    /// Card numbers.
    pub cards: Count,
    /// IP addresses.
    pub ips: Count,
    /// Names of users.
    pub users: Count,
}

impl Found {
    /// All places.
    pub fn places(&self) -> u64 {
        [self.secrets, self.emails, self.cards, self.ips, self.users].iter().map(|count| count.places).sum()
    }
}

impl fmt::Display for Found {
    /// `3 secrets in 7 places, 1 e-mail address in 1 place`, or `nothing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.secrets, "secret", "secrets"),
            (self.emails, "e-mail address", "e-mail addresses"),
            (self.cards, "card number", "card numbers"),
            (self.ips, "IP address", "IP addresses"),
            (self.users, "user name", "user names"),
        ];
        let said: Vec<String> = words
            .iter()
            .filter(|(count, ..)| count.places > 0)
            .map(|(count, one, many)| {
                let what = if count.values == 1 { one } else { many };
                let places = if count.places == 1 { "place" } else { "places" };
                format!("{} {what} in {} {places}", count.values, count.places)
            })
            .collect();
        f.write_str(if said.is_empty() { "nothing" } else { "" })?;
        f.write_str(&said.join(", "))
    }
}

/// A stretch of a line that is to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hit {
    kind: Kind,
    at: Range<usize>,
}

impl Hit {
    fn secret(at: Range<usize>) -> Self {
        Self { kind: Kind::Secret, at }
    }
}

/// Where a text is that comes line by line: within a private key, or not.
#[derive(Debug, Default)]
pub struct Stream {
    block: Option<KeyBlock>,
}

/// Replaces secrets, and knows which number each has.
pub struct Redactor {
    options: Options,
    /// The number of each value, by its kind and hash: the values themselves are not kept.
    numbers: HashMap<(Kind, [u8; 16]), u64>,
    counts: [Count; 5],
}

/// Says how much it found and nothing of what.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("options", &self.options).field("found", &self.found()).finish()
    }
}

impl Redactor {
    /// One that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        Self { options, numbers: HashMap::new(), counts: Default::default() }
    }

    /// What was replaced so far.
    pub fn found(&self) -> Found {
        let [secrets, emails, cards, ips, users] = self.counts;
        Found { secrets, emails, cards, ips, users }
    }

    /// Replaces what is found in a whole text.
    pub fn redact<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut copied = 0;
        let mut stream = Stream::default();
        for tail in keyblock::tails(text) {
            self.stretch(text, &mut copied, tail.start, &mut stream, &mut out);
            let number = self.number_of(&keyblock::identity(&text[tail.clone()]));
            out.push_str(&text[copied..tail.start]);
            stream.block = None;
            for line in text[tail.clone()].split_inclusive('\n') {
                out.push_str(&self.settled(Cow::Owned(keyblock::tail_line(line, &number))));
                self.counts[0].places += 1;
            }
            copied = tail.end;
        }
        self.stretch(text, &mut copied, text.len(), &mut stream, &mut out);
        match copied {
            0 => Cow::Borrowed(text),
            _ => {
                out.push_str(&text[copied..]);
                Cow::Owned(out)
            }
        }
    }

    /// Replaces what is found in the lines from `copied` to `end`; what is behind the last
    /// line that changed is left to be copied.
    fn stretch(&mut self, text: &str, copied: &mut usize, end: usize, stream: &mut Stream, out: &mut String) {
        let mut at = *copied;
        let mut ahead = rules::Ahead::default();
        while at < end {
            // Within a key every line counts; else only those where something may be.
            if stream.block.is_none() {
                let Some(next) = ahead.next(&text[..end], at, self.options) else { return };
                at = text[at..next].rfind('\n').map_or(at, |newline| at + newline + 1);
            }
            let line_end = memchr::memchr(b'\n', &text.as_bytes()[at..end]).map_or(end, |to| at + to + 1);
            if let Cow::Owned(line) = self.line_before(stream, &text[at..line_end], &text[line_end..end]) {
                out.push_str(&text[*copied..at]);
                out.push_str(&line);
                *copied = line_end;
            }
            at = line_end;
        }
    }

    /// Replaces what is found in the next line of a text, with its line break or without.
    /// A private key that spans lines gets a new number each time: what follows is not known.
    pub fn line<'a>(&mut self, stream: &mut Stream, line: &'a str) -> Cow<'a, str> {
        self.line_before(stream, line, "")
    }

    /// The same, with what follows, by which a private key is known again.
    fn line_before<'a>(&mut self, stream: &mut Stream, line: &'a str, rest: &str) -> Cow<'a, str> {
        let within = stream.block.take().and_then(|block| block.next(line));
        let within = within.or_else(|| keyblock::begin(line, rest, |from| self.number_of_key(from, rest)));
        let Some(within) = within else { return self.settled(Cow::Borrowed(line)) };
        stream.block = within.then;
        self.counts[0].places += u64::from(within.line != line);
        self.settled(Cow::Owned(within.line))
    }

    fn number_of_key(&mut self, from: &str, rest: &str) -> String {
        match keyblock::whole(from, rest) {
            Some(key) => self.number_of(&keyblock::identity(&key)),
            // A hash that no value has.
            None => self.number_of(format!("unknown key {}", self.counts[0].values).as_bytes()),
        }
    }

    fn number_of(&mut self, value: &[u8]) -> String {
        self.placeholder(Kind::Secret, value)
    }

    /// Replaces until nothing is found any more.
    fn settled<'a>(&mut self, mut line: Cow<'a, str>) -> Cow<'a, str> {
        for _ in 0..MOST_LOOKS {
            let hits = rules::hits(&line, self.options);
            if hits.is_empty() {
                break;
            }
            line = Cow::Owned(self.replace(&line, &hits));
        }
        line
    }

    fn replace(&mut self, line: &str, hits: &[Hit]) -> String {
        let mut out = String::with_capacity(line.len());
        let mut copied = 0;
        for hit in hits {
            let placeholder = self.placeholder(hit.kind, line[hit.at.clone()].as_bytes());
            self.counts[hit.kind as usize].places += 1;
            out.push_str(&line[copied..hit.at.start]);
            out.push_str(&placeholder);
            copied = hit.at.end;
        }
        out.push_str(&line[copied..]);
        out
    }

    fn placeholder(&mut self, kind: Kind, value: &[u8]) -> String {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(value).as_bytes()[..16]);
        let count = &mut self.counts[kind as usize];
        let full = self.numbers.len() >= MOST_VALUES;
        let number = match self.numbers.get(&(kind, short)) {
            Some(number) => *number,
            None if full => 0,
            None => {
                count.values += 1;
                self.numbers.insert((kind, short), count.values);
                count.values
            }
        };
        format!("<{}:{number}>", kind.word())
    }
}
