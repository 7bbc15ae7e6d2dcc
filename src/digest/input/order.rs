//! Which logs are one log that was rotated, and in which order its pieces were written,
//! as their names tell.
//!
//! Times of modification are not asked: copying a folder changes them. A number alone
//! counts back (`.2` is older than `.1`), as logrotate has it; a date and the numbers
//! after it count on. Numbers that could be part of the name (`worker-1.log`,
//! `python3.11.log`, a pod's `0.log`) make no set.

use std::cmp::{Ordering, Reverse};

/// The endings of packed files, which say nothing about the order.
const PACKED: [&str; 14] = [
    ".gz", ".gzip", ".zst", ".zstd", ".xz", ".lzma", ".bz2", ".bzip2", ".tar", ".tgz", ".tzst", ".txz",
    ".tbz2", ".tbz",
];

/// What is put behind the name of the piece before the current one.
const PREVIOUS: [&str; 8] = [".old", ".prev", ".previous", ".bak", ".backup", ".orig", ".save", "~"];

/// The longest ending that a date or number may stand in front of, as in `app.1.log`.
const LONGEST_ENDING: usize = 10;

/// The most digits of a number that counts pieces; more are something else.
const MOST_DIGITS: usize = 6;

/// When a piece was written, among its set's pieces; the smaller is the older.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Age {
    /// A date, then whatever numbers follow it.
    Dated(Vec<u64>),
    /// The highest is the oldest.
    Numbered(Reverse<u64>),
    Current,
}

/// A file name taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rotated {
    /// What the names of the set have in common.
    pub(super) base: String,
    pub(super) age: Age,
    /// Marked as the one before (`.old`): `false` sorts after it.
    pub(super) later: bool,
}

/// Takes a file name apart.
pub(super) fn rotated(name: &str) -> Rotated {
    let mut rest = unpacked(name);
    let previous = PREVIOUS.iter().find_map(|ending| strip(rest, ending)).filter(|rest| !rest.is_empty());
    rest = previous.map_or(rest, unpacked);
    let (base, age) =
        dated(rest).or_else(|| numbered(rest)).unwrap_or_else(|| (rest.to_owned(), Age::Current));
    Rotated { base, age, later: previous.is_none() }
}

/// The name without the endings of packing.
fn unpacked(name: &str) -> &str {
    let mut rest = name;
    while let Some(shorter) =
        PACKED.iter().find_map(|ending| strip(rest, ending)).filter(|rest| !rest.is_empty())
    {
        rest = shorter;
    }
    rest
}

fn strip<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len())?;
    let found = name.get(at..)?;
    found.eq_ignore_ascii_case(ending).then(|| &name[..at])
}

/// The name with none, one and two endings cut off, each with what was cut.
fn stems(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut next = Some(name);
    std::iter::from_fn(move || {
        let stem = next?;
        next = stem.rsplit_once('.').and_then(|(shorter, ending)| {
            let word = !ending.is_empty()
                && ending.len() <= LONGEST_ENDING
                && ending.bytes().all(|byte| byte.is_ascii_alphabetic());
            word.then_some(shorter)
        });
        Some((stem, &name[stem.len()..]))
    })
    .take(3)
}

/// `app.log.3`, `app.3.log`.
fn numbered(name: &str) -> Option<(String, Age)> {
    stems(name).take(2).find_map(|(stem, ending)| {
        let (base, number) = stem.rsplit_once('.')?;
        let counts = !number.is_empty()
            && number.len() <= MOST_DIGITS
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && base.bytes().next_back().is_some_and(|byte| !byte.is_ascii_digit());
        counts.then_some(())?;
        Some((format!("{base}{ending}"), Age::Numbered(Reverse(number.parse().ok()?))))
    })
}

/// `app.log-20240131`, `app-2024-01-31-1.log`, `2024-01-31.app.log`.
fn dated(name: &str) -> Option<(String, Age)> {
    let behind = stems(name).find_map(|(stem, ending)| {
        (0..stem.len()).filter(|&at| may_begin(stem, at)).find_map(|at| {
            let (numbers, taken) = date(&stem.as_bytes()[at..])?;
            (at + taken == stem.len()).then_some(())?;
            let base = stem[..at].trim_end_matches(['-', '_', '.']);
            let base =
                format!("{base}{}", if base.is_empty() { &ending[1.min(ending.len())..] } else { ending });
            Some((base, Age::Dated(numbers)))
        })
    });
    behind.or_else(|| {
        let (numbers, taken) = date(name.as_bytes())?;
        let base = name[taken..].strip_prefix(['-', '_', '.'])?;
        Some((base.to_owned(), Age::Dated(numbers)))
    })
}

