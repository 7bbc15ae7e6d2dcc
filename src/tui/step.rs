//! A step of the assistant's in the conversation: what was run, by whose leave, and the
//! beginning of what came of it.

use ratatui::text::{Line, Span};

use super::theme::Theme;
use super::wrap::wrap;
use crate::agent::Step;
use crate::message::{Finding, Outcome, ToolResult};
use crate::text;
use crate::tools::builtin::BuiltIn;

/// Lines of an output that are shown while it is folded.
const FOLDED: usize = 6;

/// The most lines of an output that are shown at all: it is in the export, or on disk.
const UNFOLDED: usize = 2_000;

/// Columns of what was looked for, in the line of a search.
const QUERY_COLUMNS: usize = 40;

/// The lines of a step.
pub(super) fn lines(result: &ToolResult, folded: bool, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let shown = text::printable(&result.shown);
    let mut lines: Vec<Line<'static>> = shown
        .split('\n')
        .flat_map(|line| wrap(&[Span::styled(line.to_owned(), theme.code())], width, 2))
        .collect();
    if result.outcome == Outcome::Pending {
        let leave = text::printable(&result.leave);
        if !leave.is_empty() {
            lines.extend(wrap(&[Span::styled(leave, theme.dim())], width, 2));
        }
        return lines;
    }
    let took = match result.took_ms {
        0 => String::new(),
        ms => format!(" · {:.2} s", ms as f64 / 1000.0),
    };
    let style = if result.outcome == Outcome::Done { theme.dim() } else { theme.error() };
    let leave = text::printable(&result.leave);
    lines.extend(wrap(&[Span::styled(format!("{leave}{took}"), style)], width, 2));
    let text = text::printable(&result.text);
    let all: Vec<&str> = text.lines().collect();
    let most = if folded { FOLDED } else { UNFOLDED };
    // One line more takes no more room than saying that there is one.
    let kept = if all.len() <= most + 1 { all.len() } else { most };
    for line in &all[..kept] {
        let line = line.replace('\t', "    ");
        match folded {
            true => lines.push(output_line(&text::end(&line, width.saturating_sub(2).max(1)), theme)),
            false => lines.extend(wrap(&[Span::styled(format!("│ {line}"), theme.dim())], width, 2)),
        }
    }
    if kept < all.len() {
        let keys = if folded { " · ctrl+o shows them" } else { "" };
        let more = format!("… {} more lines{keys}", text::thousands((all.len() - kept) as u64));
        lines.push(output_line(&more, theme));
    }
    lines
}

/// Whether a step searched the index and came to an end: it is shown as what it found.
pub(super) fn finds(result: &ToolResult) -> bool {
    result.name == BuiltIn::FIND_DOCUMENTS && result.outcome == Outcome::Done
}

/// `▸ find_documents "alsa linker error"   3 passages   0.01 s`
pub(super) fn found_header(result: &ToolResult, theme: Theme) -> Line<'static> {
    // It is shown as it was called: its name, and its arguments as JSON.
    let arguments = result.shown.split_once(' ').map_or("", |(_, arguments)| arguments);
    let arguments: serde_json::Value = serde_json::from_str(arguments).unwrap_or_default();
    let query = text::one_line(arguments["query"].as_str().unwrap_or_default());
    let pictures = result.findings.iter().filter(|finding| finding.picture).count() as u64;
    let passages = result.findings.len() as u64 - pictures;
    let count = match (passages, pictures) {
        (0, 0) => "nothing found".to_owned(),
        (0, pictures) => text::counted(pictures, "picture", "pictures"),
        (passages, 0) => text::counted(passages, "passage", "passages"),
        (passages, pictures) => {
            let pictures = text::counted(pictures, "picture", "pictures");
            format!("{}, {pictures}", text::counted(passages, "passage", "passages"))
        }
    };
    Line::from(vec![
        Span::styled(format!("▸ {}", result.name), theme.strong()),
        Span::styled(format!(" \"{}\"", text::end(&query, QUERY_COLUMNS)), theme.code()),
        Span::styled(format!("   {count}   {:.2} s", result.took_ms as f64 / 1000.0), theme.dim()),
    ])
}

