//! Draws the log panel.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::cites::Cites;
use super::lines::{Lines, State};
use super::templates::Templates;
use super::{LogPanel, Record, View};
use crate::attachment::Attachment;
use crate::digest::{Level, LogDigest, Template, Timeline};
use crate::text;
use crate::tui::panel::{bordered, keys_in};
use crate::tui::theme::Theme;

/// Eighths of a cell.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Columns in front of the sparklines.
const LABEL: usize = 7;

/// From this many rows on the volume is drawn two rows high.
const TALL: u16 = 24;

/// Below this many rows the list needs the room of the errors' sparkline and of the axis.
const LOW: u16 = 8;

/// Columns of a template's own sparkline, from so many columns of the panel on.
const TINY: (usize, usize) = (16, 110);

/// From so many columns on the times of a template are shown: the first, then the last too.
const TIMES: (usize, usize) = (64, 90);

/// Draws it over an area.
pub(in crate::tui) fn draw(frame: &mut Frame<'_>, area: Rect, panel: &mut LogPanel, theme: Theme) {
    let (title, keys) = heading(panel);
    let inner = bordered(frame, area, &title, &keys_in(keys, area.width), theme);
    let lines = match panel.views.last() {
        Some(View::Templates(_)) => templates(panel, inner, theme),
        Some(View::Cites(_)) => cites(panel, inner, theme),
        Some(View::Lines(_)) => lines(panel, inner, theme),
        None => Vec::new(),
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

fn heading(panel: &LogPanel) -> (String, &'static [&'static str]) {
    let several = panel.logs.len() > 1;
    match panel.views.last() {
        Some(View::Templates(Templates { typing: true, .. })) => {
            ("log".to_owned(), &["type to filter", "enter keep it", "esc all"])
        }
        Some(View::Templates(_)) if several => (
            format!("log {} of {}", panel.current + 1, panel.logs.len()),
            &["enter lines", "esc close", "s sort", "/ filter", "tab next log", "a add to the question"],
        ),
        Some(View::Templates(_)) => {
            ("log".to_owned(), &["enter lines", "esc close", "s sort", "/ filter", "a add to the question"])
        }
        Some(View::Cites(_)) => ("citations".to_owned(), &["↑↓ choose", "enter open", "esc close"]),
        Some(View::Lines(Lines { log: None, .. })) => {
            ("row".to_owned(), &["esc back", "a add to the question", "space mark", "←→ sideways"])
        }
        _ => (
            "lines".to_owned(),
            &["enter around", "esc back", "a add to the question", "space mark", "←→ sideways", "q close"],
        ),
    }
}

fn one(words: &str, style: Style) -> Vec<Line<'static>> {
    vec![Line::styled(words.to_owned(), style)]
}

// The templates.

fn templates(panel: &mut LogPanel, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(area.width);
    let Some(log) = panel.logs.get(panel.current) else { return one("No log is attached.", theme.dim()) };
    let name = text::printable(&log.name);
    let record = match panel.records.get(&log.id) {
        None | Some(Record::Reading) => return one(&format!("reading {name}…"), theme.dim()),
        Some(Record::Failed(why)) => return one(&format!("{name}: {why}"), theme.error()),
        Some(Record::Ready(record)) => std::sync::Arc::clone(record),
    };
    let digest = &record.digest;
    let mut rows = vec![Line::styled(summary(&name, digest, width), theme.strong())];
    rows.extend(over_time(digest, area, theme));
    let Some(View::Templates(view)) = panel.views.last_mut() else { return rows };
    rows.push(list_heading(view, width, theme));
    let height = usize::from(area.height).saturating_sub(rows.len()).max(1);
    if view.listed.is_empty() {
        rows.push(Line::styled("No template fits.", theme.dim()));
        return rows;
    }
    let top = view.choice.top(height, view.listed.len());
    let layout = Columns::of(digest, width);
    for (row, at) in view.listed.iter().enumerate().skip(top).take(height) {
        let Some(template) = digest.templates.get(*at) else { continue };
        let line = layout.row(digest, template, theme);
        rows.push(if row == view.choice.at { line.patch_style(theme.selected()) } else { line });
    }
    rows
}

