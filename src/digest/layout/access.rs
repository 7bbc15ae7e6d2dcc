//! The access logs of Apache, nginx and those that write like them.

use std::borrow::Cow;

use super::Entry;
use crate::digest::level::Level;
use crate::digest::stamp::{Reference, StampKind, read as read_stamp};

/// How far into a line its time may begin: behind a host's name and a user's.
const LONGEST_LEAD: usize = 300;

/// Reads `host ident user [time] "request" status bytes …`. The message is the request
/// and the status: who asked, how many bytes and with what browser is not what happened.
pub(super) fn read(line: &[u8], reference: Reference) -> Option<Entry<'_>> {
    let open = memchr::memchr(b'[', line.get(..line.len().min(LONGEST_LEAD))?)?;
    let stamp = read_stamp(StampKind::DayMonth, &line[open + 1..], reference)?;
    let rest = line[open + 1 + stamp.len..].strip_prefix(b"] \"")?;
    let end = closing_quote(rest)?;
    let status = rest.get(end + 2..end + 5)?;
    if rest.get(end + 1) != Some(&b' ') || !status.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = status.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let message = &rest[..end + 5];
    Some(Entry {
        stamp: Some(stamp),
        level: Some(Level::of_status(number)),
        component: b"",
        message: Cow::Borrowed(message),
    })
}

/// Where the quote ends that was opened before `text`.
fn closing_quote(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'"', text).find(|&at| at == 0 || text[at - 1] != b'\\')
}