/// What it found, where that is unfolded: each behind its place, with why and its score.
pub(super) fn found(result: &ToolResult, folded: bool, width: usize, theme: Theme) -> Vec<Line<'static>> {
    if folded {
        return Vec::new();
    }
    let line = |finding: &Finding| {
        let (cite, why) = (text::one_line(&finding.cite()), text::one_line(&finding.why));
        let words = [Span::styled(cite, theme.accent()), Span::styled(format!("  {why}"), theme.dim())];
        wrap(&words, width, 2)
    };
    result.findings.iter().flat_map(line).collect()
}

fn output_line(line: &str, theme: Theme) -> Line<'static> {
    Line::styled(format!("│ {line}"), theme.dim())
}

/// What goes on, in words.
pub(super) fn words(step: &Step, stopping: bool) -> String {
    match step {
        _ if stopping => "stopping".to_owned(),
        Step::Judging => "looking at what it would do".to_owned(),
        Step::Asking(_) => "asks you".to_owned(),
        Step::Running { for_ms, outward, .. } => {
            let time = if *for_ms >= 1000 { format!(" for {} s", for_ms / 1000) } else { String::new() };
            format!("running{time}{}", if *outward { ", may reach the network" } else { "" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::theme::Palette;
    use super::*;

    fn result(outcome: Outcome, lines: usize) -> ToolResult {
        ToolResult {
            id: "1".into(),
            name: "shell".into(),
            shown: "df -h".into(),
            leave: "`df` is known to only read".into(),
            outcome,
            text: (0..lines).map(|n| format!("line {n}\u{7}")).collect::<Vec<_>>().join("\n"),
            outside: true,
            whole: None,
            findings: Vec::new(),
            took_ms: 20,
        }
    }

    fn drawn(result: &ToolResult, folded: bool) -> Vec<String> {
        let theme = Theme::new(Palette::Mono, None);
        lines(result, folded, 40, theme).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_search_is_a_line_of_what_it_found() {
        let finding = |picture| Finding {
            passage: 1,
            file: "docs/a.md".into(),
            place: "3".into(),
            path: "/docs/a.md".into(),
            heading: Vec::new(),
            why: "words · 7.5".into(),
            picture,
        };
        let searched = |findings| ToolResult {
            name: "find_documents".into(),
            shown: r#"find_documents {"query":"alsa \u001b[31m"}"#.into(),
            findings,
            ..result(Outcome::Done, 3)
        };
        let theme = Theme::new(Palette::Mono, None);
        let header = |findings| found_header(&searched(findings), theme).to_string();
        assert_eq!(header(vec![finding(false)]), "▸ find_documents \"alsa ␛[31m\"   1 passage   0.02 s");
        let both = vec![finding(true), finding(false), finding(false)];
        assert_eq!(header(both), "▸ find_documents \"alsa ␛[31m\"   2 passages, 1 picture   0.02 s");
        assert_eq!(header(Vec::new()), "▸ find_documents \"alsa ␛[31m\"   nothing found   0.02 s");
        assert!(found(&searched(vec![finding(false)]), true, 40, theme).is_empty());
        let shown = found(&searched(vec![finding(false)]), false, 40, theme);
        assert_eq!(shown[0].to_string(), "docs/a.md:3  words · 7.5");
        assert!(!finds(&ToolResult { outcome: Outcome::Failed, ..searched(Vec::new()) }));
    }

    #[test]
    fn a_long_output_is_folded_and_unfolds() {
        let short = drawn(&result(Outcome::Done, 7), true);
        assert_eq!(short[..3], ["df -h", "`df` is known to only read · 0.02 s", "│ line 0␇"]);
        assert_eq!(short.len(), 9, "one line more than is folded stays: {short:?}");
        let long = drawn(&result(Outcome::Done, 50), true);
        assert_eq!((long.len(), long.last().unwrap().as_str()), (9, "│ … 44 more lines · ctrl+o shows them"));
        assert_eq!(drawn(&result(Outcome::Done, 50), false).len(), 52);
        assert_eq!(drawn(&result(Outcome::Pending, 0), true), ["df -h", "`df` is known to only read"]);
    }
}
