//! Glyphs of a page put into words, lines, columns and paragraphs, by where they stand.
//!
//! Distances are in sizes of the font: a PDF says nothing of spaces, lines or paragraphs. The
//! numbers are those that typesetters go by: a space is a quarter of the size, a line stands
//! one to one and a half sizes below the one above, columns are at least a size apart.

/// What is drawn for one character code, from the left end to the right end of its baseline;
/// x grows to the right, y downwards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    pub(super) text: String,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) baseline: f64,
    pub(super) size: f64,
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Paragraph {
    pub(super) text: String,
    /// The size of its font.
    pub(super) size: f64,
}

/// A gap of so many sizes between glyphs is a space, …
const SPACE: f64 = 0.18;

/// … and one of so many parts them: cells, columns.
const APART: f64 = 1.2;

/// Glyphs whose baselines are so near are on one line, raised ones too.
const SAME_LINE: f64 = 0.4;

/// A line that stands so far below the one above begins a paragraph.
const NEXT_PARAGRAPH: f64 = 1.75;

/// A line that is indented by so much does, too.
const INDENT: f64 = 0.9;

/// The least runs of a column, and their least middle width: cells of tables are fewer or
/// narrower.
const COLUMN_RUNS: usize = 5;
const COLUMN_WIDTH: f64 = 8.0;

/// The share of runs that may cross what is between two columns, as titles do.
const MOST_CROSSING: f64 = 0.2;

/// How often columns are looked for within columns.
const MOST_DEPTH: u8 = 3;

/// The most places where a column may end that are tried.
const MOST_TRIED: usize = 64;

/// Glyphs of one line without a wide gap.
#[derive(Debug, Clone)]
struct Run {
    text: String,
    left: f64,
    right: f64,
    baseline: f64,
    size: f64,
}

/// Paragraphs in the order in which they are read.
pub(super) fn paragraphs(glyphs: Vec<Glyph>) -> Vec<Paragraph> {
    let mut lines = Vec::new();
    columns(runs(glyphs), 0, &mut lines);
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut before: Option<Run> = None;
    for line in lines {
        match (&before, paragraphs.last_mut()) {
            (Some(above), Some(paragraph)) if goes_on(above, &line) => {
                append(&mut paragraph.text, &line.text)
            }
            _ => paragraphs.push(Paragraph { text: line.text.clone(), size: line.size }),
        }
        before = Some(line);
    }
    paragraphs
}

fn runs(glyphs: Vec<Glyph>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for glyph in glyphs {
        let blank = glyph.text.trim().is_empty();
        let size = glyph.size;
        match runs.last_mut().filter(|run| follows(run, &glyph)) {
            Some(run) => {
                let gap = glyph.left - run.right;
                let space = !run.text.ends_with(' ') && (blank || gap > SPACE * size.max(run.size));
                if space {
                    run.text.push(' ');
                }
                run.text.push_str(glyph.text.trim());
                run.right = run.right.max(glyph.right);
            }
            None if blank => {}
            None => {
                let Glyph { text, left, right, baseline, size } = glyph;
                runs.push(Run { text: text.trim().to_owned(), left, right, baseline, size });
            }
        }
    }
    runs.iter_mut().for_each(|run| run.text.truncate(run.text.trim_end().len()));
    runs
}

fn follows(run: &Run, glyph: &Glyph) -> bool {
    let size = glyph.size.max(run.size);
    let gap = glyph.left - run.right;
    (glyph.baseline - run.baseline).abs() < SAME_LINE * size && gap < APART * size && gap > -size
}

/// Puts runs into lines, one column after the other.
fn columns(mut runs: Vec<Run>, depth: u8, lines: &mut Vec<Run>) {
    runs.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let Some(middle) = gutter(&runs).filter(|_| depth < MOST_DEPTH) else { return rows(runs, lines) };
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for run in runs {
        if run.left < middle && run.right > middle {
            columns(std::mem::take(&mut left), depth + 1, lines);
            columns(std::mem::take(&mut right), depth + 1, lines);
            rows(vec![run], lines);
        } else if run.right <= middle {
            left.push(run);
        } else {
            right.push(run);
        }
    }
    columns(left, depth + 1, lines);
    columns(right, depth + 1, lines);
}

/// Where a column ends and another begins beside it, if one does.
fn gutter(runs: &[Run]) -> Option<f64> {
    let step = runs.len().div_ceil(MOST_TRIED).max(1);
    let tried = runs.iter().step_by(step).map(|run| run.right + SPACE * run.size);
    let judged = tried.filter_map(|at| {
        let (left, rest): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.right <= at);
        let (right, crossing): (Vec<&Run>, Vec<&Run>) = rest.into_iter().partition(|run| run.left >= at);
        let few = crossing.len() as f64 <= MOST_CROSSING * runs.len() as f64;
        let beside = is_column(&left) && is_column(&right) && beside(&left, &right);
        (few && beside).then_some((crossing.len(), at))
    });
    judged.min_by_key(|(crossing, _)| *crossing).map(|(_, at)| at)
}

fn is_column(runs: &[&Run]) -> bool {
    let mut widths: Vec<f64> = runs.iter().map(|run| (run.right - run.left) / run.size).collect();
    widths.sort_by(f64::total_cmp);
    runs.len() >= COLUMN_RUNS && widths[widths.len() / 2] >= COLUMN_WIDTH
}

