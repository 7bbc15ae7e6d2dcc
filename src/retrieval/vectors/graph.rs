//! The graph: a hierarchical navigable small world (Malkov and Yashunin 2016) over i8 codes, by
//! usearch, in a file that is mapped.

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::code;
use super::description::Description;
use super::table::{self, Gate, Table};
use crate::retrieval::{IndexError, Space};

/// Neighbours of a vector on each layer of the graph; twice as many on the lowest. The value of
/// the paper; see `docs/benchmarks.md` for the recall that was measured.
const CONNECTIVITY: usize = 16;

/// Vectors that are looked at when one is added: half of usearch's default, since what is
/// proposed is ranked again.
const EXPANSION_ADD: usize = 96;

/// The least vectors that are kept in sight during a search.
const EXPANSION_SEARCH: usize = 96;

/// Threads that build: the machine is the person's.
const THREADS: usize = 2;

/// Below so many vectors one thread builds. A vector that is added beside one which is linked on
/// an upper layer and not yet on the lowest can lose all its links, and is never found again. That
/// is likeliest in a small graph: two threads lost about five of the first 20,000, and three of the
/// 80,000 after them.
const ALONE: usize = 20_000;

/// Vectors that are added between two looks at whether to stop.
const BATCH: usize = 2_000;

/// The graph of a space.
pub(super) struct Graph {
    index: Index,
    description: Description,
}

impl Graph {
    /// Maps the graph that is described; `None`: its file is not what was described, so that it
    /// can't be believed.
    pub(super) fn open(folder: &Path, space: &Space, description: Description) -> Option<Self> {
        if !description.is_true(folder, space) {
            return None;
        }
        let index = Index::new(&options(space)).ok()?;
        index.view(description.graph(folder, space).to_str()?).ok()?;
        let fits = index.size() as u64 == description.count && index.dimensions() == space.dimensions;
        fits.then_some(Self { index, description })
    }

    /// What it was opened by.
    pub(super) fn description(&self) -> &Description {
        &self.description
    }

    /// The rows that are likely the nearest, of those that a gate allows, if there is one: at
    /// most so many.
    pub(super) fn propose(
        &self,
        query: &[i8],
        most: usize,
        gate: Option<&mut Gate<'_>>,
    ) -> Result<Vec<i64>, IndexError> {
        self.index.change_expansion_search(most.max(EXPANSION_SEARCH));
        let found = match gate.map(RefCell::new) {
            None => self.index.search(query, most),
            Some(gate) => self.index.filtered_search(query, most, |key| {
                i64::try_from(key).is_ok_and(|id| gate.borrow_mut().allows(id))
            }),
        };
        let found = found.map_err(|error| {
            IndexError::Vectors(format!("the graph of the vectors can't be searched: {error}"))
        })?;
        Ok(found.keys.into_iter().filter_map(|key| i64::try_from(key).ok()).collect())
    }
}

/// Builds the graph of a space: from `base` and what came since, or from nothing. It is written
/// beside the one that is in use, and then put in its place.
pub(super) fn build(
    folder: &Path,
    space: &Space,
    table: &Table<'_>,
    base: Option<&Description>,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<(), IndexError> {
    let failed = |error| super::failed(table.connection, error);
    let identity = table::make_identity(table.connection).map_err(failed)?;
    let index = Index::new(&options(space)).map_err(native)?;
    if let Some(base) = base {
        index.load(text(&base.graph(folder, space))?).map_err(native)?;
    }
    let mut mark = base.map_or(0, |base| base.mark);
    let total = (index.size() as u64).saturating_add(table.count_after(mark).map_err(failed)?);
    let room = usize::try_from(total).unwrap_or(usize::MAX);
    loop {
        let mut batch = Batch::new(space.dimensions);
        let take = |id, vector: &[f32]| batch.push(id, vector);
        let (rows, last) = table.each_after(mark, BATCH, take).map_err(failed)?;
        mark = last;
        if rows == 0 {
            break;
        }
        // Rows may come while it is built.
        index.reserve_capacity_and_threads(room.max(index.size() + rows), THREADS).map_err(native)?;
        batch.add_to(&index, if index.size() < ALONE { 1 } else { THREADS })?;
        tell(index.size() as u64, total.max(index.size() as u64));
        if stop.load(Ordering::Relaxed) {
            return Err(IndexError::Stopped);
        }
    }
    save(folder, space, &identity, index, mark)
}

fn save(folder: &Path, space: &Space, identity: &str, index: Index, mark: i64) -> Result<(), IndexError> {
    let disk = |error| IndexError::Disk { path: folder.to_owned(), error };
    let made = tempfile::Builder::new().prefix("vectors-").tempfile_in(folder).map_err(disk)?;
    let made = made.into_temp_path();
    index.save(text(&made)?).map_err(native)?;
    let count = index.size() as u64;
    drop(index);
    Description::publish(folder, space, identity, (count, mark), made).map_err(disk)
}

/// Codes that are to be added.
struct Batch {
    dimensions: usize,
    ids: Vec<i64>,
    codes: Vec<i8>,
}

impl Batch {
    fn new(dimensions: usize) -> Self {
        Self { dimensions, ids: Vec::new(), codes: Vec::new() }
    }

    fn push(&mut self, id: i64, vector: &[f32]) {
        self.ids.push(id);
        code::encode(vector, &mut self.codes);
    }

    /// Adds them, in so many threads.
    fn add_to(&self, index: &Index, threads: usize) -> Result<(), IndexError> {
        let share = self.ids.len().div_ceil(threads).max(1);
        let shares = self.ids.chunks(share).zip(self.codes.chunks(share * self.dimensions));
        let add = |(ids, codes): (&[i64], &[i8])| {
            let mut rows = ids.iter().zip(codes.chunks_exact(self.dimensions));
            rows.try_for_each(|(id, code)| index.add(id.unsigned_abs(), code)).map_err(native)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = shares.map(|share| scope.spawn(move || add(share))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
        })
    }
}

fn options(space: &Space) -> IndexOptions {
    IndexOptions {
        dimensions: space.dimensions,
        metric: MetricKind::Cos,
        quantization: ScalarKind::I8,
        connectivity: CONNECTIVITY,
        expansion_add: EXPANSION_ADD,
        expansion_search: EXPANSION_SEARCH,
        multi: false,
    }
}

/// A path as usearch takes it.
fn text(path: &Path) -> Result<&str, IndexError> {
    let said = || {
        format!(
            "the folder of the index has a name that is no text: {}; move it to another one",
            path.display()
        )
    };
    path.to_str().ok_or_else(|| IndexError::Vectors(said()))
}

fn native(error: impl std::fmt::Display) -> IndexError {
    IndexError::Vectors(format!("the graph of the vectors can't be built: {error}"))
}
