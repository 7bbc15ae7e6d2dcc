//! Draws the screen: one transcript, one composer, one status line.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use ratatui_textarea::TextArea;
use unicode_width::UnicodeWidthStr;

use super::app::App;
use super::dictate;
use super::panel;
use super::step;
use super::theme::Theme;
use super::transcript::{about, progress_words};
use super::wrap::wrap;
use crate::agent::{Agent, Chip, ChipState, EngineState, Step, Turn};
use crate::attachment::Medium;
use crate::text;
use crate::wire::Stage;

/// Lines that the composer may grow to.
const MOST_COMPOSER_LINES: u16 = 10;

/// Lines that the chips may take.
const MOST_CHIP_LINES: u16 = 3;

/// In less room than this a question takes all of it.
const ROOM_ABOVE: u16 = 15;

/// Below this nothing useful can be drawn.
const LEAST: (u16, u16) = (20, 6);

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, agent: &Agent) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return frame.render_widget(Paragraph::new("percept needs a bigger window"), area);
    }
    let chips = chip_lines(agent, area.width as usize, app.theme);
    let chip_rows = u16::try_from(chips.len()).unwrap_or(u16::MAX).min(MOST_CHIP_LINES);
    let dictated = dictate::shown(app);
    let shown = dictated.as_ref().map_or(&app.composer, |(composer, _)| composer);
    let composer_rows = composer_rows(shown, area.width).min(area.height / 3).max(1);
    let [header, body, rule, composer, below, status] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(composer_rows),
        Constraint::Length(chip_rows),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_header(frame, header, app.theme, agent);
    draw_body(frame, body, app, agent);
    let more = if app.transcript.more_below() { " more below · ctrl+end " } else { "" };
    let line = dictate::rule(&app.dictate.look, rule.width as usize, more, app.theme);
    frame.render_widget(Paragraph::new(line), rule);
    let [prompt, text] = Layout::horizontal([Constraint::Length(2), Constraint::Min(1)]).areas(composer);
    frame.render_widget(Paragraph::new(Span::styled("›", app.theme.accent())), prompt);
    match &dictated {
        None => frame.render_widget(&app.composer, text),
        Some((composer, stands)) => {
            frame.render_widget(composer, text);
            dictate::mark(frame.buffer_mut(), text, composer, stands, app.theme.partial());
        }
    }
    frame.render_widget(Paragraph::new(chips), below);
    draw_status(frame, status, app, agent);
    draw_completion(frame, rule, app);
}

fn composer_rows(composer: &TextArea<'_>, width: u16) -> u16 {
    let width = usize::from(width.saturating_sub(3)).max(1);
    let rows: usize = composer.lines().iter().map(|line| line.width() / width + 1).sum();
    u16::try_from(rows).unwrap_or(u16::MAX).min(MOST_COMPOSER_LINES)
}