/// `app.log · 48,120 lines · 212 templates · from … to … (3 h 5 min)`, with less of the time
/// where there is no room for it.
fn summary(name: &str, digest: &LogDigest, width: usize) -> String {
    let files = match digest.sources.len() {
        1 => String::new(),
        files => format!("{} files · ", text::thousands(files as u64)),
    };
    let lines = text::thousands(digest.lines);
    let templates = text::thousands(digest.templates.len() as u64);
    let known = format!("{name} · {files}{lines} lines · {templates} templates");
    let Some((from, to)) = digest.span else { return text::end(&known, width) };
    let (start, end, long) = (digest.time(from), moment(digest, to), text::duration(to - from));
    let forms =
        [format!("{start} to {end} ({long})"), format!("{start} to {end}"), format!("from {start}"), long];
    let fitting = forms.iter().map(|span| format!("{known} · {span}")).find(|line| line.width() <= width);
    fitting.unwrap_or_else(|| text::end(&known, width))
}

/// The day of a time and its clock; the day is empty where none is known.
fn split(time: &str) -> (&str, &str) {
    time.split_once(' ').unwrap_or(("", time))
}

fn one_day(digest: &LogDigest) -> bool {
    digest.span.is_some_and(|(from, to)| split(&digest.time(from)).0 == split(&digest.time(to)).0)
}

/// A time as short as it can be in this log.
fn moment(digest: &LogDigest, ms: i64) -> String {
    let time = digest.time(ms);
    match split(&time) {
        ("", clock) => clock.to_owned(),
        (_, clock) if one_day(digest) => clock.to_owned(),
        (day, clock) => format!("{} {}", day.get(5..).unwrap_or(day), clock.get(..5).unwrap_or(clock)),
    }
}

/// The sparklines, and the times below them.
fn over_time(digest: &LogDigest, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let Some((from, to)) = digest.span else {
        return one("The lines have no times that are known.", theme.dim());
    };
    let most = text::thousands(digest.volume.total()).len();
    let right = " peak  · ".width() + moment(digest, from).width() + most;
    let width = usize::from(area.width).saturating_sub(LABEL + right);
    let grid = Grid::of(digest, (from, to), width);
    let (volume, errors) = (grid.counts(&digest.volume), grid.counts(&digest.errors));
    let peak = |counts: &[u64]| match grid.peak(counts) {
        Some((at, count)) => format!(" peak {} · {}", moment(digest, at.max(from)), text::thousands(count)),
        None => " none".to_owned(),
    };
    let mut rows = Vec::new();
    let tall = if area.height >= TALL { 2 } else { 1 };
    for (at, bar) in bars(&grid.stretched(&volume, width), tall).into_iter().enumerate() {
        let last = at + 1 == tall;
        let label = if last { "volume " } else { "       " };
        let words = if last { peak(&volume) } else { String::new() };
        rows.push(Line::from(vec![Span::styled(label, theme.dim()), Span::raw(bar), Span::raw(words)]));
    }
    if area.height < LOW {
        return rows;
    }
    let bar = bars(&grid.stretched(&errors, width), 1).concat();
    rows.push(Line::from(vec![
        Span::styled("errors ", theme.dim()),
        Span::styled(bar, theme.error()),
        Span::raw(peak(&errors)),
    ]));
    let (start, end) = (moment(digest, from), moment(digest, to));
    let gap = width.saturating_sub(start.width() + end.width());
    if gap > 0 {
        let each = text::duration(grid.part_ms);
        let axis = format!("{}{start}{}{end} by {each}", " ".repeat(LABEL), " ".repeat(gap));
        rows.push(Line::styled(axis, theme.dim()));
    }
    rows
}

/// Equal parts of a log's time, each of as many whole intervals of its timeline as the
/// others: parts of unequal size would look like a rhythm that isn't there.
struct Grid {
    from: i64,
    part_ms: i64,
    parts: usize,
}

impl Grid {
    /// At most so many parts.
    fn of(digest: &LogDigest, (from, to): (i64, i64), most: usize) -> Self {
        let interval = digest.volume.width_ms();
        let from = from.div_euclid(interval) * interval;
        let intervals = usize::try_from((to - from) / interval + 1).unwrap_or(1);
        let each = intervals.div_ceil(most.max(1));
        let part_ms = interval.saturating_mul(each as i64);
        Self { from, part_ms, parts: intervals.div_ceil(each) }
    }

    fn counts(&self, line: &Timeline) -> Vec<u64> {
        let mut counts = vec![0; self.parts];
        for (start, count) in line.counts() {
            let part = usize::try_from((start - self.from) / self.part_ms).unwrap_or(0);
            counts[part.min(self.parts - 1)] += count;
        }
        counts
    }

    /// When the part with the most begins, and how much it counts.
    fn peak(&self, counts: &[u64]) -> Option<(i64, u64)> {
        let most = counts.iter().copied().max().filter(|most| *most > 0)?;
        let part = counts.iter().position(|count| *count == most)?;
        Some((self.from + part as i64 * self.part_ms, most))
    }