/// Whether a date may begin here: not within a number.
fn may_begin(name: &str, at: usize) -> bool {
    let bytes = name.as_bytes();
    bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit())
}

/// A date at the start, with the time or the count that follows it, and its length.
fn date(text: &[u8]) -> Option<(Vec<u64>, usize)> {
    let run = digits(text);
    let (mut numbers, mut at) = match run {
        4 => apart(text)?,
        6 | 8 | 10 | 12 | 14 => (compact(&text[..run])?, run),
        13 => (epoch(number(&text[..10]), number(&text[10..13]))?, run),
        _ => return None,
    };
    loop {
        let between = text[at..].iter().take_while(|byte| b"-_.T:+ ".contains(byte)).count();
        let run = digits(&text[at + between..]);
        if run == 0 || between > 2 {
            break;
        }
        // Twenty digits are no number of anything here.
        numbers.push(number(&text[at + between..at + between + run.min(18)]));
        at += between + run;
    }
    if text.get(at) == Some(&b'Z') {
        at += 1;
    }
    Some((numbers, at))
}

/// `2024-01-31`, `2024_01_31`, `2024.01.31` or a month alone.
fn apart(text: &[u8]) -> Option<(Vec<u64>, usize)> {
    let separator = *text.get(4).filter(|byte| b"-_.".contains(byte))?;
    (digits(&text[5..]) == 2).then_some(())?;
    let mut numbers = vec![number(&text[..4]), number(&text[5..7])];
    let mut at = 7;
    if text.get(7) == Some(&separator) && digits(&text[8..]) == 2 {
        numbers.push(number(&text[8..10]));
        at = 10;
    }
    is_date(&numbers).then_some((numbers, at))
}

/// `20240131`, with hours and more behind it, or a month; or seconds since 1970.
fn compact(text: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = vec![number(&text[..4])];
    numbers.extend(text[4..].chunks(2).map(number));
    if is_date(&numbers) {
        return Some(numbers);
    }
    (text.len() == 10).then(|| epoch(number(text), 0))?
}

fn epoch(seconds: u64, millis: u64) -> Option<Vec<u64>> {
    let time = jiff::Timestamp::new(i64::try_from(seconds).ok()?, 0).ok()?;
    let time = time.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let part = |part: i8| u64::try_from(part).unwrap_or_default();
    let year = u64::try_from(time.year()).unwrap_or_default();
    let numbers = vec![
        year,
        part(time.month()),
        part(time.day()),
        part(time.hour()),
        part(time.minute()),
        part(time.second()),
        millis,
    ];
    is_date(&numbers).then_some(numbers)
}

fn is_date(numbers: &[u64]) -> bool {
    matches!(numbers.first(), Some(1970..=2099))
        && matches!(numbers.get(1), Some(1..=12))
        && matches!(numbers.get(2), None | Some(1..=31))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(text: &[u8]) -> u64 {
    text.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit.wrapping_sub(b'0')))
}

/// One step of the way to a source: its file on disk, then its member in that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Folder and base.
    set: String,
    age: Age,
    later: bool,
    name: String,
}

impl Step {
    /// The step to a path written with `/`.
    pub(super) fn new(path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
        let Rotated { base, age, later } = rotated(name);
        Self { set: format!("{folder}/{base}"), age, later, name: name.to_owned() }
    }

    /// Whether both are the same piece of the same set, packed differently.
    pub(super) fn is_twin(&self, other: &Self) -> bool {
        (&self.set, &self.age, self.later) == (&other.set, &other.age, other.later)
    }
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(&self.set, &other.set)
            .then_with(|| self.age.cmp(&other.age))
            .then_with(|| self.later.cmp(&other.later))
            // Of twins the plain one comes last, as the shorter name: reversed.
            .then_with(|| natural(&other.name, &self.name))
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Names with their numbers by value: `worker-9` before `worker-10`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (left, right) = (a.as_bytes(), b.as_bytes());
    let (mut at, mut to) = (0, 0);
    while at < left.len() && to < right.len() {
        let (run, length) = (digits(&left[at..]), digits(&right[to..]));
        let order = if run > 0 && length > 0 {
            let value = |text: &str| text.trim_start_matches('0').len();
            let (one, two) = (&a[at..at + run], &b[to..to + length]);
            value(one)
                .cmp(&value(two))
                .then_with(|| one.trim_start_matches('0').cmp(two.trim_start_matches('0')))
        } else {
            left[at].cmp(&right[to])
        };
        if order != Ordering::Equal {
            return order;
        }
        at += run.max(1);
        to += length.max(1);
    }
    (left.len() - at.min(left.len())).cmp(&(right.len() - to.min(right.len()))).then_with(|| a.cmp(b))
}
