//! What syslog puts around a message: a priority before the time (RFC 3164), a version,
//! ids and structured data (RFC 5424), a host and a tag behind it.

use super::text::{LONGEST_COMPONENT, Words, group_end, is_name};
use crate::digest::level::Level;

/// A syslog priority before a line: `<34>`, and whether RFC 5424's version follows, `<165>1 `.
pub(super) fn priority(line: &[u8]) -> (Option<Level>, &[u8], bool) {
    let read = || {
        let inner = line.strip_prefix(b"<")?;
        let end = inner.iter().take(4).position(|&byte| byte == b'>')?;
        let number = inner[..end].iter().try_fold(0u32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })?;
        let rest = &inner[end + 1..];
        let versioned = rest.strip_prefix(b"1 ");
        (end > 0 && number < 192).then_some((
            Some(Level::of_priority(number)),
            versioned.unwrap_or(rest),
            versioned.is_some(),
        ))
    };
    read().unwrap_or((None, line, false))
}

/// Behind the time of RFC 5424: host, program, process, message id, structured data.
/// Returns the program and the message; `None`: a tag with a colon stands there, as before it.
pub(super) fn structured_data(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut words = Words { text: rest, at: 0 };
    let _host = words.next()?;
    let program = words.next()?;
    let process = words.next()?;
    let id = words.next()?;
    if rest[program.0..id.1].contains(&b':')
        || !rest[process.0..process.1].iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    {
        return None;
    }
    let mut at = words.at + 1;
    while let Some(end) = group_end(rest, at) {
        at = end;
    }
    if rest.get(at) == Some(&b'-') {
        at += 1;
    }
    Some((&rest[program.0..program.1], rest.get(at..)?))
}

/// `host program[pid] (address): message` behind a syslog time: the program and the message.
pub(super) fn host_and_tag(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut words = Words { text: rest, at: 0 };
    let (_, host_end) = words.next()?;
    if rest[host_end - 1] == b':' {
        return None;
    }
    let after = &rest[host_end..];
    let trimmed = after.trim_ascii_start();
    let near = &trimmed[..trimmed.len().min(LONGEST_COMPONENT)];
    let colon = memchr::memchr_iter(b':', near)
        .find(|&at| matches!(trimmed.get(at + 1), None | Some(b' ' | b'\t')))?;
    let tag = &trimmed[..colon];
    let spaces = tag.iter().filter(|&&byte| byte == b' ').count();
    let named = tag.split(|&byte| byte == b' ').all(|word| word == b"--" || is_name(word) || word.is_empty());
    (spaces <= 2 && !tag.is_empty() && named).then(|| (component_name(tag), &trimmed[colon + 1..]))
}

/// A program's name without the number of its process.
fn component_name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().position(|&byte| byte == b'[').unwrap_or(tag.len());
    &tag[..end]
}