    /// The parts over so many columns.
    fn stretched(&self, counts: &[u64], columns: usize) -> Vec<u64> {
        (0..columns).filter_map(|column| counts.get(column * self.parts / columns).copied()).collect()
    }
}

/// Counts as bars, so many rows high. What counts something is never drawn as nothing.
fn bars(counts: &[u64], rows: usize) -> Vec<String> {
    let most = u128::from(counts.iter().copied().max().unwrap_or(0).max(1));
    let eighths = |count: u64| (u128::from(count) * 8 * rows as u128).div_ceil(most) as usize;
    let row = |below: usize| {
        counts.iter().map(|count| BARS[eighths(*count).saturating_sub(8 * below).min(8)]).collect()
    };
    (0..rows).rev().map(row).collect()
}

fn list_heading(view: &Templates, width: usize, theme: Theme) -> Line<'static> {
    let sorted = format!("by {}", view.sort.words());
    let filter = match (view.typing, view.filter.is_empty()) {
        (true, _) => format!(" · filter: {}▏", view.filter),
        (false, false) => format!(" · filter: {}", view.filter),
        (false, true) => String::new(),
    };
    let count = text::thousands(view.listed.len() as u64);
    let style = if view.typing { theme.plain() } else { theme.dim() };
    Line::styled(text::end(&format!("{count} templates {sorted}{filter}"), width), style)
}

/// What of a template there is room for.
struct Columns {
    count: usize,
    tiny: usize,
    /// How many of its two times, and how wide one is.
    times: (usize, usize),
    text: usize,
}

impl Columns {
    fn of(digest: &LogDigest, width: usize) -> Self {
        let most = digest.templates.iter().map(|one| one.count).max().unwrap_or(0);
        let count = text::thousands(most).len();
        let timed = digest.span.is_some();
        let tiny = if timed && width >= TINY.1 { TINY.0 } else { 0 };
        let time =
            digest.span.map_or(0, |(from, to)| moment(digest, from).width().max(moment(digest, to).width()));
        let times = match width {
            _ if !timed => 0,
            width if width >= TIMES.1 => 2,
            width if width >= TIMES.0 => 1,
            _ => 0,
        };
        // Two columns between what stands side by side, three for a dash.
        let used = count + 2 + 6 + if tiny > 0 { tiny + 2 } else { 0 };
        let used = used + [0, time + 2, 2 * time + 5][times];
        Self { count, tiny, times: (times, time), text: width.saturating_sub(used).max(1) }
    }

    fn row(&self, digest: &LogDigest, template: &Template, theme: Theme) -> Line<'static> {
        let severity = template.severity();
        let mut spans = vec![
            Span::raw(format!("{:>1$}  ", text::thousands(template.count), self.count)),
            Span::styled(format!("{:6}", severity.name()), level_style(severity, theme)),
        ];
        if self.tiny > 0
            && let Some((from, to)) = digest.span
        {
            let grid = Grid::of(digest, (from, to), self.tiny);
            let counts = grid.stretched(&grid.counts(&template.timeline), self.tiny);
            let bar = bars(&counts, 1).concat();
            spans.push(Span::styled(format!("{bar}  "), theme.dim()));
        }
        let (times, width) = self.times;
        let time = |ms: Option<i64>| ms.map_or(String::new(), |ms| moment(digest, ms));
        let (first, last) = (time(template.span.map(|span| span.0)), time(template.span.map(|span| span.1)));
        let words = match times {
            2 if first == last => format!("{first:width$}   {:width$}  ", ""),
            2 => format!("{first:width$} – {last:width$}  "),
            1 => format!("{first:width$}  "),
            _ => String::new(),
        };
        spans.push(Span::styled(words, theme.dim()));
        spans.push(Span::raw(text::end(&super::work::visible(&template.text), self.text)));
        Line::from(spans)
    }
}

fn level_style(level: Level, theme: Theme) -> Style {
    match level {
        Level::Error | Level::Fatal => theme.error(),
        Level::Warn => theme.code(),
        Level::Trace | Level::Debug | Level::Info | Level::Notice => theme.dim(),
    }
}

// The citations.

