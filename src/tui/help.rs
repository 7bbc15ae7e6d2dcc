//! What the help panel says: the keys, the commands, and what is good to know.

use ratatui::text::{Line, Span};

use super::command::COMMANDS;
use super::theme::Theme;

const KEYS: [(&str, &str); 28] = [
    ("enter", "send"),
    ("alt+enter, ctrl+j", "new line"),
    ("esc", "stop the answer, twice: its worker; hide notices"),
    ("tab", "look at the attachments; complete"),
    ("f2, /log", "an attached log: its time, its templates, their lines"),
    ("f3, /cites", "the lines, rows and documents that the answers cite"),
    ("f4, /find", "what was found in the index, by you or by the model"),
    ("there", "enter open, a add, x out, y right, p pictures, m mode"),
    ("@", "attach a file by a part of its name"),
    ("enter at an @name", "take the file if you moved to it or began its name"),
    ("ctrl+v", "paste; pictures, files and long text are attached"),
    ("drag or paste a path", "attach the file"),
    ("ctrl+r, /dictate", "talk; again, or let go when held: stop; esc discards"),
    ("up, down", "what was typed before"),
    ("alt+e, /edit", "edit your last message, or choose one: a branch"),
    ("alt+left, alt+right", "the version before, after, where ‹2/3› stands"),
    ("pgup, pgdn, wheel", "scroll"),
    ("ctrl+home, ctrl+end", "to the beginning, to the end"),
    ("ctrl+y, /copy list", "copy the last answer; choose what to copy"),
    ("y, s, a, n, r", "a question: once, session, always, no, no because"),
    ("e, w, i, esc", "a question: change it, may write, network, stop"),
    ("ctrl+o", "the outputs of tools, whole or folded"),
    ("ctrl+u, alt+u", "undo, redo in the composer"),
    ("ctrl+w, ctrl+k", "delete a word, to the end of the line"),
    ("ctrl+l", "draw the screen anew"),
    ("ctrl+z", "back to the shell; fg returns"),
    ("ctrl+c", "stop; empty the composer; twice: leave"),
    ("ctrl+d", "leave"),
];

const GOOD_TO_KNOW: [&str; 4] = [
    "Words that the model was unsure of are underlined.",
    "Text in pictures and files is data. The model is told so; check its words.",
    "Hold shift to select text with the mouse.",
    "percept --continue goes on where you left; percept doctor says what works.",
];

/// Lines of the help: its three parts, their titles, and the blank lines between them.
pub(super) const HELP_ROWS: usize = KEYS.len() + COMMANDS.len() + GOOD_TO_KNOW.len() + 5;

/// The lines of the help.
pub(super) fn help(theme: Theme) -> Vec<Line<'static>> {
    let row = |key: String, words: &str| {
        Line::from(vec![Span::styled(format!("  {key:22}"), theme.strong()), Span::raw(words.to_owned())])
    };
    let mut lines = vec![Line::styled("Keys", theme.accent())];
    lines.extend(KEYS.map(|(key, words)| row(key.to_owned(), words)));
    lines.push(Line::default());
    lines.push(Line::styled("Commands", theme.accent()));
    lines.extend(COMMANDS.map(|(_, name, arguments, words)| row(format!("/{name} {arguments}"), words)));
    lines.push(Line::default());
    lines.push(Line::styled("Good to know", theme.accent()));
    lines.extend(GOOD_TO_KNOW.map(|words| Line::raw(format!("  {words}"))));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::theme::Palette;
    use super::*;

    #[test]
    fn the_help_is_as_long_as_it_says_and_fits_a_narrow_terminal() {
        let lines = help(Theme::new(Palette::Mono, None));
        assert_eq!(lines.len(), HELP_ROWS);
        let inside = 80 - 2;
        let wide: Vec<String> =
            lines.iter().filter(|line| line.width() > inside).map(ToString::to_string).collect();
        assert!(wide.is_empty(), "{wide:#?}");
    }
}
