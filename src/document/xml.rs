//! XML as a stream: elements by their local names, text with its entities resolved. Nothing is
//! kept of what was read, so depth doesn't matter; no entity that a document defines is
//! resolved.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::Unreadable;

/// What comes next.
pub(super) enum Node<'n> {
    /// An element begins.
    Open(Element<'n>),
    /// An element of this local name ends.
    Close(&'n str),
    /// Text.
    Text(&'n str),
}

/// The start of an element.
pub(super) struct Element<'n>(&'n BytesStart<'n>);

impl Element<'_> {
    /// Its name without a namespace.
    pub(super) fn name(&self) -> &str {
        local(self.0.name().0)
    }

    /// An attribute by its name without a namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let attributes = self.0.attributes().filter_map(Result::ok);
        let mut named = attributes.filter(|attribute| local(attribute.key.0) == name);
        named
            .next()
            .map(|attribute| quick_xml::escape::unescape(&attribute.value).unwrap_or_default().into_owned())
    }

    /// An attribute by its name as it is written.
    pub(super) fn attribute_named(&self, name: &str) -> Option<String> {
        let attribute = self.0.try_get_attribute(name).ok().flatten()?;
        Some(quick_xml::escape::unescape(&attribute.value).unwrap_or_default().into_owned())
    }

    /// An attribute that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.attribute(name)?.parse().ok()
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Visits all of a document.
pub(super) fn walk(xml: &str, stop: &AtomicBool, visit: &mut dyn FnMut(Node<'_>)) -> Result<(), Unreadable> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Unreadable::Stopped);
        }
        match reader.read_event().map_err(|error| Unreadable::Damaged(error.to_string()))? {
            Event::Start(start) => visit(Node::Open(Element(&start))),
            Event::Empty(start) => {
                visit(Node::Open(Element(&start)));
                visit(Node::Close(local(start.name().0)));
            }
            Event::End(end) => visit(Node::Close(local(end.name().0))),
            Event::Text(text) => visit(Node::Text(&text.xml10_content())),
            Event::CData(text) => visit(Node::Text(&text.xml10_content())),
            Event::GeneralRef(entity) => {
                let character = entity.resolve_char_ref().ok().flatten().map(|c| Cow::Owned(c.to_string()));
                let resolved = character.or_else(|| resolve_predefined_entity(&entity).map(Cow::Borrowed));
                visit(Node::Text(&resolved.unwrap_or_default()));
            }
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// The text within the first element of this name.
pub(super) fn text_of(xml: &str, name: &str, stop: &AtomicBool) -> Option<String> {
    let (mut text, mut within, mut done) = (String::new(), false, false);
    let walked = walk(xml, stop, &mut |node| match node {
        Node::Open(element) => within |= !done && element.name() == name,
        Node::Close(closed) if within && closed == name => (within, done) = (false, true),
        Node::Text(part) if within => text.push_str(part),
        _ => {}
    });
    let text = text.trim();
    (walked.is_ok() && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_resolved_and_those_of_the_document_are_not() {
        let xml = "<!DOCTYPE a [<!ENTITY b \"boom\">]><x:a>1 &lt;&#x41;&amp;&b;<![CDATA[<2>]]></x:a>";
        assert_eq!(text_of(xml, "a", &AtomicBool::new(false)).as_deref(), Some("1 <A&<2>"));
    }

    #[test]
    fn depth_does_not_matter() {
        let deep = "<a>".repeat(200_000) + "x";
        let mut opened = 0;
        let walked = walk(&deep, &AtomicBool::new(false), &mut |node| {
            opened += u32::from(matches!(node, Node::Open(_)))
        });
        assert!(walked.is_ok());
        assert_eq!(opened, 200_000);
    }
}
