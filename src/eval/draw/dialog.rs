//! Dialogs: a title bar, perhaps an icon, a message, a row of buttons; alone, or on a screen.

use super::artist::{Artist, Drawing, Question, Thing};
use super::face::Face;
use super::theme::{Theme, ink_on, shifted};

/// Names of buttons, as systems have them.
const BUTTONS: [&str; 14] = [
    "OK", "Cancel", "Retry", "Abort", "Close", "Yes", "No", "Ignore", "Help", "Save", "Details", "Continue",
    "Quit", "Open",
];

/// What stands in the title of a dialog that reports an error.
const ERROR_TITLES: [&str; 6] =
    ["Error", "Fatal error", "Connection failed", "Cannot save", "Crash report", "Login failed"];

/// Titles of other dialogs.
const OTHER_TITLES: [&str; 8] =
    ["Warning", "Save file", "Update", "Confirm", "Information", "Settings", "Install", "Welcome"];

/// What a dialog that is no error says.
const MESSAGES: [&str; 10] = [
    "Do you want to save the changes to {w}?",
    "A new version of {w} is ready to install",
    "The backup of {w} is complete",
    "{n} files will be moved to the trash",
    "Replace the file {w} with the new one?",
    "Your settings for {w} were saved",
    "Restart now to finish the update of {w}",
    "Sign in to go on with {w}",
    "Copy {n} items to {w}?",
    "The printer {w} is ready",
];

/// What a dialog holds.
struct Content {
    error: bool,
    title: String,
    message: String,
    buttons: Vec<&'static str>,
}

/// A dialog in the middle of a picture; on a large one it has an ordinary size and a desktop
/// around it.
pub(super) fn dialog(mut artist: Artist<'_>) -> Drawing {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let on_screen = width >= 600.0;
    let window = if on_screen {
        desktop(&mut artist);
        let (wide, high) = (artist.between(300.0, 440.0), artist.between(130.0, 200.0));
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
    let made = artist.words().title();
    match error {
        true if artist.rng.chance(0.4) => format!("{} error", artist.words().word()),
        true if artist.rng.chance(0.7) => (*artist.rng.pick(&ERROR_TITLES)).to_owned(),
        false if artist.rng.chance(0.6) => (*artist.rng.pick(&OTHER_TITLES)).to_owned(),
        _ => made,
    }
}

fn message(artist: &mut Artist<'_>, error: bool) -> String {
    if error {
        return artist.words().error();
    }
    let (word, number) = (artist.words().identifier(), artist.rng.range(2..=400).to_string());
    artist.rng.pick(&MESSAGES).replace("{w}", &word).replace("{n}", &number)
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
    let mut names = BUTTONS;
    artist.rng.shuffle(&mut names);
    let many = artist.rng.range(1..=3) as usize;
    let wide = |name: &str| face.width(name).max(34.0 * scale) + 18.0 * scale;
    let (mut x, mut placed) = (right - 8.0 * scale, Vec::new());
    let accented = artist.rng.chance(0.5);
    for name in &names[..many] {
        if x - wide(name) < left + 8.0 * scale {
            break;
        }
        x -= wide(name);
        placed.push((*name, x));
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
        questions.push(Question::number("How many buttons are there?", buttons.len()));
    }
    questions
}

/// Which buttons there are: all of them, and none of those that might be.
fn buttons_question(buttons: &[&'static str]) -> Question {
    let named = buttons.iter().map(|name| (*name).to_owned()).collect();
    // Words that any sentence has are no sign of a button made up.
    let other = |name: &&&str| !buttons.contains(*name) && !["No", "Open", "Help", "Close"].contains(*name);
    let invented = BUTTONS.iter().filter(other).map(|name| (*name).to_owned()).collect();
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