/// Whether two columns stand beside each other for half of the shorter one at least. The runs
/// are sorted from top to bottom.
fn beside(left: &[&Run], right: &[&Run]) -> bool {
    let reach = |runs: &[&Run]| match (runs.first(), runs.last()) {
        (Some(first), Some(last)) => (first.baseline, last.baseline),
        _ => (0.0, 0.0),
    };
    let ((top, bottom), (other_top, other_bottom)) = (reach(left), reach(right));
    let common = bottom.min(other_bottom) - top.max(other_top);
    common * 2.0 >= (bottom - top).min(other_bottom - other_top)
}

/// Puts runs of one column, sorted from top to bottom, into lines.
fn rows(runs: Vec<Run>, lines: &mut Vec<Run>) {
    let mut row: Vec<Run> = Vec::new();
    for run in runs {
        let same =
            row.last().is_none_or(|last| run.baseline - last.baseline < SAME_LINE * last.size.max(run.size));
        if !same {
            lines.extend(line(std::mem::take(&mut row)));
        }
        row.push(run);
    }
    lines.extend(line(row));
}

/// A line of runs beside each other; its size and baseline are those of the longest.
fn line(mut row: Vec<Run>) -> Option<Run> {
    row.sort_by(|a, b| a.left.total_cmp(&b.left));
    let main = row.iter().max_by_key(|run| run.text.len())?;
    let (size, baseline) = (main.size, main.baseline);
    let left = row.first()?.left;
    let right = row.iter().map(|run| run.right).fold(left, f64::max);
    let texts: Vec<&str> = row.iter().map(|run| run.text.as_str()).filter(|text| !text.is_empty()).collect();
    (!texts.is_empty()).then(|| Run { text: texts.join(" "), left, right, baseline, size })
}

/// Whether a line goes on with the paragraph of the one above.
fn goes_on(above: &Run, line: &Run) -> bool {
    let (size, down) = (above.size.max(line.size), line.baseline - above.baseline);
    let same_size = (above.size - line.size).abs() < 0.12 * size;
    let indented = line.left - above.left > INDENT * size && above.text.ends_with(['.', '!', '?', ':']);
    same_size && down > 0.0 && down < NEXT_PARAGRAPH * size && !indented
}

/// Puts a line below others. A word that was parted by a hyphen is put together.
fn append(text: &mut String, line: &str) {
    let soft = text.ends_with('\u{ad}');
    let parted = text.ends_with(['-', '\u{2010}'])
        && text.chars().rev().nth(1).is_some_and(char::is_alphabetic)
        && line.starts_with(char::is_lowercase);
    match soft || parted {
        true => drop(text.pop()),
        false => text.push('\n'),
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Glyphs of a text that begins at a place, half a size wide each.
    fn put(text: &str, left: f64, baseline: f64, size: f64) -> Vec<Glyph> {
        let glyph = |(at, c): (usize, char)| {
            let left = left + at as f64 * size / 2.0;
            Glyph { text: c.to_string(), left, right: left + size / 2.0, baseline, size }
        };
        text.chars().enumerate().filter(|(_, c)| *c != ' ').map(glyph).collect()
    }

    fn texts(glyphs: Vec<Glyph>) -> Vec<String> {
        paragraphs(glyphs).into_iter().map(|paragraph| paragraph.text).collect()
    }

    #[test]
    fn lines_and_paragraphs_are_found_and_words_put_together() {
        let mut glyphs = put("one two ex-", 10.0, 100.0, 10.0);
        glyphs.extend(put("ample, and", 10.0, 112.0, 10.0));
        glyphs.extend(put("more.", 10.0, 124.0, 10.0));
        glyphs.extend(put("Next.", 10.0, 150.0, 10.0));
        assert_eq!(texts(glyphs), ["one two example, and\nmore.", "Next."]);
    }

    #[test]
    fn columns_are_read_one_after_the_other_in_whatever_order_they_are_drawn() {
        let mut glyphs = put("A title across both of the columns of it", 50.0, 50.0, 10.0);
        for row in 0..8 {
            let baseline = 80.0 + f64::from(row) * 12.0;
            glyphs.extend(put("right side text here", 200.0, baseline + 3.0, 10.0));
            glyphs.extend(put("left side text there", 50.0, baseline, 10.0));
        }
        let found = texts(glyphs);
        assert_eq!(found.len(), 3);
        assert!(found[1].starts_with("left") && !found[1].contains("right") && found[2].starts_with("right"));
    }

    #[test]
    fn cells_of_a_table_stay_in_their_rows() {
        let mut glyphs = Vec::new();
        for row in 0..8 {
            let baseline = 80.0 + f64::from(row) * 12.0;
            glyphs.extend(put("nut", 50.0, baseline, 10.0));
            glyphs.extend(put("1.50", 200.0, baseline, 10.0));
        }
        assert!(texts(glyphs)[0].starts_with("nut 1.50\nnut 1.50"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_drawn_is_lost(
            places in proptest::collection::vec((-1e3f64..1e3, -1e3f64..1e3, 0.1f64..50.0, "[a-zß.]{1,3}"), 0..80)
        ) {
            let glyphs: Vec<Glyph> = places.iter().map(|(left, baseline, size, text)| Glyph {
                text: text.clone(), left: *left, right: left + size, baseline: *baseline, size: *size,
            }).collect();
            let sorted = |text: String| {
                let mut chars: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
                chars.sort_unstable();
                chars
            };
            let all = places.iter().map(|place| place.3.as_str()).collect::<String>();
            proptest::prop_assert_eq!(sorted(texts(glyphs).concat()), sorted(all));
        }
    }
}
