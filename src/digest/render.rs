//! A digest as text within a budget of tokens, for a model and for a person.
//!
//! Every quoted line stands behind its place (`app.log:12`) as it is there. What doesn't
//! fit is left out as whole parts, and the last line says how much.

use super::level::Level;
use super::model::{LogDigest, Quote, Template};
use super::rank::{Focus, rank};
use crate::text::{self, printable, thousands, tokens};

/// Parts of the budget, in percent: the files, the time line, the last lines, what is
/// frequent. What they don't use is for what stands out.
const FILES: usize = 20;
const TIMES: usize = 12;
const TAIL: usize = 12;
const FREQUENT: usize = 10;

/// A digest never takes more tokens.
const MOST_BUDGET: usize = 1_000_000;

/// Tokens of the last line, which says what was left out.
const CLOSING: usize = 60;

/// Intervals of the time line.
const INTERVALS: usize = 10;

/// The longest quote, in characters; a line that goes on ends with `…`.
const LONGEST: usize = 300;

/// Renders a digest in at most so many tokens, by an estimate ([`text::tokens`]).
pub fn render(digest: &LogDigest, focus: &Focus, budget: usize) -> String {
    let budget = budget.min(MOST_BUDGET);
    let mut page = Page { text: String::new(), used: 0, most: budget.saturating_sub(CLOSING) };
    files(digest, &mut page, budget * FILES / 100);
    times(digest, &mut page, budget * TIMES / 100);
    let mut tail = page.part(budget * TAIL / 100);
    last_lines(digest, &mut tail);
    let order = rank(digest, focus);
    let mut frequent = page.part(budget * FREQUENT / 100);
    let mut standing_out =
        page.part(page.most.saturating_sub(page.used + tail.used + budget * FREQUENT / 100));
    let shown = stand_out(digest, &order, &mut standing_out);
    let listed = most_frequent(digest, &shown, &mut frequent);
    for part in [standing_out, frequent, tail] {
        page.text.push_str(&part.text);
    }
    left_out(digest, &shown, &listed, &mut page.text);
    page.text
}

/// The templates that matter most for a question, in at most so many bytes.
pub fn render_ranked(digest: &LogDigest, focus: &Focus, most_bytes: usize) -> String {
    let mut out = String::new();
    for at in rank(digest, focus) {
        let text = entry(digest, &digest.templates[at]);
        if out.len() + text.len() + 1 > most_bytes {
            break;
        }
        out.push_str(&text);
        out.push('\n');
    }
    out
}

/// Text that is added while it fits.
struct Page {
    text: String,
    used: usize,
    most: usize,
}

impl Page {
    fn part(&self, most: usize) -> Self {
        Self { text: String::new(), used: 0, most }
    }

    /// Adds lines, if all of them fit.
    fn add(&mut self, lines: &str) -> bool {
        let needed = tokens(lines) + 1;
        let fits = self.used + needed <= self.most;
        if fits {
            self.text.push_str(lines);
            self.text.push('\n');
            self.used += needed;
        }
        fits
    }
}

fn files(digest: &LogDigest, page: &mut Page, most: usize) {
    let entries = match digest.entries == digest.lines {
        true => String::new(),
        false => format!(" ({} entries)", thousands(digest.entries)),
    };
    let templates = text::counted(digest.templates.len() as u64, "template", "templates");
    let stopped = if digest.stopped { ", read until it was stopped" } else { "" };
    page.add(&format!(
        "# Log digest: {}{entries} -> {templates}{stopped}",
        text::counted(digest.lines, "line", "lines")
    ));
    if let Some((from, to)) = digest.span {
        page.add(&format!(
            "from {} to {} ({})",
            digest.time(from),
            digest.time(to),
            text::duration(to - from)
        ));
    }
    let levels: Vec<String> = digest
        .levels
        .iter()
        .rev()
        .map(|(level, count)| format!("{} {}", thousands(*count), level.name()))
        .collect();
    if !levels.is_empty() {
        page.add(&format!("levels: {}", levels.join(", ")));
    }
    let most = (page.used + most).min(page.most);
    let mut unnamed = 0;
    for facts in &digest.sources {
        let notes = facts.notes.iter().map(|note| format!("; {}", text::one_line(note))).collect::<String>();
        let name = &facts.cite;
        let line = format!(
            "- {name}: {} lines, {}, {}{notes}",
            thousands(facts.lines),
            text::size(facts.unpacked),
            facts.format
        );
        if unnamed > 0 || page.used + tokens(&line) > most || !page.add(&line) {
            unnamed += 1;
        }
    }
    if unnamed > 0 {
        page.add(&format!("- and {} more files", thousands(unnamed)));
    }
    for note in &digest.notes {
        page.add(&format!("note: {}", text::one_line(note)));
    }
    if !digest.passed_over.is_empty() {
        page.add(&format!("note: {} files were passed over", thousands(digest.passed_over.len() as u64)));
    }
}

