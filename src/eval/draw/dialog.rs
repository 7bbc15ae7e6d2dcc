//! Dialogs: a title bar, perhaps an icon, a message, a row of buttons; alone, or on a screen.

use super::artist::{Artist, Drawing, Question, Thing};
use super::face::Face;
use super::theme::{Theme, ink_on, shifted};
use crate::eval::words;

/// The share of small pictures that show a bit of a screen around the dialog.
const CUT_OUT: f32 = 0.35;

/// What a dialog holds.
struct Content {
    error: bool,
    title: String,
    message: String,
    buttons: Vec<&'static str>,
}

/// A dialog that fills the picture, or stands in front of a screen: always on a large picture,
/// where it has an ordinary size; on a small one as if it was cut out of a screen.
pub(super) fn dialog(mut artist: Artist<'_>) -> Drawing {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let is_large = width >= 600.0;
    let window = if is_large || artist.rng.chance(CUT_OUT) {
        desktop(&mut artist);
        let (wide, high) = match is_large {
            true => (artist.between(300.0, 440.0), artist.between(130.0, 200.0)),
            false => (width * artist.rng.between(0.7, 0.98), height * artist.rng.between(0.7, 0.98)),
        };
        let (wide, high) = (wide.min(width - 4.0), high.min(height - 4.0));
        let (x, y) = (artist.rng.unit() * (width - wide), artist.rng.unit() * (height - high));
        let corners = [x.round(), y.round(), (x + wide).round(), (y + high).round()];
        artist.canvas.shadow(corners, 10.0);
        corners
    } else {
        let margin = |artist: &mut Artist<'_>| artist.rng.between(2.0, 12.0).round();
        [margin(&mut artist), margin(&mut artist), width - margin(&mut artist), height - margin(&mut artist)]
    };
    artist.theme = Theme::any(artist.rng);
    let (line, back) = (artist.theme.line, artist.theme.back);
    artist.canvas.outline(window, 2.0, line, back);
    let content = draw(&mut artist, window);
    let questions = questions(&content);
    let caption = caption(&content);
    let mut things = vec![Thing::Dialog];
    things.extend(content.error.then_some(Thing::Error));
    artist.finish(questions, Some(caption), content.message, things)
}

/// A screen behind a dialog: a wallpaper, a bar, icons without names.
fn desktop(artist: &mut Artist<'_>) {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let bar = shifted(artist.theme.back, -30);
    artist.canvas.rect(0.0, height - 28.0, width, height, bar);
    for at in 0..artist.rng.range(2..=7) {
        let colour = super::theme::any_colour(artist.rng, 60, 230);
        let x = 10.0 + 34.0 * at as f32;
        artist.canvas.round([x, height - 25.0, x + 22.0, height - 3.0], 4.0, colour);
    }
}

fn draw(artist: &mut Artist<'_>, window: [f32; 4]) -> Content {
    let [left, _, right, bottom] = window;
    let scale = artist.scale;
    let error = artist.rng.chance(0.65);
    let title_face = artist.window_face(12.0, 15.0);
    let title = title(artist, error);
    let title = title_face.fit(&title, artist.title_room(window)).to_owned();
    let top = artist.title_bar(window, &title, &title_face) + artist.between(5.0, 10.0);
    let button_face = artist.window_face(12.0, 14.0);
    let button_height = button_face.height + 9.0 * scale;
    let mut text = left + artist.between(8.0, 16.0);
    if artist.rng.chance(0.5) {
        icon(artist, text, top, error);
        text += 34.0 * scale;
    }
    let face = artist.window_face(12.0, 16.0);
    let message = message(artist, error);
    let room = ((bottom - button_height - 10.0 * scale - top) / (face.height + 2.0)) as usize;
    let lines = face.wrap(&message, right - text - 8.0 * scale);
    let lines = &lines[..lines.len().min(room.max(1))];
    let (mut y, ink) = (top, artist.theme.ink);
    for line in lines {
        artist.canvas.text(text, y, line, &face, ink);
        y += face.height + 2.0;
    }
    let buttons = buttons(artist, window, &button_face, button_height);
    Content { error, title, message: lines.join(" "), buttons }
}

fn title(artist: &mut Artist<'_>, error: bool) -> String {
    let is_plain = error && artist.rng.chance(0.8);
    if is_plain { artist.words().error_title() } else { artist.words().title() }
}

fn message(artist: &mut Artist<'_>, error: bool) -> String {
    if error { artist.words().error() } else { artist.words().notice() }
}

