//! Text without a screen around it: one line, or pieces scattered over the picture.

use super::artist::{Artist, Drawing, Question};
use super::theme::shifted;

/// What a line is asked for.
const ASKED: [&str; 2] = ["Read the text.", "What does the text say?"];

/// One line of at most so many characters, cut to what fits, somewhere in the picture.
pub(super) fn line(mut artist: Artist<'_>, characters: usize, sizes: (f32, f32), noise: f32) -> Drawing {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let monospaced = artist.rng.chance(0.7);
    let (least, most) = (sizes.0, sizes.1.min(height / 1.3));
    let face = if monospaced { artist.mono_face(least, most) } else { artist.window_face(least, most) };
    let text = artist.words().line(characters, noise);
    let text = match face.fit(&text, width - 6.0) {
        "" => "x".to_owned(),
        fits => fits.to_owned(),
    };
    let x = 3.0 + artist.rng.unit() * (width - 6.0 - face.width(&text)).max(0.0);
    let y = artist.rng.unit() * (height - face.height).max(0.0);
    let colour = if artist.rng.chance(0.25) { artist.theme.accent } else { artist.theme.ink };
    artist.canvas.text(x.round(), y.round(), &text, &face, colour);
    let ask = *artist.rng.pick(&ASKED);
    let question = Question::text(ask, &text, &[]);
    artist.finish(vec![question], None, text, Vec::new())
}

/// Pieces of text in changing fonts all over the picture, and nothing asked: for the vision part
/// of a model, which is to know a character wherever it stands.
pub(super) fn scattered(mut artist: Artist<'_>) -> Drawing {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let mut y = artist.rng.unit() * 8.0;
    loop {
        let monospaced = artist.rng.chance(0.6);
        let face = if monospaced { artist.mono_face(11.0, 22.0) } else { artist.window_face(11.0, 22.0) };
        if y + face.height > height {
            break;
        }
        if artist.rng.chance(0.2) {
            let stripe = shifted(artist.theme.back, 14);
            artist.canvas.rect(0.0, y, width, y + face.height, stripe);
        }
        let mut x = artist.rng.unit() * 60.0;
        loop {
            let text = artist.words().line(14, 0.5);
            if x + face.width(&text) > width - 1.0 {
                break;
            }
            let colour = if artist.rng.chance(0.3) { artist.theme.accent } else { artist.theme.ink };
            x = artist.canvas.text(x.round(), y.round(), &text, &face, colour);
            x += 6.0 + artist.rng.unit() * 34.0;
        }
        y += face.height + artist.rng.unit() * 8.0;
    }
    artist.finish(Vec::new(), None, String::new(), Vec::new())
}
