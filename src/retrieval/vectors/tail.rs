//! The rows that the graph doesn't hold yet: few, so that they are looked through one by one.

use rusqlite::Result;

use super::code;
use super::table::{Gate, Table};

/// Codes of rows in memory.
#[derive(Debug)]
pub(super) struct Tail {
    dimensions: usize,
    ids: Vec<i64>,
    /// The codes, one after another.
    codes: Vec<i8>,
    /// One through the length of each code.
    scales: Vec<f32>,
    /// No row up to this number is in it: a graph holds them.
    from: i64,
    /// All rows from there up to this number were read; later ones weren't.
    seen: i64,
}

impl Tail {
    /// That of a graph which holds all up to a row.
    pub(super) fn after(mark: i64, dimensions: usize) -> Self {
        Self { dimensions, ids: Vec::new(), codes: Vec::new(), scales: Vec::new(), from: mark, seen: mark }
    }

    /// The row up to which all were read.
    pub(super) fn seen(&self) -> i64 {
        self.seen
    }

    /// Takes in what came since, until it holds so many rows.
    pub(super) fn catch_up(&mut self, table: &Table<'_>, most: usize) -> Result<()> {
        let newest = table.newest()?;
        let room = most.saturating_sub(self.ids.len());
        if newest <= self.seen || room == 0 {
            return Ok(());
        }
        let (rows, last) = table.each_after(self.seen, room, |id, vector| self.push(id, vector))?;
        // What is newer than the last may be of other spaces alone.
        self.seen = match rows < room {
            true => last.max(newest),
            false => last,
        };
        Ok(())
    }

    fn push(&mut self, id: i64, vector: &[f32]) {
        let from = self.codes.len();
        code::encode(vector, &mut self.codes);
        let code = self.codes.get(from..).unwrap_or(&[]);
        let length = (code::dot_codes(code, code) as f32).sqrt();
        self.scales.push(match length > 0.0 {
            true => 1.0 / length,
            false => 0.0,
        });
        self.ids.push(id);
    }

    /// Begins after another row: forgets what a graph holds by now, or begins anew.
    pub(super) fn begin_after(&mut self, mark: i64) {
        if mark < self.from {
            *self = Self::after(mark, self.dimensions);
        }
        self.from = mark;
        let held = self.ids.partition_point(|id| *id <= mark);
        self.ids.drain(..held);
        self.scales.drain(..held);
        self.codes.drain(..held * self.dimensions);
        self.seen = self.seen.max(mark);
    }

    /// The rows that are likely the nearest, of those that are allowed: at most so many.
    pub(super) fn propose(&self, query: &[i8], most: usize, gate: &mut Gate<'_>) -> Vec<i64> {
        let codes = self.codes.chunks_exact(self.dimensions.max(1));
        let scores = codes.zip(&self.scales).map(|(code, scale)| code::dot_codes(query, code) as f32 * scale);
        let mut scored: Vec<(f32, i64)> = scores.zip(self.ids.iter().copied()).collect();
        let mut proposed = Vec::new();
        // The best are sorted first; only where a filter takes them away the next are.
        let mut rest = scored.as_mut_slice();
        while proposed.len() < most && !rest.is_empty() {
            let batch = most.saturating_mul(2).min(rest.len());
            if batch < rest.len() {
                rest.select_nth_unstable_by(batch, |a, b| b.0.total_cmp(&a.0));
            }
            let (best, others) = rest.split_at_mut(batch);
            best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            let room = most - proposed.len();
            proposed.extend(best.iter().map(|(_, id)| *id).filter(|id| gate.allows(*id)).take(room));
            rest = others;
        }
        proposed
    }
}
