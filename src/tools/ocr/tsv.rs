//! What Tesseract writes as `tsv`: one word a row, gathered into lines.
//!
//! The columns: level, page, block, paragraph, line, word, left, top, width, height (pixels),
//! confidence (per cent, -1 where it is none), text. Level 5 is a word.

use std::fmt;

use crate::intake::WHOLE;
use crate::tools::plain::line;

/// A word of less confidence, in per cent, is marked as unsure.
const UNSURE: f64 = 60.0;

/// A line that was read, with its place in thousandths of the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its words.
    pub text: String,
    /// Its left edge.
    pub left: u32,
    /// Its upper edge.
    pub top: u32,
    /// Its right edge.
    pub right: u32,
    /// Its lower edge.
    pub bottom: u32,
    /// The mean over its words, in per cent.
    pub confidence: f64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, left, top, right, bottom, confidence } = self;
        write!(f, "[{left},{top},{right},{bottom}] {confidence:.0}% {text}")
    }
}

/// The lines of a picture of that size, from top to bottom. Rows that aren't words are left
/// out, and so are warnings that stand between them.
pub(super) fn lines(tsv: &str, width: u32, height: u32) -> Vec<Line> {
    let mut gathered: Vec<Gathered<'_>> = Vec::new();
    for word in tsv.lines().filter_map(Word::read) {
        match gathered.last_mut() {
            Some(last) if last.key == word.key => last.add(&word),
            _ => gathered.push(Gathered::begin(&word)),
        }
    }
    let mut lines: Vec<Line> = gathered.into_iter().map(|line| line.finish(width, height)).collect();
    lines.sort_by_key(|line| (line.top, line.left));
    lines
}

/// A row of level 5.
struct Word<'a> {
    /// Page, block, paragraph and line.
    key: [&'a str; 4],
    /// Left, top, right and bottom in pixels.
    edges: [i64; 4],
    confidence: f64,
    text: &'a str,
}

impl<'a> Word<'a> {
    fn read(row: &'a str) -> Option<Self> {
        let cells: Vec<&str> = row.splitn(12, '\t').collect();
        let [level, page, block, paragraph, line, _, left, top, width, height, confidence, text] =
            cells.as_slice()
        else {
            return None;
        };
        let pixels = |cell: &str| cell.parse::<u32>().ok().map(i64::from);
        let (left, top) = (pixels(left)?, pixels(top)?);
        let edges = [left, top, left + pixels(width)?, top + pixels(height)?];
        let confidence = confidence.parse::<f64>().ok().filter(|number| (0.0..=100.0).contains(number))?;
        let text = text.trim();
        (*level == "5" && !text.is_empty()).then_some(Self {
            key: [page, block, paragraph, line],
            edges,
            confidence,
            text,
        })
    }
}

struct Gathered<'a> {
    key: [&'a str; 4],
    edges: [i64; 4],
    text: String,
    confidence: f64,
    words: f64,
}

impl<'a> Gathered<'a> {
    fn begin(word: &Word<'a>) -> Self {
        let mut begun =
            Self { key: word.key, edges: word.edges, text: String::new(), confidence: 0.0, words: 0.0 };
        begun.add(word);
        begun
    }

    fn add(&mut self, word: &Word<'_>) {
        let [left, top, right, bottom] = &mut self.edges;
        *left = (*left).min(word.edges[0]);
        *top = (*top).min(word.edges[1]);
        *right = (*right).max(word.edges[2]);
        *bottom = (*bottom).max(word.edges[3]);
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(&line(word.text));
        if word.confidence < UNSURE {
            self.text.push_str(" (?)");
        }
        self.confidence += word.confidence;
        self.words += 1.0;
    }

    fn finish(self, width: u32, height: u32) -> Line {
        let whole = i64::from(WHOLE);
        let place = |pixels: i64, of: u32| {
            let thousandths = (pixels * whole / i64::from(of.max(1))).clamp(0, whole);
            // Clamped to what a `u32` holds.
            thousandths as u32
        };
        let [left, top, right, bottom] = self.edges;
        Line {
            text: self.text,
            left: place(left, width),
            top: place(top, height),
            right: place(right, width),
            bottom: place(bottom, height),
            confidence: self.confidence / self.words,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROWS: &str =
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext
1\t1\t0\t0\t0\t0\t0\t0\t400\t200\t-1\t
5\t1\t2\t1\t1\t1\t20\t100\t80\t10\t96.9\tPermission
5\t1\t2\t1\t1\t2\t110\t98\t50\t12\t41.5\tden\u{1b}[31mied:
Estimating resolution as 124
5\t1\t2\t1\t1\t3\t170\t100\t10\t10\t95.0\t 
5\t1\t1\t1\t1\t1\t10\t10\t40\t20\t90\tError
5\t1\t1\t1\t1\t2\t-3\t10\t40\t20\t90\tbroken
5\t1\t1\t1\t1\t2\t3\t10\t40\t20\tNaN\tbroken
5\t1\t1\t1";

    #[test]
    fn words_are_gathered_into_lines_with_their_places() {
        let lines: Vec<String> = lines(ROWS, 400, 200).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["[25,50,125,150] 90% Error", "[50,490,400,550] 69% Permission denied: (?)"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), width in any::<u32>(), height in any::<u32>()) {
            lines(&text, width, height);
        }

        #[test]
        fn places_lie_in_the_picture(
            rows in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>(), -1.0..101.0f64, "\\PC{0,9}"), 0..9),
            width in any::<u32>(),
        ) {
            let tsv: String = rows
                .iter()
                .map(|(x, y, w, h, c, text)| format!("5\t1\t1\t1\t{}\t1\t{x}\t{y}\t{w}\t{h}\t{c}\t{text}\n", x % 2))
                .collect();
            for line in lines(&tsv, width, 7) {
                prop_assert!(line.left <= line.right && line.right <= 1000 && line.top <= line.bottom);
                prop_assert!((0.0..=100.0).contains(&line.confidence) && !line.text.is_empty());
            }
        }
    }
}
