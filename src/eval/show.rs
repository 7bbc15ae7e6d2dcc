//! Reports and comparisons for a person: as text in aligned columns, and as Markdown.

use unicode_width::UnicodeWidthStr;

use super::calibration::{Bin, Calibration};
use super::compare::{Compared, Comparison};
use super::grid::Grid;
use super::report::{Measure, MeasureName, Report, Tally};
use crate::text::{counted, end, one_line, thousands};

/// How many different errors are shown.
const MOST_FAILURES: usize = 5;

/// The widest name of a model in a sentence.
const MOST_NAME: usize = 60;

/// The heads of a report's columns.
const COLUMNS: [&str; 7] = ["right", "%", "95 %", "errors", "seconds", "guess", "p"];

/// What stands in a report or a comparison, in order.
enum Block {
    Heading(String),
    Sentence(String),
    Grid(Grid),
}

impl Report {
    /// In columns, no line wider than so many terminal columns. Columns that don't fit are left
    /// out, the last first.
    pub fn text(&self, width: usize) -> String {
        text(&self.blocks(), width)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        markdown(&self.blocks())
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![
            Block::Heading(name(&self.model)),
            Block::Sentence(format!(
                "{} of {} right: {} %, 95 % interval {}.",
                thousands(self.all.right),
                counted(self.all.count, "item", "items"),
                percent(self.all.share),
                interval(&self.all)
            )),
            Block::Grid(self.counts()),
        ];
        let measures = self.measures();
        if !measures.is_empty() {
            blocks.push(Block::Grid(measures));
        }
        if let Some(calibration) = &self.calibration {
            blocks.extend(calibration_blocks(calibration));
        }
        blocks.extend(self.failures());
        blocks
    }

    fn counts(&self) -> Grid {
        let mut grid = Grid::new(&["kind"], &COLUMNS);
        for kind in &self.kinds {
            grid.push(row(kind.kind.name().to_owned(), &kind.tally));
            for group in &kind.groups {
                grid.push(row(part(&group.group), &group.tally));
            }
        }
        grid.push(row("all".to_owned(), &self.all));
        grid
    }

    fn measures(&self) -> Grid {
        let mut grid = Grid::new(&["kind", "measure"], &["value", "of"]);
        for kind in &self.kinds {
            for measure in &kind.tally.measures {
                grid.push(measure_row(kind.kind.name().to_owned(), measure));
            }
            for group in &kind.groups {
                for measure in &group.tally.measures {
                    grid.push(measure_row(part(&group.group), measure));
                }
            }
        }
        grid
    }

    fn failures(&self) -> Vec<Block> {
        let Some(errors) = Some(self.all.errors).filter(|errors| *errors > 0) else { return Vec::new() };
        let kept = self.failures.len() as u64;
        let which = if kept < errors { format!("; the first {kept}") } else { String::new() };
        let told =
            format!("{} without an answer, counted as wrong{which}:", counted(errors, "item", "items"));
        let mut alike: Vec<(Vec<String>, &str)> = Vec::new();
        for failure in &self.failures {
            match alike.iter_mut().find(|(_, error)| *error == failure.error) {
                Some((items, _)) => items.push(one_line(&failure.id)),
                None => alike.push((vec![one_line(&failure.id)], &failure.error)),
            }
        }
        let sentence =
            |(items, error): (Vec<String>, &str)| format!("{}: {}", items.join(", "), one_line(error));
        // The whole of each error: it says what to do.
        let errors = alike.into_iter().take(MOST_FAILURES).map(sentence).map(Block::Sentence);
        std::iter::once(Block::Sentence(told)).chain(errors).collect()
    }
}

fn row(name: String, tally: &Tally) -> Vec<String> {
    vec![
        name,
        format!("{}/{}", tally.right, tally.count),
        percent(tally.share),
        interval(tally),
        if tally.errors > 0 { tally.errors.to_string() } else { String::new() },
        seconds(tally.seconds.map(|seconds| seconds.median)),
        if tally.chance > 0.0 { percent(tally.chance) } else { String::new() },
        tally.chance_p.map(probability).unwrap_or_default(),
    ]
}

fn measure_row(name: String, measure: &Measure) -> Vec<String> {
    let value = match measure.measure {
        MeasureName::NdcgAtTen => format!("{:.3}", measure.value),
        _ => format!("{} %", percent(measure.value)),
    };
    let of = match measure.hits {
        Some(hits) => format!("{}/{}", thousands(hits), thousands(measure.of)),
        None => thousands(measure.of),
    };
    vec![name, measure.measure.words().to_owned(), value, of]
}

fn calibration_blocks(calibration: &Calibration) -> Vec<Block> {
    let mut told = format!(
        "Calibration: {}, {} wrong; expected calibration error {:.3}.",
        counted(calibration.count, "word", "words"),
        thousands(calibration.wrong),
        calibration.ece
    );
    if let Some(auroc) = calibration.auroc {
        told +=
            &format!(" A wrong word is less sure than a right one in {} % of pairs (AUROC).", percent(auroc));
    }
    told += &match calibration.marks {
        Some(marks) => format!(
            " Marking words below {:.2} as unsure finds {} % of the wrong ones; {} % of what is marked is wrong \
             (F1 {:.2}).",
            marks.below,
            percent(marks.recall),
            percent(marks.precision),
            marks.f1
        ),
        None => " Too few words, or too few wrong ones, to say which should be marked.".to_owned(),
    };
    let mut grid = Grid::new(&["confidence"], &["words", "mean", "right %"]);
    let filled = |bin: &&Bin| bin.count > 0;
    for bin in calibration.bins.iter().filter(filled) {
        let range = format!("{:.1}–{:.1}", bin.above, bin.to);
        grid.push(vec![range, thousands(bin.count), format!("{:.2}", bin.confidence), percent(bin.right)]);
    }
    vec![Block::Sentence(told), Block::Grid(grid)]
}

