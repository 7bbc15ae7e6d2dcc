//! Colours: those of the terminal's own palette, its default foreground, dim for what is
//! secondary, and few accents. Without colours, modifiers alone.
//!
//! The palette's yellow and cyan can't be read on white, and its blue hardly on black, so
//! each ground has its own choice, and where the ground isn't known only the two colours
//! are taken that can be read on both.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// What the person wants the colours for: `[chat] theme`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Palette {
    /// What the terminal says of its ground in `COLORFGBG`; else colours for both.
    #[default]
    Auto,
    /// A dark ground.
    Dark,
    /// A light ground.
    Light,
    /// No colours.
    Mono,
}

/// The styles of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Theme {
    accent: Color,
    error: Color,
    ready: Color,
    code: Color,
    unsure: Color,
    keyword: Color,
    string: Color,
    number: Color,
    function: Color,
}

const DARK: Theme = Theme {
    accent: Color::Cyan,
    error: Color::LightRed,
    ready: Color::Green,
    code: Color::Yellow,
    unsure: Color::Yellow,
    keyword: Color::Magenta,
    string: Color::Green,
    number: Color::Cyan,
    function: Color::LightBlue,
};

const LIGHT: Theme = Theme {
    accent: Color::Blue,
    error: Color::Red,
    ready: Color::Blue,
    code: Color::Magenta,
    unsure: Color::Red,
    keyword: Color::Blue,
    string: Color::Red,
    number: Color::Magenta,
    function: Color::Blue,
};

const BOTH: Theme = Theme {
    accent: Color::Magenta,
    error: Color::Red,
    ready: Color::Reset,
    code: Color::Magenta,
    unsure: Color::Red,
    keyword: Color::Magenta,
    string: Color::Red,
    number: Color::Reset,
    function: Color::Reset,
};

const MONO: Theme = Theme {
    accent: Color::Reset,
    error: Color::Reset,
    ready: Color::Reset,
    code: Color::Reset,
    unsure: Color::Reset,
    keyword: Color::Reset,
    string: Color::Reset,
    number: Color::Reset,
    function: Color::Reset,
};

impl Theme {
    /// The colours for a palette; `ground` is what the terminal says of itself (`COLORFGBG`).
    pub(super) fn new(palette: Palette, ground: Option<&str>) -> Self {
        match (palette, ground.and_then(is_dark)) {
            (Palette::Mono, _) => MONO,
            (Palette::Dark, _) | (Palette::Auto, Some(true)) => DARK,
            (Palette::Light, _) | (Palette::Auto, Some(false)) => LIGHT,
            (Palette::Auto, None) => BOTH,
        }
    }

    pub(super) fn plain(self) -> Style {
        Style::new()
    }

    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Words that are not for good.
    pub(super) fn partial(self) -> Style {
        self.dim().add_modifier(Modifier::ITALIC)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Who speaks, what is selected, headings.
    pub(super) fn accent(self) -> Style {
        color(self.accent).add_modifier(Modifier::BOLD)
    }

    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn error(self) -> Style {
        color(self.error)
    }

    pub(super) fn ready(self) -> Style {
        color(self.ready)
    }

    pub(super) fn code(self) -> Style {
        color(self.code)
    }

    /// A place that an answer cites.
    pub(super) fn cite(self) -> Style {
        color(self.accent)
    }

    /// Words that were looked for, where they stand.
    pub(super) fn found(self) -> Style {
        color(self.accent).add_modifier(Modifier::BOLD)
    }

    /// Words that the model was unsure of.
    pub(super) fn unsure(self) -> Style {
        color(self.unsure).add_modifier(Modifier::UNDERLINED)
    }

    pub(super) fn keyword(self) -> Style {
        color(self.keyword)
    }

    pub(super) fn string(self) -> Style {
        color(self.string)
    }

    pub(super) fn number(self) -> Style {
        color(self.number)
    }

    pub(super) fn function(self) -> Style {
        color(self.function)
    }
}

/// The terminal's own foreground is no colour: it stays what is around it.
fn color(color: Color) -> Style {
    if color == Color::Reset { Style::new() } else { Style::new().fg(color) }
}

/// Whether the ground is dark, from `COLORFGBG` (`15;0`, `0;default;15`): its last field
/// is the palette's number of the ground; 7 and those above 8 are the light ones.
fn is_dark(ground: &str) -> Option<bool> {
    let number: u8 = ground.rsplit(';').next()?.trim().parse().ok()?;
    (number < 16).then_some(number < 7 || number == 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colors(theme: Theme) -> [Color; 9] {
        let Theme { accent, error, ready, code, unsure, keyword, string, number, function } = theme;
        [accent, error, ready, code, unsure, keyword, string, number, function]
    }

    #[test]
    fn the_ground_decides_and_what_the_person_says_goes_before() {
        assert_eq!(Theme::new(Palette::Auto, Some("15;0")), DARK);
        assert_eq!(Theme::new(Palette::Auto, Some("0;default;15")), LIGHT);
        for unknown in [None, Some(""), Some("15;default"), Some("0;99")] {
            assert_eq!(Theme::new(Palette::Auto, unknown), BOTH, "{unknown:?}");
        }
        assert_eq!(Theme::new(Palette::Light, Some("15;0")), LIGHT);
        assert_eq!(Theme::new(Palette::Dark, Some("0;15")), DARK);
        assert_eq!(Theme::new(Palette::Mono, Some("15;0")), MONO);
    }

    #[test]
    fn no_ground_gets_a_colour_that_can_not_be_read_on_it() {
        let on_white = [Color::Yellow, Color::Cyan, Color::Green, Color::White];
        let on_black = [Color::Blue, Color::Black];
        for theme in [LIGHT, BOTH] {
            assert!(colors(theme).iter().all(|color| !on_white.contains(color)), "{theme:?}");
        }
        for theme in [DARK, BOTH] {
            assert!(colors(theme).iter().all(|color| !on_black.contains(color)), "{theme:?}");
        }
        // The palette alone: what the person chose for the terminal holds here too.
        for theme in [DARK, LIGHT, BOTH, MONO] {
            assert!(!colors(theme).iter().any(|color| matches!(color, Color::Rgb(..) | Color::Indexed(_))));
        }
    }
}
