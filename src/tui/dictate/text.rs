//! The text of recordings in the composer: where it goes, and how it is taken out again.
//!
//! Settled words are text of the composer like any other, so they can be edited at once.
//! What is typed meanwhile goes where the cursor is, and stands behind what is said where
//! the recording began. As long as nothing else is typed, all the words of a recording are
//! one step of the composer's undo: each time they are inserted anew, as a whole, into the
//! composer as it was before.

use std::ops::Range;

use ratatui_textarea::{CursorMove, TextArea};

/// In front of these there is no space.
const CLOSING: [char; 10] = ['.', ',', ';', ':', '!', '?', ')', ']', '}', '…'];

/// Behind these there is no space.
const OPENING: [char; 4] = ['(', '[', '{', '`'];

/// The recordings whose text is not complete, and where it stands. Places are counted in
/// characters from the start of the composer's text.
#[derive(Default)]
pub(in crate::tui) struct Dictated {
    stretches: Vec<Stretch>,
    /// The composer's text as it was left.
    known: String,
    base: Option<Base>,
}

/// The text of one recording.
struct Stretch {
    take: u64,
    /// Where its next words go.
    anchor: usize,
    /// Its utterances, with the spaces that were put around them.
    pieces: Vec<Range<usize>>,
}

/// The composer before the words of a recording that nothing was typed after.
struct Base {
    take: u64,
    composer: TextArea<'static>,
    at: usize,
    text: String,
}

impl Dictated {
    /// A recording begins: its words go where the cursor is.
    pub(in crate::tui) fn begin(&mut self, composer: &TextArea<'_>, take: u64) {
        self.follow(composer);
        self.known = text(composer);
        self.stretches.push(Stretch { take, anchor: cursor(composer), pieces: Vec::new() });
    }

    /// All its words are there.
    pub(in crate::tui) fn end(&mut self, take: u64) {
        self.stretches.retain(|stretch| stretch.take != take);
        if self.stretches.is_empty() {
            *self = Self::default();
        }
    }

    /// Where the next words of the oldest recording go: row and column.
    pub(in crate::tui) fn place(&self, composer: &TextArea<'_>) -> Option<usize> {
        let anchor = self.stretches.first()?.anchor;
        Some(anchor.min(text(composer).chars().count()))
    }

    /// Something may have been typed: the places move with it.
    pub(in crate::tui) fn follow(&mut self, composer: &TextArea<'_>) {
        if self.stretches.is_empty() {
            return;
        }
        let now = text(composer);
        if now == self.known {
            return;
        }
        let edit = Edit::between(&self.known, &now);
        for stretch in &mut self.stretches {
            stretch.anchor = edit.moved(stretch.anchor);
            for piece in &mut stretch.pieces {
                let start = edit.start_moved(piece.start);
                *piece = start..edit.moved(piece.end).max(start);
            }
        }
        self.known = now;
        self.base = None;
    }

    /// Puts the next words of a recording into the composer.
    pub(in crate::tui) fn settle(&mut self, composer: &mut TextArea<'static>, take: u64, words: &str) {
        self.follow(composer);
        let Some(at) = self.stretches.iter().find(|stretch| stretch.take == take).map(|one| one.anchor)
        else {
            return;
        };
        let words = spaced(&self.known, at, words);
        let len = words.chars().count();
        let back = cursor(composer);
        match &mut self.base {
            Some(base) if base.take == take && base.at + base.text.chars().count() == at => {
                base.text.push_str(&words);
            }
            _ => {
                let (composer, text) = (composer.clone(), words);
                self.base = Some(Base { take, composer, at, text });
            }
        }
        self.rebuild(composer, if back >= at { back + len } else { back });
        for stretch in &mut self.stretches {
            let owns = stretch.take == take;
            for piece in &mut stretch.pieces {
                if piece.start >= at {
                    *piece = piece.start + len..piece.end + len;
                }
            }
            if stretch.anchor >= at {
                stretch.anchor += len;
            }
            if owns {
                stretch.pieces.push(at..at + len);
            }
        }
    }

