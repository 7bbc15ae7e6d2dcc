//! Shapes to count and to tell the places of, and a window of switches and buttons.

use super::artist::{Artist, Drawing, Question};
use super::canvas::Colour;
use super::theme::ink_on;

/// Colours that have a name.
const COLOURS: [(&str, Colour); 7] = [
    ("red", [214, 40, 40]),
    ("green", [46, 160, 67]),
    ("blue", [30, 100, 220]),
    ("yellow", [240, 200, 20]),
    ("orange", [245, 130, 20]),
    ("purple", [140, 60, 180]),
    ("grey", [128, 128, 128]),
];

/// Shapes that have a name.
const SHAPES: [&str; 3] = ["circle", "square", "triangle"];

/// What can be switched on.
const SWITCHES: [&str; 10] = [
    "Dark mode",
    "Auto save",
    "Notifications",
    "Spell check",
    "Line numbers",
    "Word wrap",
    "Telemetry",
    "Backups",
    "Sounds",
    "Updates",
];

fn shape(artist: &mut Artist<'_>, shape: &str, (x, y): (f32, f32), radius: f32, colour: Colour) {
    match shape {
        "circle" => artist.canvas.circle(x, y, radius, colour),
        "square" => artist.canvas.rect(x - radius, y - radius, x + radius, y + radius, colour),
        _ => artist
            .canvas
            .polygon(&[(x, y - radius), (x + radius, y + radius), (x - radius, y + radius)], colour),
    }
}

/// From 1 to 12 shapes of a sort, with some of another sort among them.
pub(super) fn count(mut artist: Artist<'_>) -> Drawing {
    let many = artist.rng.range(1..=12) as usize;
    let others = artist.rng.range(0..=4) as usize;
    let mut shapes = SHAPES;
    artist.rng.shuffle(&mut shapes);
    let places = places(&mut artist, many + others);
    for (at, place) in places.iter().enumerate() {
        let (_, colour) = *artist.rng.pick(&COLOURS);
        let name = if at < many { shapes[0] } else { shapes[1] };
        shape(&mut artist, name, (place.0, place.1), place.2, colour);
    }
    let ask = format!("How many {}s are there?", shapes[0]);
    artist.finish(vec![Question::number(&ask, many, Some(12))], None, ask, Vec::new())
}

/// Middles and a radius for so many shapes that don't touch: cells of a grid, in any order.
fn places(artist: &mut Artist<'_>, many: usize) -> Vec<(f32, f32, f32)> {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let rows = ((many as f32 * height / width).sqrt().ceil() as usize).max(1);
    let columns = (many.div_ceil(rows) + 1).max(2);
    let cell = (width / columns as f32, height / rows as f32);
    let radius = cell.0.min(cell.1) * 0.32;
    let mut cells: Vec<usize> = (0..rows * columns).collect();
    artist.rng.shuffle(&mut cells);
    let place = |at: &usize| {
        let across = ((at % columns) as f32 + 0.5) * cell.0;
        let down = ((at / columns) as f32 + 0.5) * cell.1;
        (across, down, radius)
    };
    cells[..many].iter().map(place).collect()
}

/// Two or three shapes of different colours: which is left of, above or inside which?
pub(super) fn spatial(mut artist: Artist<'_>) -> Drawing {
    let mut colours = COLOURS;
    artist.rng.shuffle(&mut colours);
    let (first, second) = (*artist.rng.pick(&SHAPES), *artist.rng.pick(&SHAPES));
    let (one, other) = (format!("{} {first}", colours[0].0), format!("{} {second}", colours[1].0));
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let radius = width.min(height) * 0.12;
    let inside = artist.rng.chance(0.3);
    let (relation, is) = if inside {
        let place = (width * artist.rng.between(0.35, 0.65), height / 2.0);
        let nested = artist.rng.chance(0.5);
        shape(&mut artist, second, place, radius * 3.0, colours[1].1);
        let at = if nested { (place.0, place.1 + radius * 0.6) } else { (radius * 1.2, radius * 1.2) };
        shape(&mut artist, first, at, radius, colours[0].1);
        ("inside", nested)
    } else {
        let across = artist.rng.chance(0.5);
        let (near, far) = (artist.rng.between(0.15, 0.4), artist.rng.between(0.6, 0.85));
        let before = artist.rng.chance(0.5);
        let (a, b) = if before { (near, far) } else { (far, near) };
        let beside = |artist: &mut Artist<'_>| artist.rng.between(0.25, 0.75);
        let (c, d) = (beside(&mut artist), beside(&mut artist));
        let place = |along: f32, beside: f32| {
            if across { (along * width, beside * height) } else { (beside * width, along * height) }
        };
        shape(&mut artist, first, place(a, c), radius, colours[0].1);
        shape(&mut artist, second, place(b, d), radius, colours[1].1);
        (if across { "left of" } else { "above" }, before)
    };
    let ask = format!("Is the {one} {relation} the {other}?");
    let question = Question::choice(&ask, if is { "yes" } else { "no" }, &["yes", "no"]);
    artist.finish(vec![question], None, format!("{one}, {other}"), Vec::new())
}