impl Comparison {
    /// In columns, no line wider than so many terminal columns.
    pub fn text(&self, width: usize) -> String {
        text(&self.blocks(), width)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        markdown(&self.blocks())
    }

    fn blocks(&self) -> Vec<Block> {
        let columns = ["items", "1st %", "2nd %", "+/-", "only 1", "only 2", "p", "Holm"];
        let mut grid = Grid::new(&["kind"], &columns);
        for kind in &self.kinds {
            grid.push(compared_row(kind.kind.name(), &kind.compared, true));
        }
        grid.push(compared_row("all", &self.all, false));
        let mut blocks = vec![
            Block::Heading(format!("1st: {}, 2nd: {}", name(&self.first), name(&self.second))),
            Block::Grid(grid),
            Block::Sentence(self.verdict()),
        ];
        if let (Some(first), Some(second)) = self.all.seconds {
            blocks.push(Block::Sentence(format!(
                "Median seconds of an item: {first:.2} of the 1st, {second:.2} of the 2nd."
            )));
        }
        if let (Some(first), Some(second)) = self.ece {
            blocks.push(Block::Sentence(format!(
                "Expected calibration error: {first:.3} of the 1st, {second:.3} of the 2nd."
            )));
        }
        if self.left_out_first + self.left_out_second > 0 {
            blocks.push(Block::Sentence(format!(
                "Left out, since the other wasn't asked: {} of the 1st, {} of the 2nd.",
                counted(self.left_out_first, "item", "items"),
                counted(self.left_out_second, "item", "items")
            )));
        }
        blocks
    }

    /// Which differences are more than chance.
    fn verdict(&self) -> String {
        let differs = |name: &str, compared: &Compared| {
            let better = if compared.difference > 0.0 { "2nd" } else { "1st" };
            format!("{name} (the {better} is better by {})", points(compared.difference.abs()))
        };
        let of_kinds = self.kinds.iter().filter(|kind| kind.compared.more_than_chance);
        let of_kinds: Vec<String> = of_kinds.map(|kind| differs(kind.kind.name(), &kind.compared)).collect();
        let all = match self.all.more_than_chance {
            true => format!("{} is more than chance.", differs("Over all items the difference", &self.all)),
            false => "Over all items the difference may be chance.".to_owned(),
        };
        let kinds = match of_kinds.is_empty() {
            true => "Of the kinds none differs by more than chance".to_owned(),
            false => format!("More than chance: {}", of_kinds.join(", ")),
        };
        let number = counted(self.kinds.len() as u64, "kind", "kinds");
        format!(
            "{all} {kinds} (p below 0.05 by McNemar's exact test, corrected for {number} by Holm's method)."
        )
    }
}

/// A line of a comparison; over all items nothing is corrected.
fn compared_row(name: &str, compared: &Compared, corrected: bool) -> Vec<String> {
    let (first, second) = compared.shares();
    let star = if compared.more_than_chance { "*" } else { "" };
    let (p, holm) = match corrected {
        true => (probability(compared.p), probability(compared.corrected_p) + star),
        false => (probability(compared.p) + star, String::new()),
    };
    vec![
        name.to_owned(),
        compared.paired.of().to_string(),
        percent(first),
        percent(second),
        format!("{:+.1}", 100.0 * compared.difference + 0.0),
        compared.paired.only_first.to_string(),
        compared.paired.only_second.to_string(),
        p,
        holm,
    ]
}

fn name(model: &str) -> String {
    end(&one_line(model), MOST_NAME)
}

/// The name of a part, below that of its kind.
fn part(group: &str) -> String {
    format!("  {}", one_line(group))
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn points(share: f64) -> String {
    format!("{:.1} points", 100.0 * share)
}

fn interval(tally: &Tally) -> String {
    format!("{}–{}", percent(tally.from), percent(tally.to))
}

fn probability(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { format!("{p:.3}") }
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map(|seconds| format!("{seconds:.2}")).unwrap_or_default()
}

fn text(blocks: &[Block], width: usize) -> String {
    let shown = |block: &Block| match block {
        Block::Heading(heading) | Block::Sentence(heading) => wrapped(heading, width),
        Block::Grid(grid) => grid.text(width),
    };
    blocks.iter().map(shown).collect::<Vec<_>>().join("\n")
}

fn markdown(blocks: &[Block]) -> String {
    let shown = |block: &Block| match block {
        Block::Heading(heading) => format!("## {}\n", super::grid::escaped(heading)),
        Block::Sentence(sentence) => format!("{}\n", super::grid::escaped(sentence)),
        Block::Grid(grid) => grid.markdown(),
    };
    blocks.iter().map(shown).collect::<Vec<_>>().join("\n")
}

/// Lines of at most so many columns, broken between words.
fn wrapped(sentence: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in sentence.split(' ') {
        let word = end(word, width);
        if used > 0 && used + 1 + word.width() > width {
            out.push('\n');
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(&word);
        used += word.width();
    }
    out + "\n"
}