    /// Takes the last utterance of a recording out again; false: there is none.
    pub(in crate::tui) fn scratch(&mut self, composer: &mut TextArea<'static>, take: u64) -> bool {
        self.follow(composer);
        let stretch = self.stretches.iter_mut().find(|stretch| stretch.take == take);
        let Some(piece) = stretch.and_then(|stretch| stretch.pieces.pop()) else { return false };
        let back = cursor(composer);
        let back = if back >= piece.end { back - piece.len() } else { back.min(piece.start) };
        match &mut self.base {
            Some(base) if base.take == take && base.at <= piece.start => {
                base.text = base.text.chars().take(piece.start - base.at).collect();
                self.rebuild(composer, back);
            }
            _ => {
                go(composer, piece.start);
                composer.delete_str(piece.len());
                go(composer, back);
                self.known = text(composer);
                self.base = None;
            }
        }
        let out =
            |place: usize| if place >= piece.end { place - piece.len() } else { place.min(piece.start) };
        for stretch in &mut self.stretches {
            stretch.anchor = out(stretch.anchor);
            for other in &mut stretch.pieces {
                *other = out(other.start)..out(other.end);
            }
        }
        true
    }

    /// Takes all the text of a recording out, what stands together in one step of the undo;
    /// false: there is none.
    pub(in crate::tui) fn discard(&mut self, composer: &mut TextArea<'static>, take: u64) -> bool {
        self.follow(composer);
        // Not as if it had never been: it can be brought back.
        self.base = None;
        let Some(stretch) = self.stretches.iter_mut().find(|stretch| stretch.take == take) else {
            return false;
        };
        stretch.pieces = joined(std::mem::take(&mut stretch.pieces));
        let found = !stretch.pieces.is_empty();
        while self.scratch(composer, take) {}
        found
    }

    /// Makes the composer anew: as it was, with the words in one step.
    fn rebuild(&mut self, composer: &mut TextArea<'static>, back: usize) {
        if let Some(base) = &self.base {
            *composer = base.composer.clone();
            if !base.text.is_empty() {
                go(composer, base.at);
                composer.insert_str(&base.text);
            }
        }
        go(composer, back);
        self.known = text(composer);
    }
}

/// Pieces that stand together become one; the empty ones go.
fn joined(pieces: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => joined.push(piece),
        }
    }
    joined
}

/// What changed between two texts: so many characters there became so many others.
struct Edit {
    at: usize,
    removed: usize,
    inserted: usize,
}

impl Edit {
    fn between(before: &str, after: &str) -> Self {
        let (before, after): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
        let at = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
        let tails = before[at..].iter().rev().zip(after[at..].iter().rev());
        let same = tails.take_while(|(one, other)| one == other).count();
        Self { at, removed: before.len() - at - same, inserted: after.len() - at - same }
    }

    /// Where a place is now. What was inserted at it stands behind it.
    fn moved(&self, place: usize) -> usize {
        match place {
            _ if place <= self.at => place,
            _ if place >= self.at + self.removed => place - self.removed + self.inserted,
            _ => self.at + self.inserted,
        }
    }

    /// The same for the start of a piece: what was inserted at it stands in front of it.
    fn start_moved(&self, place: usize) -> usize {
        match place {
            _ if place == self.at && self.removed == 0 => place + self.inserted,
            _ => self.moved(place),
        }
    }
}

/// Whether a character is of a script that has no spaces between words, or is its punctuation:
/// Thai, Lao, Burmese, Khmer, Chinese and Japanese.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3000}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Words with the spaces that they need where they go.
fn spaced(text: &str, at: usize, words: &str) -> String {
    if words.trim().is_empty() {
        return words.to_owned();
    }
    let before = at.checked_sub(1).and_then(|before| text.chars().nth(before));
    let joins = before.is_none_or(|c| c.is_whitespace() || OPENING.contains(&c) || is_unspaced(c))
        || words.starts_with(CLOSING)
        || words.starts_with(is_unspaced);
    let behind = text.chars().nth(at);
    let leads =
        behind.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c)) && !words.ends_with(is_unspaced);
    format!("{}{words}{}", if joins { "" } else { " " }, if leads { " " } else { "" })
}

/// The composer with words at a place that are not in it for good, and where they stand.
pub(super) fn with_partial(
    composer: &TextArea<'static>,
    at: usize,
    words: &str,
) -> (TextArea<'static>, Range<usize>) {
    let words = spaced(&text(composer), at, words);
    let (mut shown, back) = (composer.clone(), cursor(composer));
    let len = words.chars().count();
    go(&mut shown, at);
    shown.insert_str(&words);
    go(&mut shown, if back >= at { back + len } else { back });
    (shown, at..at + len)
}

