//! Atoms: what a chunk is put together from, and how bad a cut before each is.

use unicode_segmentation::UnicodeSegmentation;

use crate::document::decode::indent;
use crate::document::{Block, BlockKind, Place};
use crate::text::boundary_before;

/// Lines longer than this are cut without looking for sentences across the cut, so that one
/// line of megabytes needs no more time than many lines.
const LONG_LINE: usize = 16 * 1024;

/// How bad it is to cut before an atom; the order is from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cut {
    /// A block begins.
    Block,
    /// A sentence ended in the line above, or it is blank; an item of a list or a statement begins.
    Paragraph,
    /// A line begins.
    Line,
    /// A sentence begins within a line.
    Sentence,
    /// A word begins, or only a character.
    Word,
}

/// A line, or a piece of one.
#[derive(Debug, Clone)]
pub(super) struct Atom<'a> {
    pub(super) text: &'a str,
    /// What joins it to the atom before.
    pub(super) glue: &'static str,
    pub(super) place: Place,
    pub(super) cut: Cut,
    /// Tokens, with what joins it.
    pub(super) tokens: usize,
}

/// Counts tokens beyond those that every text has (that begin and end it).
pub(super) struct Counter<'c> {
    count: &'c dyn Fn(&str) -> usize,
    base: usize,
}

impl<'c> Counter<'c> {
    pub(super) fn new(count: &'c dyn Fn(&str) -> usize) -> Self {
        Self { count, base: count("") }
    }

    /// Tokens that every text has.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    pub(super) fn tokens(&self, text: &str) -> usize {
        match text.is_empty() {
            true => 0,
            false => (self.count)(text).saturating_sub(self.base),
        }
    }
}

/// The atoms of a block behind another one; each has at most so many tokens, unless a single
/// character has more.
pub(super) fn atoms<'a>(
    block: &'a Block,
    before: Option<&Block>,
    most: usize,
    counter: &Counter<'_>,
) -> Vec<Atom<'a>> {
    let lines: Vec<&str> = block.text.split('\n').collect();
    let judge: &dyn Fn(&str, &str) -> Cut = match block.kind {
        BlockKind::Code => &code_cut(&lines),
        BlockKind::Prose | BlockKind::Rows => &text_cut,
    };
    let mut atoms = Vec::with_capacity(lines.len());
    let mut above = None;
    for (at, line) in lines.iter().enumerate() {
        let place = line_place(block.place, at, lines.len());
        let cut = above.map_or(Cut::Block, |above| judge(above, line));
        let glue = match (above, before) {
            (Some(_), _) => "\n",
            (None, Some(before)) => between(before, block),
            (None, None) => "",
        };
        let tokens = counter.tokens(line).saturating_add(counter.tokens(glue));
        let whole = Atom { text: line, glue, place, cut, tokens };
        match !line.is_empty() && tokens.saturating_mul(4) > most {
            true => pieces(&whole, most, counter, &mut atoms),
            false => atoms.push(whole),
        }
        above = Some(*line);
    }
    atoms
}

/// What stands between two blocks: lines that follow each other are lines, as rows are and items
/// of a list; paragraphs have a blank line between them.
fn between(before: &Block, block: &Block) -> &'static str {
    let next = |to: u32, from: u32| from <= to.saturating_add(1);
    match (before.place, block.place) {
        (Place::Lines(_, to), Place::Lines(from, _)) if next(to, from) => "\n",
        _ if before.kind == BlockKind::Rows && block.kind == BlockKind::Rows => "\n",
        _ if before.text.starts_with("- ") && block.text.starts_with("- ") => "\n",
        _ => "\n\n",
    }
}

/// The place of a line of a block: exact where the block's text is as many lines as its place.
fn line_place(place: Place, at: usize, count: usize) -> Place {
    match place {
        Place::Lines(from, to) if (to - from.min(to)) as usize + 1 == count => {
            let line = from.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            Place::Lines(line, line)
        }
        place => place,
    }
}

/// How bad a cut is between two lines of text.
fn text_cut(above: &str, line: &str) -> Cut {
    match () {
        () if above.starts_with('#') => Cut::Line,
        () if ends_sentence(above) || begins_item(line) => Cut::Paragraph,
        () => Cut::Line,
    }
}

