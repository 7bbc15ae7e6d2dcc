//! Colours of screens.

use super::canvas::Colour;
use crate::eval::rng::Rng;

/// What a screen is drawn in; the contrast is always enough to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    pub(super) back: Colour,
    /// A little apart from the back: bars, panels, rows.
    pub(super) panel: Colour,
    pub(super) ink: Colour,
    /// Lines and frames.
    pub(super) line: Colour,
    pub(super) accent: Colour,
}

impl Theme {
    /// Half of the screens are dark.
    pub(super) fn any(rng: &mut Rng) -> Self {
        if rng.chance(0.5) { Self::dark(rng) } else { Self::light(rng) }
    }

    /// A terminal's: dark more often.
    pub(super) fn terminal(rng: &mut Rng) -> Self {
        if rng.chance(0.7) { Self::dark(rng) } else { Self::light(rng) }
    }

    fn dark(rng: &mut Rng) -> Self {
        const KNOWN: [Colour; 5] = [[0, 0, 0], [30, 30, 30], [40, 42, 54], [0, 43, 54], [48, 10, 36]];
        const INKS: [Colour; 4] = [[255, 255, 255], [204, 204, 204], [131, 220, 131], [248, 248, 242]];
        let back = if rng.chance(0.5) { any_colour(rng, 0, 48) } else { *rng.pick(&KNOWN) };
        let ink = if rng.chance(0.4) { any_colour(rng, 160, 255) } else { *rng.pick(&INKS) };
        let accent = vivid(rng, 120, 255);
        Self { back, panel: shifted(back, 22), ink, line: shifted(back, 60), accent }
    }

    fn light(rng: &mut Rng) -> Self {
        let back = if rng.chance(0.5) { [255; 3] } else { any_colour(rng, 226, 255) };
        let ink = if rng.chance(0.5) { any_colour(rng, 0, 80) } else { [0; 3] };
        let accent = vivid(rng, 0, 150);
        Self { back, panel: shifted(back, -18), ink, line: shifted(back, -70), accent }
    }
}

/// A colour whose parts lie between two numbers.
pub(super) fn any_colour(rng: &mut Rng, least: u8, most: u8) -> Colour {
    let part = |rng: &mut Rng| u8::try_from(rng.range(u32::from(least)..=u32::from(most))).unwrap_or(most);
    [part(rng), part(rng), part(rng)]
}

/// One with two parts as far from each other as they can be.
fn vivid(rng: &mut Rng, least: u8, most: u8) -> Colour {
    let mut colour = [least, most, any_colour(rng, least, most)[0]];
    rng.shuffle(&mut colour);
    colour
}

/// Lighter, or darker.
pub(super) fn shifted(colour: Colour, by: i16) -> Colour {
    colour.map(|part| u8::try_from((i16::from(part) + by).clamp(0, 255)).unwrap_or(part))
}

/// Black or white, whichever can be read on this colour (luma of ITU-R BT.601).
pub(super) fn ink_on([red, green, blue]: Colour) -> Colour {
    let luma = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    if luma > 140_000 { [15; 3] } else { [250; 3] }
}
