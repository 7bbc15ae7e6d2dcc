//! A document cut into chunks: pieces that are searched for, embedded and cited as one.
//!
//! ```text
//! blocks ─▶ atoms: lines, sentences, words ─▶ groups: of one heading ─▶ chunks: cut where it hurts least
//! ```
//!
//! A chunk never crosses a page, a slide, a cell or a message. Its text is what stands in the
//! blocks, nothing added and nothing lost but blank lines at its ends.

mod atom;
mod pack;

pub use pack::chunk;

/// How long chunks are, in tokens as they are counted for [`chunk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most of a chunk as [`in_context`] makes it: title, headings and text. Where title
    /// and headings alone need more than half of it they are counted as half, so that text
    /// comes in; the end of such a chunk is cut by the model.
    pub most_tokens: usize,
    /// What is shorter joins a neighbour, where there is one that it may join and room.
    pub least_tokens: usize,
}

/// The text that is counted and embedded: title, headings and text, each on a line of its own.
/// A title that begins with the first heading (`Tides — a site's name`) is not said again.
pub fn in_context(title: Option<&str>, heading: &[String], text: &str) -> String {
    let above = context(title, heading);
    match above.is_empty() {
        true => text.to_owned(),
        false => format!("{above}\n{text}"),
    }
}

fn context(title: Option<&str>, heading: &[String]) -> String {
    let said = |title: &&str| heading.first().is_some_and(|first| title.starts_with(first.as_str()));
    let title = title.filter(|title| !said(title));
    title.into_iter().chain(heading.iter().map(String::as_str)).collect::<Vec<_>>().join("\n")
}