/// The same for code: best at blank lines, and between the outermost lines of a body.
fn code_cut(lines: &[&str]) -> impl Fn(&str, &str) -> Cut + use<> {
    let first = lines.first().map_or(0, |line| indent(line));
    let deeper = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(line));
    let body = deeper.filter(|indent| *indent > first).min();
    move |above, line| {
        let trimmed = line.trim_start();
        let closes = trimmed.starts_with(['}', ')', ']']);
        match () {
            () if above.trim().is_empty() => Cut::Paragraph,
            // What is said of a line stands above it.
            () if ["//", "#", "--", "*", "@"].iter().any(|mark| above.trim_start().starts_with(mark)) => {
                Cut::Sentence
            }
            () if !closes && body.is_some_and(|body| indent(line) <= body) => Cut::Paragraph,
            () => Cut::Line,
        }
    }
}

fn ends_sentence(line: &str) -> bool {
    let end = line.trim_end().trim_end_matches(['"', '\'', ')', ']', '»', '“', '”', '*', '_', '`']);
    end.is_empty() || end.ends_with(['.', '!', '?', ':', ';', '…', '。', '！', '？'])
}

fn begins_item(line: &str) -> bool {
    let line = line.trim_start();
    let item = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['-', '*', '+', '•', '#', '|'])
        || item.len() < line.len() && item.starts_with(['.', ')'])
}

/// Cuts a long line into sentences, and those that are too long into words.
fn pieces<'a>(line: &Atom<'a>, most: usize, counter: &Counter<'_>, atoms: &mut Vec<Atom<'a>>) {
    let first = atoms.len();
    for window in windows(line.text, LONG_LINE) {
        for sentence in window.split_sentence_bounds() {
            words(
                &Atom { text: sentence, glue: "", cut: Cut::Sentence, ..line.clone() },
                most,
                counter,
                atoms,
            );
        }
    }
    if let Some(first) = atoms.get_mut(first) {
        (first.glue, first.cut) = (line.glue, line.cut);
        first.tokens = first.tokens.saturating_add(counter.tokens(line.glue));
    }
}

/// Cuts a text into pieces with at most so many tokens each: those of few bytes first, which
/// are mostly short enough, and what is not into halves. Every byte is counted a few times.
fn words<'a>(sentence: &Atom<'a>, most: usize, counter: &Counter<'_>, atoms: &mut Vec<Atom<'a>>) {
    for (at, piece) in windows(sentence.text, most.saturating_mul(4).max(16)).enumerate() {
        let cut = if at == 0 { sentence.cut } else { Cut::Word };
        halves(&Atom { text: piece, cut, ..sentence.clone() }, most, counter, atoms);
    }
}

fn halves<'a>(piece: &Atom<'a>, most: usize, counter: &Counter<'_>, atoms: &mut Vec<Atom<'a>>) {
    let tokens = counter.tokens(piece.text);
    let half = cut_near(piece.text, piece.text.len().div_ceil(2));
    if tokens <= most || half == 0 || half == piece.text.len() {
        atoms.push(Atom { tokens, ..piece.clone() });
        return;
    }
    let (left, right) = piece.text.split_at(half);
    halves(&Atom { text: left, ..piece.clone() }, most, counter, atoms);
    halves(&Atom { text: right, cut: Cut::Word, ..piece.clone() }, most, counter, atoms);
}

/// Cuts a text into pieces of at most so many bytes (a character may have more), at spaces
/// where there are some.
fn windows(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = if rest.len() <= most { rest.len() } else { cut_near(rest, most) };
        let (piece, behind) = rest.split_at(at);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Where to cut a text, at most so many bytes from its start: behind a space in the last half
/// of them, or else at a character, the first at least.
fn cut_near(text: &str, most: usize) -> usize {
    let end = match boundary_before(text, most) {
        0 => text.chars().next().map_or(0, char::len_utf8),
        end => end,
    };
    let from = boundary_before(text, end / 2);
    match text[from..end].rfind(char::is_whitespace) {
        Some(at) => from + at + text[from + at..].chars().next().map_or(0, char::len_utf8),
        None => end,
    }
}