/// Switches that are on or off, and buttons of colours.
pub(super) fn states(mut artist: Artist<'_>) -> Drawing {
    let face = artist.window_face(12.0, 16.0);
    let pitch = face.height + artist.between(6.0, 12.0);
    let fits = ((artist.canvas.height - 40.0) / pitch) as u32;
    let rows = artist.rng.range(2..=fits.clamp(2, 6)) as usize;
    let mut names = SWITCHES;
    artist.rng.shuffle(&mut names);
    let boxes = artist.rng.chance(0.5);
    let mut states = Vec::new();
    for (at, name) in names[..rows].iter().enumerate() {
        let y = pitch.mul_add(at as f32, 6.0);
        let on = artist.rng.chance(0.5);
        switch(&mut artist, y, face.height, boxes, on);
        let ink = artist.theme.ink;
        artist.canvas.text(54.0, y, name, &face, ink);
        states.push((*name, on));
    }
    let mut colours = COLOURS;
    artist.rng.shuffle(&mut colours);
    let mut x = 10.0;
    let top = artist.canvas.height - face.height - 12.0;
    let buttons = ["Apply", "Cancel"];
    for (name, (_, colour)) in buttons.iter().zip(colours) {
        let right = x + face.width(name) + 20.0;
        artist.canvas.round([x, top, right, top + face.height + 8.0], 4.0, colour);
        artist.canvas.text(x + 10.0, top + 4.0, name, &face, ink_on(colour));
        x = right + 12.0;
    }
    let (name, on) = states[artist.rng.index(rows)];
    let button = artist.rng.below(2) as usize;
    // Both ways to write it are right.
    let named = |colour: &'static str| if colour == "grey" { "grey|gray" } else { colour };
    let all: Vec<&str> = COLOURS.iter().map(|(name, _)| named(name)).collect();
    let questions = vec![
        Question::choice(
            &format!("Is {name} on or off? Answer with on or off."),
            if on { "on" } else { "off" },
            &["on", "off"],
        ),
        Question::choice(
            &format!("What colour is the {} button?", buttons[button]),
            named(colours[button].0),
            &all,
        ),
    ];
    artist.finish(
        questions,
        None,
        states.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        Vec::new(),
    )
}

/// A box with a tick, or a slider.
fn switch(artist: &mut Artist<'_>, y: f32, height: f32, boxed: bool, on: bool) {
    let (line, back, accent) = (artist.theme.line, artist.theme.back, artist.theme.accent);
    if boxed {
        let side = height.min(16.0);
        artist.canvas.outline([24.0, y, 24.0 + side, y + side], 3.0, line, if on { accent } else { back });
        if on {
            let tick = [
                (27.0, y + side * 0.5),
                (31.0, y + side * 0.75),
                (37.0, y + side * 0.2),
                (31.0, y + side * 0.95),
            ];
            artist.canvas.polygon(&tick, ink_on(accent));
        }
    } else {
        artist.canvas.round([14.0, y, 44.0, y + 16.0], 8.0, if on { accent } else { line });
        artist.canvas.circle(if on { 36.0 } else { 22.0 }, y + 8.0, 6.0, [250; 3]);
    }
}
