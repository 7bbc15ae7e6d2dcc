//! Runs of digits that are long enough for a card number, single spaces or dashes among
//! them allowed. Digits are everywhere in a log, so that this has to be quick.

use std::ops::Range;

/// The shortest card number.
const LEAST: usize = 13;

/// Groups of digits with one space or dash between each two.
pub(super) struct Run {
    pub(super) groups: Vec<Range<usize>>,
}

/// The end of the first stretch of [`LEAST`] digits from `at` on.
pub(super) fn next(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut count, mut previous) = (0, false);
    for (offset, byte) in bytes.get(at..)?.iter().enumerate() {
        if byte.is_ascii_digit() {
            count += 1;
            previous = true;
            if count == LEAST {
                return Some(at + offset);
            }
        } else {
            // After a separator only a digit goes on.
            count = if previous && (*byte == b' ' || *byte == b'-') { count } else { 0 };
            previous = false;
        }
    }
    None
}

/// All runs of a line.
pub(super) fn runs(bytes: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let joined =
            groups.last().is_some_and(|last| last.end + 1 == at && matches!(bytes[at - 1], b' ' | b'-'));
        if !joined {
            flush(&mut groups, &mut runs);
        }
        groups.push(at..at + length);
        at += length;
    }
    flush(&mut groups, &mut runs);
    runs
}

fn flush(groups: &mut Vec<Range<usize>>, runs: &mut Vec<Run>) {
    let groups = std::mem::take(groups);
    if groups.iter().map(ExactSizeIterator::len).sum::<usize>() >= LEAST {
        runs.push(Run { groups });
    }
}
