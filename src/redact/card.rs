//! Card numbers: 13 to 19 digits of a known issuer with a right check digit, alone or in
//! the groups in which they are printed.

use super::digits::{self, Run};
use super::{Hit, Kind};

/// Groups of digits as cards have them, for numbers of 16, 19, 15 and 14 digits.
const GROUPS: [&[usize]; 4] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

/// The first digits of the issuers (ISO/IEC 7812 as they are published): from, to, and the
/// lengths that their numbers have.
const ISSUERS: [(&str, &str, &[usize]); 14] = [
    ("4", "4", &[13, 16, 19]),
    ("51", "55", &[16]),
    ("2221", "2720", &[16]),
    ("34", "34", &[15]),
    ("37", "37", &[15]),
    ("6011", "6011", &[16, 19]),
    ("644", "659", &[16, 19]),
    ("3528", "3589", &[16, 19]),
    ("300", "305", &[14, 16]),
    ("36", "36", &[14]),
    ("38", "39", &[14, 16]),
    ("62", "62", &[16, 17, 18, 19]),
    ("5018", "5038", &[13, 16, 18, 19]),
    ("6759", "6763", &[13, 16, 18, 19]),
];

pub(super) fn find(line: &str, hits: &mut Vec<Hit>) {
    let bytes = line.as_bytes();
    for run in digits::runs(bytes) {
        let mut first = 0;
        while first < run.groups.len() {
            match card_at(bytes, &run, first) {
                Some(count) => {
                    let at = run.groups[first].start..run.groups[first + count - 1].end;
                    hits.push(Hit { kind: Kind::Card, at });
                    first += count;
                }
                None => first += 1,
            }
        }
    }
}

/// How many groups from `first` on are a card number.
fn card_at(bytes: &[u8], run: &Run, first: usize) -> Option<usize> {
    let groups = &run.groups[first..];
    let lengths: Vec<usize> = groups.iter().take(5).map(std::iter::ExactSizeIterator::len).collect();
    let count = match GROUPS.iter().find(|shape| lengths.starts_with(shape)) {
        Some(shape) => shape.len(),
        None if (13..=19).contains(&lengths[0]) => 1,
        None => return None,
    };
    let (start, end) = (groups[0].start, groups[count - 1].end);
    let separators: Vec<u8> = groups[1..count].iter().map(|group| bytes[group.start - 1]).collect();
    let same = separators.windows(2).all(|pair| pair[0] == pair[1]);
    let digits: Vec<u8> = bytes[start..end].iter().filter(|byte| byte.is_ascii_digit()).copied().collect();
    let alone = is_free(bytes, run, first, count, separators.first().copied());
    (same && alone && is_issued(&digits) && luhn(&digits)).then_some(count)
}

/// Whether it is not a part of something longer: a word, a decimal number, an id, a table of
/// numbers with four digits.
fn is_free(bytes: &[u8], run: &Run, first: usize, count: usize, separator: Option<u8>) -> bool {
    let (start, end) = (run.groups[first].start, run.groups[first + count - 1].end);
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(end).copied();
    let joins = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-+.#".contains(&byte))
    };
    // A full stop ends a sentence.
    let sentence = after == Some(b'.') && !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    let column = |neighbour: Option<&std::ops::Range<usize>>| {
        separator.is_some() && neighbour.is_some_and(|group| group.len() == 4)
    };
    let left = first.checked_sub(1).and_then(|at| run.groups.get(at));
    !joins(before) && (!joins(after) || sentence) && !column(left) && !column(run.groups.get(first + count))
}

fn is_issued(digits: &[u8]) -> bool {
    ISSUERS.iter().any(|(from, to, lengths)| {
        let start = &digits[..from.len().min(digits.len())];
        lengths.contains(&digits.len()) && start >= from.as_bytes() && start <= to.as_bytes()
    })
}

/// The check digit of ISO/IEC 7812.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = u32::from(digit - b'0') * if at % 2 == 1 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != digits[0])
}
