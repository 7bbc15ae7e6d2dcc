//! Bar charts of something by month.

use super::artist::{Artist, Drawing, Question, Thing};
use super::theme::any_colour;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The same with what stands under the bars, which is as right.
const NAMES: [&str; 12] = [
    "January|Jan",
    "February|Feb",
    "March|Mar",
    "April|Apr",
    "May",
    "June|Jun",
    "July|Jul",
    "August|Aug",
    "September|Sept|Sep",
    "October|Oct",
    "November|Nov",
    "December|Dec",
];

/// What is counted.
const MEASURES: [&str; 6] = ["revenue", "sales", "traffic", "cost", "orders", "errors"];

/// The least difference between the two highest, and the two lowest, of a hundred.
const APART: u32 = 6;

struct Chart {
    title: String,
    measure: &'static str,
    months: Vec<&'static str>,
    values: Vec<u32>,
    with_values: bool,
}

/// A chart of three to eight months in a row, which its labels name by three letters each.
pub(super) fn chart(mut artist: Artist<'_>) -> Drawing {
    let chart = think(&mut artist);
    draw(&mut artist, &chart);
    let questions = questions(&chart);
    let caption = caption(&chart);
    artist.finish(
        questions,
        Some(caption),
        format!("{} of {}", chart.title, chart.months.join(", ")),
        vec![Thing::Chart],
    )
}

fn think(artist: &mut Artist<'_>) -> Chart {
    let most = if artist.canvas.width < 360.0 { 6 } else { 8 };
    let count = artist.rng.range(3..=most) as usize;
    let first = artist.rng.range(0..=12 - count as u32) as usize;
    let measure = *artist.rng.pick(&MEASURES);
    let mut capital = measure.to_owned();
    capital[..1].make_ascii_uppercase();
    let title = match artist.rng.below(4) {
        0 => capital,
        1 => format!("{capital} by month"),
        2 => format!("{capital} 20{}", artist.rng.range(10..=29)),
        _ => format!("{capital} ({})", artist.rng.pick(&["USD", "EUR", "k"])),
    };
    let values = values(artist, count);
    Chart {
        title,
        measure,
        months: MONTHS[first..first + count].to_vec(),
        values,
        with_values: artist.rng.chance(0.5),
    }
}

/// Values from 5 to 99, of which the highest and the lowest can be told by eye.
fn values(artist: &mut Artist<'_>, count: usize) -> Vec<u32> {
    loop {
        let values: Vec<u32> = (0..count).map(|_| artist.rng.range(5..=99)).collect();
        let mut ordered = values.clone();
        ordered.sort_unstable();
        let apart = |a: usize, b: usize| ordered[b] - ordered[a] >= APART;
        if apart(0, 1) && apart(count - 2, count - 1) {
            return values;
        }
    }
}

fn draw(artist: &mut Artist<'_>, chart: &Chart) {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let (face, title_face) = (artist.window_face(11.0, 14.0), artist.window_face(12.0, 16.0));
    let ink = artist.theme.ink;
    let title = ((width - title_face.width(&chart.title)) / 2.0).max(2.0).round();
    artist.canvas.text(title, 3.0, &chart.title, &title_face, ink);
    let (top, bottom) = (title_face.height + face.height + 8.0, height - face.height - 6.0);
    let line = artist.theme.line;
    artist.canvas.rect(8.0, bottom, width - 8.0, bottom + 1.0, line);
    let (one, many) = (any_colour(artist.rng, 60, 200), artist.rng.chance(0.2));
    let column = (width - 20.0) / chart.months.len() as f32;
    let most = chart.values.iter().copied().max().unwrap_or(1) as f32;
    for (at, (month, value)) in chart.months.iter().zip(&chart.values).enumerate() {
        let left = column.mul_add(at as f32, 10.0);
        let bar = (bottom - top) * *value as f32 / most;
        let colour = if many { any_colour(artist.rng, 60, 200) } else { one };
        artist.canvas.rect(left + column * 0.15, bottom - bar, left + column * 0.85, bottom, colour);
        let middle = |text: &str| (left + (column - face.width(text)) / 2.0).round();
        let name = &month[..3];
        artist.canvas.text(middle(name), bottom + 3.0, name, &face, ink);
        if chart.with_values {
            let number = value.to_string();
            artist.canvas.text(middle(&number), (bottom - bar - face.height).round(), &number, &face, ink);
        }
    }
}

fn questions(chart: &Chart) -> Vec<Question> {
    let Chart { title, measure, months, values, with_values } = chart;
    let name = |month: &str| NAMES.into_iter().find(|name| name.starts_with(month)).unwrap_or_default();
    let at = |index: Option<usize>| index.map_or("", |index| name(months[index]));
    let highest = at((0..values.len()).max_by_key(|index| values[*index]));
    let lowest = at((0..values.len()).min_by_key(|index| values[*index]));
    let which = |most: &str, month: &str| Question {
        // Who reads the months and guesses.
        guess: Some(1.0 / months.len() as f64),
        ..Question::choice(&format!("Which month had the {most} {measure}?"), month, &NAMES)
    };
    let most = which("highest", highest);
    let mut questions = vec![
        most.clone(),
        most,
        which("lowest", lowest),
        Question::text("What is the title of the chart?", title, &[]),
        Question::number("How many months are there?", months.len(), Some(6)),
    ];
    let mut ordered = values.clone();
    ordered.sort_unstable_by(|a, b| b.cmp(a));
    if let (true, [first, second, ..]) = (with_values, &ordered[..]) {
        let ask = "By how much was the highest month above the second?";
        questions.push(Question::number(ask, usize::try_from(first - second).unwrap_or_default(), None));
    }
    questions
}

fn caption(chart: &Chart) -> Question {
    let Chart { title, months, values, .. } = chart;
    let highest = (0..values.len()).max_by_key(|index| values[*index]).map_or("", |index| months[index]);
    let says = format!("A bar chart with the title \"{title}\". The highest month is {highest}.");
    let named = vec!["chart".to_owned(), title.clone(), highest.to_owned()];
    let invented =
        MONTHS.iter().filter(|month| !months.contains(month) && **month != "May" && **month != "March");
    Question::caption(says, named, invented.map(|month| (*month).to_owned()).collect())
}