fn cites(panel: &mut LogPanel, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(area.width);
    let unread = |log: &&Attachment| matches!(panel.records.get(&log.id), None | Some(Record::Reading));
    let reading = panel.logs.iter().filter(unread).count();
    let failed: Vec<String> = panel
        .logs
        .iter()
        .filter_map(|log| match panel.records.get(&log.id)? {
            Record::Failed(why) => Some(format!("{}: {why}", text::printable(&log.name))),
            Record::Reading | Record::Ready(_) => None,
        })
        .collect();
    let Some(View::Cites(view)) = panel.views.last_mut() else { return Vec::new() };
    let mut rows: Vec<Line<'static>> = Vec::new();
    let note = match (reading, view.listed.len()) {
        (1.., _) => Some("reading what is attached…".to_owned()),
        (0, 0) => Some("The answers cite no line and no row of what is attached.".to_owned()),
        _ if view.more > 0 => Some(format!("{} more are not listed", text::thousands(view.more as u64))),
        _ => None,
    };
    let height = usize::from(area.height).saturating_sub(usize::from(note.is_some()) + failed.len()).max(1);
    let top = view.choice.top(height, view.listed.len());
    let shown = view.listed.iter().enumerate().skip(top).take(height);
    rows.extend(shown.map(|(row, _)| cite_row(view, row, width, theme)));
    rows.extend(failed.into_iter().map(|why| Line::styled(text::end(&why, width), theme.error())));
    rows.extend(note.map(|note| Line::styled(note, theme.dim())));
    rows
}

fn cite_row(view: &Cites, row: usize, width: usize, theme: Theme) -> Line<'static> {
    let one = &view.listed[row];
    let widest = view.listed.iter().map(|one| one.words.width()).max().unwrap_or(0).min(width / 2);
    let words = text::middle(&one.words, widest);
    let padding = " ".repeat(widest.saturating_sub(words.width()));
    let (mark, style) = if one.missing.is_some() { ("? ", theme.error()) } else { ("  ", theme.accent()) };
    let (behind, behind_style) = match &one.missing {
        Some(missing) => (missing, theme.error()),
        None => (&one.context, theme.dim()),
    };
    let behind = text::end(behind, width.saturating_sub(widest + 4));
    let line = Line::from(vec![
        Span::styled(format!("{mark}{words}{padding}"), style),
        Span::styled(format!("  {behind}"), behind_style),
    ]);
    if row == view.choice.at { line.patch_style(theme.selected()) } else { line }
}

// The lines.

fn lines(panel: &mut LogPanel, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(area.width);
    let Some(View::Lines(view)) = panel.views.last_mut() else { return Vec::new() };
    let mut rows = vec![Line::styled(text::end(&view.title, width), theme.strong())];
    let looked = match &view.state {
        State::Waiting { .. } => {
            rows.push(Line::styled("looking it up… esc stops", theme.dim()));
            return rows;
        }
        State::Failed(why) => {
            rows.push(Line::styled(text::printable(why), theme.error()));
            return rows;
        }
        State::Shown(looked) => looked,
    };
    let marked = match view.marked.len() {
        0 => String::new(),
        marks => format!(" · {} marked", text::thousands(marks as u64)),
    };
    let notes: String = looked.notes.iter().map(|note| format!(" · {}", text::printable(note))).collect();
    let foot = Line::styled(text::end(&format!("{}{marked}{notes}", looked.count), width), theme.dim());
    let height = usize::from(area.height).saturating_sub(rows.len() + 1).max(1);
    let top = view.choice.top(height, looked.lines.len());
    let head = looked.lines.iter().map(|line| line.head.width()).max().unwrap_or(0).min(width / 2);
    let room = width.saturating_sub(head + 3);
    for (row, line) in looked.lines.iter().enumerate().skip(top).take(height) {
        let mark = if view.marked.contains(&row) { "•" } else { " " };
        let shown = text::middle(&line.head, head);
        let padding = " ".repeat(head.saturating_sub(shown.width()));
        let about = view.is_about(line);
        let style = if about { theme.accent() } else { theme.dim() };
        let off = text::prefix(&line.text, view.shift).len();
        let shown = Line::from(vec![
            Span::styled(format!("{mark}{padding}{shown}  "), style),
            Span::styled(
                text::end(&line.text[off..], room),
                if about { theme.strong() } else { theme.plain() },
            ),
        ]);
        rows.push(if row == view.choice.at { shown.patch_style(theme.selected()) } else { shown });
    }
    rows.push(foot);
    rows
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn what_counts_something_is_drawn() {
        assert_eq!(bars(&[0, 1, 50, 100], 1), [" ▁▄█"]);
        assert_eq!(bars(&[0, 1, 50, 100], 2), ["   █", " ▁██"]);
        assert_eq!(bars(&[0, 0], 1), ["  "]);
        assert_eq!(bars(&[u64::MAX, 1], 1), ["█▁"]);
    }
}
