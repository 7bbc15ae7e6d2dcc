//! Colours: the terminal's own palette, its default foreground, dim for what is
//! secondary, and few accents. Without colours, modifiers alone.

use ratatui::style::{Color, Modifier, Style};

/// The styles of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Theme {
    colors: bool,
}

impl Theme {
    pub(super) fn new(colors: bool) -> Self {
        Self { colors }
    }

    fn color(self, color: Color) -> Style {
        if self.colors { Style::new().fg(color) } else { Style::new() }
    }

    pub(super) fn plain(self) -> Style {
        Style::new()
    }

    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Who speaks, what is selected, headings.
    pub(super) fn accent(self) -> Style {
        self.color(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn error(self) -> Style {
        self.color(Color::Red)
    }

    pub(super) fn ready(self) -> Style {
        self.color(Color::Green)
    }

    pub(super) fn code(self) -> Style {
        self.color(Color::Yellow)
    }

    /// Words that the model was unsure of.
    pub(super) fn unsure(self) -> Style {
        self.color(Color::Yellow).add_modifier(Modifier::UNDERLINED)
    }

    pub(super) fn keyword(self) -> Style {
        self.color(Color::Magenta)
    }

    pub(super) fn string(self) -> Style {
        self.color(Color::Green)
    }

    pub(super) fn number(self) -> Style {
        self.color(Color::Cyan)
    }

    pub(super) fn function(self) -> Style {
        self.color(Color::Blue)
    }
}
