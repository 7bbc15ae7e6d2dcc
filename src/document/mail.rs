//! Messages (RFC 5322, MIME) and mailboxes of them (mbox, RFC 4155).

use std::sync::atomic::{AtomicBool, Ordering};

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};
use memchr::memmem;

use super::decode::short;
use super::outline::{MOST_HEADING, Outline};
use super::{Block, BlockKind, Place, Unreadable, html};

/// The most addresses of a header that are named.
const MOST_ADDRESSES: usize = 20;

/// The longest message, in bytes: attachments are in it, but not read.
const MOST_MESSAGE: usize = 64 << 20;

/// Puts a message into the outline; its subject.
pub(super) fn message(
    bytes: &[u8],
    outline: &mut Outline,
    stop: &AtomicBool,
) -> Result<Option<String>, Unreadable> {
    let nothing = || Unreadable::Damaged("there is no message in it".to_owned());
    put(bytes, 1, outline, stop).ok_or_else(nothing)
}

/// Puts the messages of a mailbox into the outline, by their number from 1.
pub(super) fn mailbox(bytes: &[u8], outline: &mut Outline, notes: &mut Vec<String>, stop: &AtomicBool) {
    let mut unread = 0u64;
    for (number, message) in (1..).zip(messages(bytes)) {
        if outline.is_full() || stop.load(Ordering::Relaxed) {
            break;
        }
        unread += u64::from(put(message, number, outline, stop).is_none());
    }
    if unread > 0 {
        notes.push(format!("{} could not be read", crate::text::counted(unread, "message", "messages")));
    }
}

/// The messages of a mailbox: each begins behind a line `From …` that stands behind a blank
/// line, or first.
fn messages(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let first = bytes.starts_with(b"From ").then_some(0);
    let behind_blank = |at: &usize| bytes[..*at].ends_with(b"\n") || bytes[..*at].ends_with(b"\n\r");
    let later = memmem::find_iter(bytes, b"\nFrom ").filter(behind_blank).map(|at| at + 1);
    let mut starts = first.into_iter().chain(later).peekable();
    std::iter::from_fn(move || {
        let from = starts.next()?;
        let to = starts.peek().copied().unwrap_or(bytes.len());
        let message = &bytes[from..to];
        let head = memchr::memchr(b'\n', message).map_or(message.len(), |at| at + 1);
        Some(&message[head..])
    })
}

/// Puts a message into the outline under its subject, which comes back, empty if there is none.
fn put(bytes: &[u8], number: u32, outline: &mut Outline, stop: &AtomicBool) -> Option<Option<String>> {
    let bytes = &bytes[..bytes.len().min(MOST_MESSAGE)];
    let message = MessageParser::default().parse(bytes).filter(|message| !message.headers().is_empty())?;
    let place = Place::Message(number);
    let subject =
        message.subject().map(|subject| short(subject, MOST_HEADING)).filter(|subject| !subject.is_empty());
    outline.unwritten(1, subject.as_deref().unwrap_or_default());
    outline.block(head(&message), place, BlockKind::Prose);
    for part in message.text_bodies() {
        match &part.body {
            PartType::Text(text) => paragraphs(text, place, outline),
            PartType::Html(page) => {
                for Block { text, kind, .. } in words(page, stop) {
                    outline.block(text, place, kind);
                }
            }
            _ => {}
        }
    }
    Some(subject)
}

/// The text of a page without its headings: a message's are seldom about what is below them.
fn words(page: &str, stop: &AtomicBool) -> Vec<Block> {
    let mut outline = Outline::new(page.len());
    html::read(page, &mut outline, stop);
    outline.finish(&mut Vec::new())
}

fn paragraphs(text: &str, place: Place, outline: &mut Outline) {
    for paragraph in text.replace("\r\n", "\n").split("\n\n") {
        outline.block(paragraph.trim_matches('\n').to_owned(), place, BlockKind::Prose);
    }
}

/// Who wrote to whom, when, about what, and what is attached.
fn head(message: &Message<'_>) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: Option<String>| {
        lines.extend(value.filter(|value| !value.is_empty()).map(|value| format!("{name}: {value}")));
    };
    line("From", message.from().map(addresses));
    line("To", message.to().map(addresses));
    line("Cc", message.cc().map(addresses));
    line("Date", message.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_rfc3339));
    line("Subject", message.subject().map(|subject| short(subject, 4 * MOST_HEADING)));
    let attached: Vec<String> = message
        .attachments()
        .filter_map(|part| part.attachment_name())
        .map(|name| short(name, MOST_HEADING))
        .collect();
    line("Attachments", Some(attached.join(", ")));
    lines.join("\n")
}

fn addresses(address: &Address<'_>) -> String {
    let one = |one: &mail_parser::Addr<'_>| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    };
    let named: Vec<String> =
        address.iter().take(MOST_ADDRESSES).map(one).map(|one| short(&one, MOST_HEADING)).collect();
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
        Date: Fri, 1 Mar 2024 10:00:00 +0100\r\nContent-Type: text/html\r\n\r\n<p>Hello &amp; bye</p>\r\n";

    fn blocks(read: impl Fn(&mut Outline)) -> Vec<Block> {
        let mut outline = Outline::new(10_000);
        read(&mut outline);
        outline.finish(&mut Vec::new())
    }

    #[test]
    fn a_message_stands_under_its_subject() {
        let blocks = blocks(|outline| {
            let subject = message(MAIL.as_bytes(), outline, &AtomicBool::new(false)).unwrap();
            assert_eq!(subject.as_deref(), Some("Grüße"));
        });
        let head = "From: Ann <ann@example.org>\nTo: bob@example.org\nDate: 2024-03-01T10:00:00+01:00\nSubject: Grüße";
        let found: Vec<&str> = blocks.iter().map(|block| block.text.as_str()).collect();
        assert_eq!(found, [head, "Hello & bye"]);
        assert!(blocks.iter().all(|block| block.place == Place::Message(1) && block.heading == ["Grüße"]));
    }

    #[test]
    fn a_mailbox_is_its_messages() {
        let mbox = "From a Fri Mar  1\nSubject: one\n\nFirst.\nFrom the start.\n\nFrom b Fri Mar  1\nSubject: two\n\nSecond.\n";
        let blocks =
            blocks(|outline| mailbox(mbox.as_bytes(), outline, &mut Vec::new(), &AtomicBool::new(false)));
        let found: Vec<(&str, Place)> =
            blocks.iter().map(|block| (block.text.as_str(), block.place)).collect();
        let expected = [
            ("Subject: one", Place::Message(1)),
            ("First.\nFrom the start.", Place::Message(1)),
            ("Subject: two", Place::Message(2)),
            ("Second.", Place::Message(2)),
        ];
        assert_eq!(found, expected);
    }
}