/// The place of a row and column.
pub(super) fn place_of(composer: &TextArea<'_>, row: usize, column: usize) -> usize {
    let above = composer.lines().iter().take(row).map(|line| line.chars().count() + 1);
    above.sum::<usize>() + column
}

fn text(composer: &TextArea<'_>) -> String {
    composer.lines().join("\n")
}

fn cursor(composer: &TextArea<'_>) -> usize {
    let cursor = composer.cursor();
    place_of(composer, cursor.0, cursor.1)
}

/// Moves the cursor to a place, with nothing selected.
fn go(composer: &mut TextArea<'_>, place: usize) {
    composer.cancel_selection();
    let (mut row, mut left) = (0, place);
    for line in composer.lines() {
        let columns = line.chars().count();
        if left <= columns {
            break;
        }
        (row, left) = (row + 1, left - columns - 1);
    }
    let short = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    composer.move_cursor(CursorMove::Jump(short(row), short(left)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn composer(with: &str) -> TextArea<'static> {
        let mut composer = TextArea::new(with.split('\n').map(str::to_owned).collect());
        composer.move_cursor(CursorMove::Bottom);
        composer.move_cursor(CursorMove::End);
        composer
    }

    fn settled(composer: &mut TextArea<'static>, utterances: &[&str]) -> Dictated {
        let mut dictated = Dictated::default();
        dictated.begin(composer, 1);
        for words in utterances {
            dictated.settle(composer, 1, words);
        }
        dictated
    }

    #[test]
    fn words_are_spaced_and_one_undo_takes_all_of_them() {
        let mut composer = composer("See");
        settled(&mut composer, &["Hello", "world", ", and", "\n\n", "(so", "on)."]);
        assert_eq!(text(&composer), "See Hello world, and\n\n(so on).");
        assert!(composer.undo());
        assert_eq!(text(&composer), "See");
        assert!(composer.redo());
        assert_eq!(text(&composer), "See Hello world, and\n\n(so on).");
    }

    #[test]
    fn scripts_without_spaces_get_none() {
        let mut composer = composer("見る");
        settled(&mut composer, &["これは", "ログです。", "สวัสดี", "ครับ", "한국", "말"]);
        assert_eq!(text(&composer), "見るこれはログです。สวัสดีครับ한국 말");
        let mut composer = self::composer("文字");
        go(&mut composer, 1);
        settled(&mut composer, &["log"]);
        assert_eq!(text(&composer), "文log字");
    }

    #[test]
    fn what_was_discarded_comes_back_with_one_undo() {
        let mut composer = composer("See");
        let mut dictated = settled(&mut composer, &["one", "two", "three"]);
        assert!(dictated.discard(&mut composer, 1) && !dictated.discard(&mut composer, 1));
        assert_eq!(text(&composer), "See");
        composer.undo();
        assert_eq!(text(&composer), "See one two three");
        composer.undo();
        assert_eq!(text(&composer), "See");
    }

    #[test]
    fn what_was_typed_between_two_recordings_moves_no_place() {
        let mut composer = composer("");
        let mut dictated = settled(&mut composer, &["One."]);
        dictated.end(1);
        composer.insert_str(" typed");
        dictated.follow(&composer);
        dictated.begin(&composer, 2);
        dictated.settle(&mut composer, 2, "Two.");
        assert_eq!(text(&composer), "One. typed Two.");
    }

    #[test]
    fn words_within_a_text_leave_the_cursor_where_it_is() {
        let mut composer = composer("one two");
        go(&mut composer, 4);
        let mut dictated = settled(&mut composer, &["more", "words"]);
        assert_eq!((text(&composer).as_str(), cursor(&composer)), ("one more words two", 15));
        go(&mut composer, 1);
        dictated.settle(&mut composer, 1, "here");
        assert_eq!((text(&composer).as_str(), cursor(&composer)), ("one more words here two", 1));
        composer.undo();
        assert_eq!(text(&composer), "one two");
    }

    #[test]
    fn what_is_typed_meanwhile_stands_behind_and_stays_when_the_rest_is_discarded() {
        let mut composer = composer("");
        let mut dictated = settled(&mut composer, &["Hello"]);
        composer.insert_str(" typed");
        dictated.follow(&composer);
        dictated.settle(&mut composer, 1, "world");
        assert_eq!(text(&composer), "Hello world typed");
        composer.undo();
        assert_eq!(text(&composer), "Hello typed");
        composer.redo();
        // A word is mended: it is still of the recording.
        go(&mut composer, 1);
        composer.insert_str("u");
        dictated.discard(&mut composer, 1);
        assert_eq!(text(&composer), " typed");
    }

    #[test]
    fn the_last_utterance_is_scratched_and_then_the_one_before() {
        let mut composer = composer("x");
        let mut dictated = settled(&mut composer, &["one", "two"]);
        assert!(dictated.scratch(&mut composer, 1));
        dictated.settle(&mut composer, 1, "three");
        assert_eq!(text(&composer), "x one three");
        composer.undo();
        assert_eq!(text(&composer), "x");
        composer.redo();
        assert!(dictated.scratch(&mut composer, 1) && dictated.scratch(&mut composer, 1));
        assert!(!dictated.scratch(&mut composer, 1));
        assert_eq!(text(&composer), "x");
    }

    #[test]
    fn two_recordings_each_have_their_place_and_their_undo() {
        let mut composer = composer("");
        let mut dictated = settled(&mut composer, &["One."]);
        dictated.begin(&composer, 2);
        dictated.settle(&mut composer, 1, "Rest.");
        dictated.end(1);
        dictated.settle(&mut composer, 2, "Two.");
        assert_eq!(text(&composer), "One. Rest. Two.");
        composer.undo();
        assert_eq!(text(&composer), "One. Rest.");
        composer.undo();
        assert_eq!(text(&composer), "");
        dictated.end(2);
        assert!(dictated.stretches.is_empty() && dictated.place(&composer).is_none());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Settle(String),
        Type(usize, String),
        Delete(usize, usize),
        Undo,
        Redo,
        Scratch,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            "[a-zäß,. \n]{0,8}".prop_map(Step::Settle),
            (0..60usize, "[A-Z \n]{1,5}").prop_map(|(at, text)| Step::Type(at, text)),
            (0..60usize, 0..9usize).prop_map(|(at, count)| Step::Delete(at, count)),
            Just(Step::Undo),
            Just(Step::Redo),
            Just(Step::Scratch),
        ]
    }

    proptest! {
        /// Whatever is typed meanwhile, places stay within the text and nothing panics.
        #[test]
        fn places_follow_any_edit(before in "[a-z \n]{0,20}", steps in prop::collection::vec(step(), 0..30)) {
            let mut composer = composer(&before);
            let mut dictated = settled(&mut composer, &[]);
            for step in steps {
                match step {
                    Step::Settle(words) => dictated.settle(&mut composer, 1, &words),
                    Step::Type(at, text) => { go(&mut composer, at); composer.insert_str(text); }
                    Step::Delete(at, count) => { go(&mut composer, at); composer.delete_str(count); }
                    Step::Undo => { composer.undo(); }
                    Step::Redo => { composer.redo(); }
                    Step::Scratch => { dictated.scratch(&mut composer, 1); }
                }
                dictated.follow(&composer);
                let most = text(&composer).chars().count();
                let stretch = &dictated.stretches[0];
                prop_assert!(stretch.anchor <= most);
                prop_assert!(stretch.pieces.iter().all(|piece| piece.start <= piece.end && piece.end <= most));
            }
            dictated.discard(&mut composer, 1);
        }

        /// With nothing typed, discarding and one undo both give what was there.
        #[test]
        fn all_of_it_can_be_taken_out(before in "[a-z \n]{0,20}", at in 0..20usize, words in prop::collection::vec("[a-z,.\n]{1,8}", 1..6)) {
            let mut composer = composer(&before);
            go(&mut composer, at);
            let place = cursor(&composer);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut dictated = settled(&mut composer, &words);
            let mut undone = composer.clone();
            undone.undo();
            prop_assert_eq!(text(&undone), before.clone());
            dictated.discard(&mut composer, 1);
            prop_assert_eq!((text(&composer), cursor(&composer)), (before, place));
        }
    }
}