/// A sign of what sort of dialog it is.
fn icon(artist: &mut Artist<'_>, x: f32, y: f32, error: bool) {
    let (scale, radius) = (artist.scale, 12.0 * artist.scale);
    let (middle_x, middle_y) = (x + radius, y + radius + 2.0);
    let white = [255; 3];
    if error && artist.rng.chance(0.7) {
        artist.canvas.circle(middle_x, middle_y, radius, [205, 30, 30]);
        artist.canvas.rect(
            middle_x - 6.0 * scale,
            middle_y - 2.0,
            middle_x + 6.0 * scale,
            middle_y + 2.0,
            white,
        );
    } else if artist.rng.chance(0.5) {
        let corners =
            [(middle_x, y), (middle_x + radius, y + 24.0 * scale), (middle_x - radius, y + 24.0 * scale)];
        artist.canvas.polygon(&corners, [235, 170, 0]);
    } else {
        artist.canvas.circle(middle_x, middle_y, radius, [0, 95, 205]);
        artist.canvas.rect(middle_x - 2.0, middle_y - 2.0, middle_x + 2.0, middle_y + 7.0 * scale, white);
    }
}

/// One to three buttons at the lower right, those that fit, from the left.
fn buttons(artist: &mut Artist<'_>, window: [f32; 4], face: &Face, height: f32) -> Vec<&'static str> {
    let [left, _, right, bottom] = window;
    let scale = artist.scale;
    let many = artist.rng.range(1..=3) as usize;
    let names = artist.words().buttons(many);
    let wide = |name: &str| face.width(name).max(34.0 * scale) + 18.0 * scale;
    let (mut x, mut placed) = (right - 8.0 * scale, Vec::new());
    let accented = artist.rng.chance(0.5);
    for name in names {
        if x - wide(name) < left + 8.0 * scale {
            break;
        }
        x -= wide(name);
        placed.push((name, x));
        x -= 8.0 * scale;
    }
    placed.reverse();
    let top = bottom - height - 7.0 * scale;
    for (at, (name, x)) in placed.iter().enumerate() {
        let corners = [*x, top, x + wide(name), top + height];
        let back = if accented && at + 1 == placed.len() { artist.theme.accent } else { artist.theme.panel };
        artist.canvas.outline(corners, 4.0, artist.theme.line, back);
        let middle = x + (wide(name) - face.width(name)) / 2.0;
        artist.canvas.text(middle.round(), top + 4.0 * scale, name, face, ink_on(back));
    }
    placed.into_iter().map(|(name, _)| name).collect()
}

fn questions(content: &Content) -> Vec<Question> {
    let Content { error, title, message, buttons } = content;
    let mut others = vec![title.as_str(), message.as_str()];
    others.extend(buttons.iter().copied().filter(|name| name.len() > 4));
    let says = if *error { "What does the error say?" } else { "What does the dialog say?" };
    let says = Question::text(says, message, &others);
    let mut questions = vec![says.clone(), says];
    if !title.is_empty() {
        questions.push(Question::text("What is the title of the dialog?", title, &others));
    }
    if let [only] = buttons[..] {
        questions.push(Question::text("What is on the button?", only, &others));
    }
    if !buttons.is_empty() {
        questions.push(buttons_question(buttons));
        questions.push(Question::number("How many buttons are there?", buttons.len(), Some(3)));
    }
    questions
}

/// Which buttons there are: all of them, and none of those that might be.
fn buttons_question(buttons: &[&'static str]) -> Question {
    let named = buttons.iter().map(|name| (*name).to_owned()).collect();
    // Short words are in any sentence: no sign of a button made up.
    let invented = words::buttons().filter(|name| name.len() > 5).map(ToOwned::to_owned).collect();
    let caption = Question::caption(buttons.join(", "), named, invented);
    Question { ask: "What buttons are there?".to_owned(), ..caption }
}

fn caption(content: &Content) -> Question {
    let Content { error, title, message, buttons } = content;
    let what = if *error { "An error dialog" } else { "A dialog" };
    let says = format!(
        "{what} with the title \"{title}\" that says \"{message}\". Buttons: {}.",
        buttons.join(", ")
    );
    let mut named = vec!["dialog".to_owned(), title.clone(), message.clone()];
    named.extend(buttons.iter().map(|name| (*name).to_owned()));
    named.retain(|fact| !fact.is_empty());
    let invented = if *error { Vec::new() } else { vec!["error".to_owned()] };
    Question::caption(says, named, invented)
}