fn draw_header(frame: &mut Frame<'_>, area: Rect, theme: Theme, agent: &Agent) {
    let model = match (&agent.model, &agent.engine) {
        (Some(model), _) => model.name.clone(),
        (None, EngineState::Empty) => "no model".to_owned(),
        (None, _) => String::new(),
    };
    let context = match agent.ledger.context {
        0 => String::new(),
        context => format!(" · ctx {}%", agent.ledger.total_tokens * 100 / context),
    };
    let unsaved = if agent.unsaved.is_some() { " · NOT SAVED" } else { "" };
    let right = format!(" {model}{context}{unsaved} ");
    let width = area.width as usize;
    let room = width.saturating_sub(right.width() + 12);
    let title = if agent.title.is_empty() { "new conversation" } else { &agent.title };
    let left = format!(" percept ─ {} ", text::end(&text::printable(title).replace('\n', " "), room.max(1)));
    let fill = "─".repeat(width.saturating_sub(left.width() + right.width()));
    let line = Line::from(vec![
        Span::styled(left, theme.strong()),
        Span::styled(fill, theme.dim()),
        Span::styled(right, if agent.unsaved.is_some() { theme.error() } else { theme.dim() }),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

fn draw_body(frame: &mut Frame<'_>, area: Rect, app: &mut App, agent: &Agent) {
    if app.panel.is_some() {
        return panel::draw(frame, area, app, agent);
    }
    let whole = area;
    let asks = agent.asking().is_some();
    // The end of the conversation stays in sight above the dialog.
    let above = if area.height < ROOM_ABOVE { 0 } else { area.height / 3 };
    let area = if asks { Rect { height: above, ..area } } else { area };
    let mut lines = app.transcript.lines(agent, area.width as usize, area.height as usize, app.theme);
    if agent.transcript.is_empty() {
        let mut welcome = welcome(agent, area.width as usize, app);
        welcome.truncate((area.height as usize).saturating_sub(lines.len()));
        welcome.extend(lines);
        lines = welcome;
    }
    frame.render_widget(Paragraph::new(lines), area);
    let theme = app.theme;
    if let Some((_, plan)) = agent.asking()
        && let Some(approval) = app.asks(agent)
    {
        let foot = Rect { y: area.y + area.height, height: whole.height - area.height, ..whole };
        approval.draw(frame, foot, plan, theme);
    }
}

/// What stands on an empty screen.
fn welcome(agent: &Agent, width: usize, app: &App) -> Vec<Line<'static>> {
    let mut texts = vec![
        "Attach a screenshot or a text file, and ask about it.".to_owned(),
        "Drag a file here, type @ and a part of its name, or ctrl+v for the clipboard.".to_owned(),
        match agent.leaves_to() {
            // A notice says what goes there.
            None if !app.options.helpers.is_empty() => "? shows the keys.".to_owned(),
            None => "Everything runs on this machine; nothing is sent anywhere unless you allow it. ? shows the keys."
                .to_owned(),
            Some(address) => format!(
                "What you send, with what is attached, goes to {}. ? shows the keys.",
                text::printable(address)
            ),
        },
    ];
    if agent.model.as_ref().is_some_and(|model| model.starter) {
        texts.push(String::new());
        texts.push(
            "This is the starter model: tiny, made to show that everything works. It reads short text in small \
             dialogs and terminals, gets many pictures wrong, knows nothing of the world, and sees only your last \
             question and picture. Without a picture it calls a tool for plain requests (run df -h)."
                .to_owned(),
        );
        texts.push(
            "For a bigger one: percept models list, percept models pull NAME, then /model NAME.".to_owned(),
        );
    }
    let theme = app.theme;
    let wrapped = texts
        .iter()
        .flat_map(|text| wrap(&[Span::styled(text.clone(), theme.dim())], width.saturating_sub(2), 0));
    std::iter::once(Line::default())
        .chain(wrapped.map(|mut line| {
            line.spans.insert(0, Span::raw("  "));
            line
        }))
        .chain([Line::default()])
        .collect()
}

fn chip_lines(agent: &Agent, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut spans = Vec::new();
    for chip in &agent.chips {
        let (words, style) = chip_words(chip, agent);
        // One chip is one word for the wrapping, as far as its width allows.
        spans.push(Span::styled(format!("[{}]", words.replace(' ', "\u{a0}")), style(theme)));
        spans.push(Span::raw(" "));
    }
    match spans.is_empty() {
        true => Vec::new(),
        false => wrap(&spans, width.saturating_sub(2), 0)
            .into_iter()
            .map(|mut line| {
                for span in &mut line.spans {
                    span.content = span.content.replace('\u{a0}', " ").into();
                }
                line.spans.insert(0, Span::raw("  "));
                line
            })
            .collect(),
    }
}

type StyleOf = fn(Theme) -> ratatui::style::Style;

fn chip_words(chip: &Chip, agent: &Agent) -> (String, StyleOf) {
    match &chip.state {
        ChipState::Taking => (format!("{} · reading…", chip.name), Theme::dim),
        ChipState::Reading { says } => (format!("{} · {says}", chip.name), Theme::dim),
        ChipState::Failed { .. } => (format!("✗ {}", chip.name), Theme::error),
        ChipState::Taken { attachment, cached, tokens } => {
            let guess = if agent.ledger.estimated { "~" } else { "" };
            let tokens =
                tokens.map_or(String::new(), |tokens| format!(" · {guess}{} tok", text::thousands(tokens)));
            let state = match (&agent.turn, cached) {
                (_, true) => " · ready".to_owned(),
                (Turn::Prefilling { progress: Some((Stage::Encoding, done, total)), .. }, _)
                    if matches!(attachment.medium, Medium::Image { .. }) =>
                {
                    format!(" · encoding {} of {total}", (done + 1).min(*total))
                }
                (Turn::Prefilling { progress: Some((Stage::Prefill, done, total)), .. }, _) if *total > 0 => {
                    format!(" · {}%", done * 100 / total)
                }
                _ => String::new(),
            };
            (format!("{}{tokens}{state}", about(attachment)), Theme::plain)
        }
    }
}

fn draw_status(frame: &mut Frame<'_>, area: Rect, app: &App, agent: &Agent) {
    let theme = app.theme;
    let (state, style) = state_words(agent, theme);
    let width = area.width as usize;
    let banner = banner(agent, &app.options.helpers, width / 3);
    let most = (width / 2).saturating_sub(banner.width());
    // The speed gives way before the state does.
    let speed = app.speed.words(agent).map(|speed| format!("{speed} · {state}"));
    let state = speed.filter(|both| both.width() <= most).unwrap_or(state);
    let index = app.index.words().map(|index| format!("{index} · {state}"));
    let state = index.filter(|both| both.width() <= most).unwrap_or(state);
    let right = format!(" {} ", text::end(&state, most.max(5)));
    let taken = right.width() + banner.width();
    let room = width.saturating_sub(taken + 1);
    let said = app.said.as_deref().or_else(|| app.dictate.keys());
    let keys = match (said, &agent.turn) {
        (Some(said), _) => said,
        (None, Turn::Answering { stopping: true, .. } | Turn::Compacting { stopping: true, .. }) => {
            "esc again ends the worker · ? help"
        }
        (None, Turn::Acting { step: Step::Asking(_), .. }) => {
            "decide above · ctrl+o the last outputs · ? help"
        }
        (None, _) if agent.busy() => "esc stop · pgup scroll · ? help",
        (None, _) if agent.editing().is_some() => "editing: enter makes a branch · esc leaves all as it was",
        (None, _) if app.options.dictation.is_ok() => {
            "enter send · @ attach · ctrl+r talk · tab look · ? help"
        }
        (None, _) => "enter send · alt+enter newline · @ attach · tab look · ? help",
    };
    let left = format!(" {}", text::end(keys, room));
    let fill = " ".repeat(width.saturating_sub(left.width() + taken));
    let left_style = if app.said.is_some() { theme.plain() } else { theme.dim() };
    let line = Line::from(vec![
        Span::styled(left, left_style),
        Span::raw(fill),
        Span::styled(banner, theme.accent()),
        Span::styled(right, style),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// Where what is sent leaves this machine to. It never gives way.
fn banner(agent: &Agent, helpers: &[String], most: usize) -> String {
    let mut hosts: Vec<&str> = agent.leaves_to().into_iter().collect();
    hosts.extend(helpers.iter().map(String::as_str).filter(|host| agent.leaves_to() != Some(host)));
    match hosts.is_empty() {
        true => String::new(),
        false => format!(" → {} ·", text::end(&text::printable(&hosts.join(", ")), most.max(8))),
    }
}

/// The worker's state, and how far it is.
fn state_words(agent: &Agent, theme: Theme) -> (String, ratatui::style::Style) {
    match (&agent.engine, &agent.turn) {
        (EngineState::Starting, _) => ("starting".to_owned(), theme.dim()),
        (EngineState::Empty, _) => ("no model loaded".to_owned(), theme.dim()),
        (EngineState::Loading { name, done, .. }, _) => {
            (format!("loading {name} {}%", done / 10), theme.dim())
        }
        (EngineState::Down { restarting: true, .. }, _) => {
            ("worker died, starting again".to_owned(), theme.error())
        }
        (EngineState::Down { .. }, _) => ("worker is not running".to_owned(), theme.error()),
        (
            EngineState::Ready(_),
            Turn::Answering { stopping: true, .. } | Turn::Compacting { stopping: true, .. },
        ) => ("stopping".to_owned(), theme.dim()),
        (EngineState::Ready(_), Turn::Answering { progress, .. }) => {
            (progress_words(*progress).unwrap_or_else(|| "answering".to_owned()), theme.ready())
        }
        (EngineState::Ready(_), Turn::Prefilling { progress, .. }) => {
            (progress_words(*progress).unwrap_or_else(|| "reading".to_owned()), theme.dim())
        }
        (EngineState::Ready(_), Turn::Compacting { progress, .. }) => {
            (progress_words(*progress).unwrap_or_else(|| "summing up".to_owned()), theme.ready())
        }
        (EngineState::Ready(_), Turn::Sending { .. }) => ("sending".to_owned(), theme.dim()),
        (EngineState::Ready(_), Turn::Acting { step, stopping, .. }) => {
            (step::words(step, *stopping), theme.ready())
        }
        (EngineState::Ready(_), Turn::Idle) => ("ready".to_owned(), theme.ready()),
    }
}

/// The candidates, above the composer.
fn draw_completion(frame: &mut Frame<'_>, rule: Rect, app: &App) {
    let Some(completion) = &app.completion else { return };
    let theme = app.theme;
    let rows = u16::try_from(completion.candidates.len()).unwrap_or(0).min(rule.y);
    let area = Rect { x: 0, y: rule.y - rows, width: rule.width, height: rows };
    let widest = completion.candidates.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let line = |(number, (name, words)): (usize, &(String, String))| {
        let style = if number == completion.selected { theme.selected() } else { theme.plain() };
        let shown = text::middle(name, (rule.width as usize).saturating_sub(4).max(1));
        let padding = " ".repeat(widest.saturating_sub(shown.width()));
        Line::from(vec![
            Span::raw("  "),
            Span::styled(shown + &padding, style),
            Span::styled(format!("  {words}"), theme.dim()),
        ])
    };
    let lines: Vec<Line<'_>> = completion.candidates.iter().enumerate().map(line).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}
