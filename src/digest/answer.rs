//! The answer to a query as text: every line behind its place.

use std::borrow::Cow;

use super::model::{LogDigest, Quote};
use super::query::{Answer, Query};
use super::render::quoted_in;
use crate::text::{ELLIPSIS, boundary_before, counted, one_line, thousands};

/// Characters of a line that are shown.
const LONGEST: usize = 500;

/// Characters before a match that are shown of a long line.
const BEFORE_MATCH: usize = 80;

/// A line that is too long to be shown from its start so that the match is seen.
fn near_match<'a>(query: &Query, line: &'a Quote) -> Cow<'a, Quote> {
    let found = query.grep.as_ref().and_then(|grep| grep.find(line.text.as_bytes()));
    match found {
        Some(found) if found.end() > LONGEST => {
            let from = boundary_before(&line.text, found.start().saturating_sub(BEFORE_MATCH));
            let text = format!("{ELLIPSIS}{}", &line.text[from..]);
            Cow::Owned(Quote { text, ..line.clone() })
        }
        _ => Cow::Borrowed(line),
    }
}

/// Renders an answer in at most so many bytes; what doesn't fit is said.
pub fn render_answer(digest: &LogDigest, query: &Query, answer: &Answer, most_bytes: usize) -> String {
    let mut out = String::new();
    let mut shown = 0u64;
    if query.count_by.is_some() {
        return counts(digest, answer, most_bytes);
    }
    for entry in &answer.entries {
        let mut text = String::new();
        for (number, line) in entry.lines.iter().enumerate() {
            let indent = if number == 0 { "" } else { "  " };
            text.push_str(&format!("{indent}{}\n", quoted_in(digest, &near_match(query, line), LONGEST)));
        }
        if entry.more > 0 {
            text.push_str(&format!("  ({} more lines go on with it)\n", thousands(entry.more as u64)));
        }
        if out.len() + text.len() > most_bytes {
            break;
        }
        out.push_str(&text);
        shown += 1;
    }
    let things = if query.around.is_some() { "lines" } else { "entries" };
    let all = match query.around.is_some() {
        true => counted(answer.found, "line", "lines"),
        false => counted(answer.found, "entry", "entries"),
    };
    out.push_str(&match (answer.found, shown) {
        (0, _) => format!("No {things} fit.\n"),
        (found, shown) if found == shown => format!("{all}.\n"),
        (_, shown) => {
            let which = if query.last && answer.found > query.limit as u64 { "last" } else { "first" };
            format!(
                "{all}; the {which} {} are shown. Ask more narrowly (time, level, template, pattern) or count.\n",
                thousands(shown)
            )
        }
    });
    notes(answer, &mut out);
    out
}

fn counts(digest: &LogDigest, answer: &Answer, most_bytes: usize) -> String {
    let mut out = String::new();
    let mut shown = 0;
    for (start, count) in &answer.counts {
        let line = format!("{} {}\n", digest.time(*start), thousands(*count));
        if out.len() + line.len() > most_bytes {
            break;
        }
        out.push_str(&line);
        shown += 1;
    }
    out.push_str(&counted(answer.found, "entry", "entries"));
    if shown < answer.counts.len() {
        out.push_str(&format!("; {} more intervals are not shown", answer.counts.len() - shown));
    }
    if answer.untimed > 0 {
        out.push_str(&format!("; {} of them have no time", thousands(answer.untimed)));
    }
    out.push_str(".\n");
    notes(answer, &mut out);
    out
}

fn notes(answer: &Answer, out: &mut String) {
    for note in &answer.notes {
        out.push_str(&format!("note: {}\n", one_line(note)));
    }
}
