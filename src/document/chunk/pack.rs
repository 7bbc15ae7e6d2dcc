//! Atoms packed into chunks.

use super::atom::{Atom, Counter, Cut, atoms};
use super::{Limits, context};
use crate::document::{Block, Chunk, Document, Place};

/// Cuts a document into chunks, in its order. `count` counts the tokens of a text as the model
/// does that embeds it; it is called a few times for every line.
///
/// Neighbouring blocks under one heading are put together up to the most tokens; what has to be
/// cut is cut between blocks, else where a sentence ends a line, at a line, a sentence, a word.
/// Places are exact where the blocks are lines: those of a chunk's first and last line.
pub fn chunk(document: &Document, limits: &Limits, count: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let packer = Packer { limits, counter: Counter::new(count), title: document.title.as_deref() };
    let mut chunks = Vec::new();
    for stretch in document.blocks.chunk_by(may_share) {
        packer.stretch(stretch, &mut chunks);
    }
    chunks
}

/// Whether two neighbouring blocks may be in one chunk, headings aside.
fn may_share(a: &Block, b: &Block) -> bool {
    let same_sheet = !matches!(a.place, Place::Rows(..)) || a.heading == b.heading;
    a.place.through(b.place).is_some() && same_sheet
}

struct Packer<'p> {
    limits: &'p Limits,
    counter: Counter<'p>,
    title: Option<&'p str>,
}

/// Atoms that are packed together: those under one heading, or some that are short.
struct Group<'a> {
    heading: &'a [String],
    atoms: Vec<Atom<'a>>,
    tokens: usize,
}

impl<'p> Packer<'p> {
    fn stretch(&self, blocks: &[Block], chunks: &mut Vec<Chunk>) {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut before = None;
        for under in blocks.chunk_by(|a, b| a.heading == b.heading) {
            let mut group = Group { heading: &under[0].heading, atoms: Vec::new(), tokens: 0 };
            let room = self.room(group.heading);
            for block in under {
                group.atoms.extend(atoms(block, before, room, &self.counter));
                before = Some(block);
            }
            group.tokens = total(&group.atoms);
            match groups.last_mut() {
                Some(last) if self.may_join(last, &group) => last.join(group),
                _ => groups.push(group),
            }
        }
        groups.iter().for_each(|group| self.pack(group, chunks));
    }

    /// Tokens of a chunk that are left for its text.
    fn room(&self, heading: &[String]) -> usize {
        let most = self.limits.most_tokens.saturating_sub(self.counter.base());
        let above = match context(self.title, heading) {
            above if above.is_empty() => 0,
            above => self.counter.tokens(&(above + "\n")),
        };
        most.saturating_sub(above).max(most / 2).max(1)
    }

    /// Whether a group is so short that it joins the one before, or the other way round: they
    /// are parts of one section, or one is a part of the other.
    fn may_join(&self, last: &Group<'_>, next: &Group<'_>) -> bool {
        let common = common(last.heading, next.heading);
        let near = common + 1 >= last.heading.len().min(next.heading.len());
        let short = last.tokens.min(next.tokens) < self.limits.least_tokens;
        let room = self.room(&last.heading[..common]);
        short && near && last.tokens.saturating_add(next.tokens) <= room
    }

    fn pack(&self, group: &Group<'_>, chunks: &mut Vec<Chunk>) {
        let (atoms, room) = (&group.atoms, self.room(group.heading));
        let (mut from, mut rest) = (0, group.tokens);
        while from < atoms.len() {
            let mut to = if rest <= room { atoms.len() } else { self.cut(&atoms[from..], rest, room) + from };
            let mut text = written(&atoms[from..to]);
            // Tokens of the parts are mostly those of the whole; where not, half of it will do.
            while to - from > 1 && self.counter.tokens(&text) > room {
                to = from + (to - from).div_ceil(2);
                text = written(&atoms[from..to]);
            }
            chunks.extend(made(&atoms[from..to], text, group.heading));
            rest = rest.saturating_sub(total(&atoms[from..to]));
            from = to;
        }
    }

    /// How many atoms the next chunk takes, of more than there is room for.
    fn cut(&self, atoms: &[Atom<'_>], rest: usize, room: usize) -> usize {
        let mut ends: Vec<usize> = Vec::new();
        let mut sum = 0usize;
        for atom in atoms {
            sum = sum.saturating_add(atom.tokens);
            if sum > room && !ends.is_empty() {
                break;
            }
            ends.push(sum);
        }
        let most = ends.len();
        let cut = |count: usize| atoms.get(count).map_or(Cut::Block, |atom| atom.cut);
        let taken = |count: usize| ends[count - 1];
        // Between blocks, rather than in one that fits into a chunk of its own.
        let block = (1..=most)
            .rev()
            .find(|count| cut(*count) == Cut::Block && taken(*count) >= self.limits.least_tokens);
        if let Some(count) = block.filter(|count| block_tokens(&atoms[*count..], room) <= room) {
            return count;
        }
        let leaves = |count: &usize| rest.saturating_sub(taken(*count)) >= self.limits.least_tokens;
        let half = |count: &usize| taken(*count).saturating_mul(2) >= room;
        let best = |of: &dyn Fn(&usize) -> bool| (1..=most).filter(of).rev().min_by_key(|count| cut(*count));
        best(&|count| half(count) && leaves(count)).or_else(|| best(&half)).unwrap_or(most)
    }
}

impl<'a> Group<'a> {
    fn join(&mut self, next: Group<'a>) {
        self.heading = &self.heading[..common(self.heading, next.heading)];
        self.atoms.extend(next.atoms);
        self.tokens = self.tokens.saturating_add(next.tokens);
    }
}

/// How many headings two paths have in common.
fn common(a: &[String], b: &[String]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn total(atoms: &[Atom<'_>]) -> usize {
    atoms.iter().fold(0, |sum, atom| sum.saturating_add(atom.tokens))
}

/// Tokens of the block that begins here, or more than `most`.
fn block_tokens(atoms: &[Atom<'_>], most: usize) -> usize {
    let mut sum = 0usize;
    for (at, atom) in atoms.iter().enumerate() {
        if at > 0 && atom.cut == Cut::Block || sum > most {
            break;
        }
        sum = sum.saturating_add(atom.tokens);
    }
    sum
}

fn written(atoms: &[Atom<'_>]) -> String {
    let mut text = String::new();
    for (at, atom) in atoms.iter().enumerate() {
        if at > 0 {
            text.push_str(atom.glue);
        }
        text.push_str(atom.text);
    }
    text
}

/// The chunk of some atoms, without blank lines at its ends; `None`: there is nothing else.
fn made(atoms: &[Atom<'_>], text: String, heading: &[String]) -> Option<Chunk> {
    let filled = |atom: &Atom<'_>| !atom.text.trim().is_empty();
    let (first, last) = (atoms.iter().position(filled)?, atoms.iter().rposition(filled)?);
    let text = match first == 0 && last + 1 == atoms.len() {
        true => text,
        false => written(&atoms[first..=last]),
    };
    let (first, last) = (&atoms[first], &atoms[last]);
    let place = first.place.through(last.place).unwrap_or(first.place);
    let text = if first.cut >= Cut::Sentence { text.trim_start() } else { &text }.trim_end();
    Some(Chunk { text: text.to_owned(), heading: heading.to_vec(), place })
}