fn times(digest: &LogDigest, page: &mut Page, most: usize) {
    let Some((from, to)) = digest.span.filter(|(from, to)| from < to) else { return };
    let mut part = page.part(most.min(page.most.saturating_sub(page.used)));
    let loud = digest.errors.total() > 0;
    part.add(if loud { "\n## Time line (entries, errors)" } else { "\n## Time line (entries)" });
    let parts = INTERVALS.min(((to - from) / 1000 + 1) as usize);
    let volume = digest.volume.spread(from, to, parts);
    let errors = digest.errors.spread(from, to, parts);
    for (at, (entries, errors)) in volume.iter().zip(&errors).enumerate() {
        let start = from + (to - from) * at as i64 / parts as i64;
        let errors = if loud { format!(", {}", thousands(*errors)) } else { String::new() };
        part.add(&format!("{} {}{errors}", digest.time(start), thousands(*entries)));
    }
    page.used += part.used;
    page.text.push_str(&part.text);
}

/// `app.log:12: the line`
fn quoted(digest: &LogDigest, quote: &Quote) -> String {
    quoted_in(digest, quote, LONGEST)
}

/// A line behind its place, of at most so many characters. Control characters are shown
/// as pictures (`␛`), so that no terminal obeys them.
pub(super) fn quoted_in(digest: &LogDigest, quote: &Quote, most: usize) -> String {
    let place = digest.cite(quote.source, quote.line);
    let line = quote.text.trim_end();
    let end = line.char_indices().nth(most).map(|(at, _)| at);
    let text = printable(&line[..end.unwrap_or(line.len())]).replace('\n', " ");
    let more = if end.is_some() || quote.cut { text::ELLIPSIS } else { "" };
    format!("{place}: {text}{more}")
}

/// A template with what is known of it, and an example.
fn entry(digest: &LogDigest, template: &Template) -> String {
    let mut lines = Vec::new();
    if template.count > 1 {
        let span = template.span.map_or(String::new(), |(first, last)| {
            format!(", {} to {}", digest.time(first), digest.time(last))
        });
        let (source, line) = template.last;
        let last = digest.cite(source, line);
        lines.push(format!(
            "[T{}] {} x {}{span}, last {last}",
            template.id,
            thousands(template.count),
            template.severity().name()
        ));
    }
    let mark = if template.count > 1 { "  " } else { &format!("[T{}] ", template.id) };
    lines.push(format!("{mark}{}", quoted(digest, &template.example)));
    lines.extend(template.trace.iter().map(|line| format!("    {}", quoted(digest, line))));
    lines.join("\n")
}

/// The templates that matter most; returns those that are shown.
fn stand_out(digest: &LogDigest, order: &[usize], part: &mut Page) -> Vec<usize> {
    let mut shown = Vec::new();
    part.add("\n## What stands out (template, times, level, first line or the loudest)");
    // Nothing further down is tried where many in a row are too long.
    const TRIES: usize = 12;
    let mut missed = 0;
    for &at in order {
        if part.add(&entry(digest, &digest.templates[at])) {
            shown.push(at);
        } else {
            missed += 1;
        }
        if missed > TRIES {
            break;
        }
    }
    shown
}

fn most_frequent(digest: &LogDigest, shown: &[usize], part: &mut Page) -> Vec<usize> {
    let mut order: Vec<usize> = (0..digest.templates.len()).filter(|at| !shown.contains(at)).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(digest.templates[at].count), at));
    if order.is_empty() || !part.add("\n## Frequent") {
        return Vec::new();
    }
    let mut listed = Vec::new();
    for at in order {
        let template = &digest.templates[at];
        let text = text::end(&printable(&template.text).replace('\n', " "), 120);
        if !part.add(&format!("[T{}] {} x {text}", template.id, thousands(template.count))) {
            break;
        }
        listed.push(at);
    }
    listed
}

fn last_lines(digest: &LogDigest, part: &mut Page) {
    let mut lines = Vec::new();
    let mut used = 16;
    for quote in digest.tail.iter().rev() {
        let line = quoted(digest, quote);
        used += tokens(&line) + 1;
        if used > part.most {
            break;
        }
        lines.push(line);
    }
    lines.reverse();
    if !lines.is_empty() {
        part.add(&format!("\n## The last lines\n{}", lines.join("\n")));
    }
}

fn left_out(digest: &LogDigest, shown: &[usize], listed: &[usize], text: &mut String) {
    let absent: Vec<&Template> = (0..digest.templates.len())
        .filter(|at| !shown.contains(at) && !listed.contains(at))
        .map(|at| &digest.templates[at])
        .collect();
    if absent.is_empty() {
        text.push_str("\nEvery template is shown.\n");
        return;
    }
    let entries: u64 = absent.iter().map(|template| template.count).sum();
    let loud = absent.iter().filter(|template| template.severity() >= Level::Error).count();
    let errors =
        if loud > 0 { format!(", {} of them errors", thousands(loud as u64)) } else { String::new() };
    text.push_str(&format!(
        "\nLeft out: {} templates{errors} ({} entries).\n",
        thousands(absent.len() as u64),
        thousands(entries)
    ));
}
