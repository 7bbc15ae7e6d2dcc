//! The nearest vectors on this machine: a graph in a file, and a tail in memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::description::{self, Description};
use super::graph::{self, Graph};
use super::table::{self, Gate, Table};
use super::tail::Tail;
use super::{Vectors, code, failed, nearest};
use crate::retrieval::{Filter, IndexError, PassageId, Space};

/// Below so many vectors there is no graph: looking through all of them takes a few
/// milliseconds.
const SMALL: u64 = 20_000;

/// The graph takes in what came since when that is more than one in so many of what it holds,
/// and more than [`SMALL`]: to load and to save it has a price of its own.
const SHARE_NEW: u64 = 10;

/// It is built anew when more than one in so many of its vectors are gone: they are still walked
/// through, for nothing.
const SHARE_GONE: u64 = 4;

/// The most bytes of vectors that came since the graph was built which are held in memory; what
/// is beyond is read anew for each search, until the graph has it.
const MOST_TAIL_BYTES: usize = 96 * 1024 * 1024;

/// What is proposed for each result that is wanted, and some more: the order by codes is not
/// quite that of the vectors.
const PROPOSED_EACH: usize = 2;
const PROPOSED_MORE: usize = 16;

/// The nearest vectors of a space, from caches in the folder of the index. One is for one
/// opened database: a database that is put in place of it wants another.
pub struct Local {
    folder: PathBuf,
    space: Space,
    /// [`SMALL`], but in tests.
    small: u64,
    state: Mutex<State>,
}

struct State {
    /// The description that was found last, whether its graph could be used or not.
    described: Option<Description>,
    graph: Option<Graph>,
    tail: Tail,
}

/// What is to be done about the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    Keep,
    Remove,
    Extend,
    BuildAnew,
}

impl Local {
    /// Those of a space, in the folder of the index. Nothing is read before it is searched.
    pub fn new(folder: &Path, space: &Space) -> Self {
        let state = State { described: None, graph: None, tail: Tail::after(0, space.dimensions) };
        Self { folder: folder.to_owned(), space: space.clone(), small: SMALL, state: Mutex::new(state) }
    }

    /// Takes over a graph that was built meanwhile, by whomever, and the rows that came.
    fn catch_up(&self, state: &mut State, table: &Table<'_>) -> rusqlite::Result<()> {
        let identity = table::identity(table.connection)?;
        let found = identity.and_then(|identity| Description::read(&self.folder, &self.space, &identity));
        if found != state.described {
            state.graph = found.clone().and_then(|found| Graph::open(&self.folder, &self.space, found));
            state.described = found;
            state.tail.begin_after(state.graph.as_ref().map_or(0, |graph| graph.description().mark));
        }
        let bytes_each = self.space.dimensions.saturating_add(size_of::<(i64, f32)>());
        state.tail.catch_up(table, MOST_TAIL_BYTES / bytes_each)
    }

    /// Rows that are likely the nearest; some may be gone that the graph holds.
    fn propose(
        &self,
        table: &Table<'_>,
        query: &[f32],
        wanted: usize,
        filter: &Filter<'_>,
    ) -> Result<Vec<i64>, IndexError> {
        let failed = |error| failed(table.connection, error);
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.catch_up(state, table).map_err(failed)?;
        let mut coded = Vec::with_capacity(query.len());
        code::encode(query, &mut coded);
        let most = wanted.saturating_mul(PROPOSED_EACH).saturating_add(PROPOSED_MORE);
        let mut gate = table.gate(filter).map_err(failed)?;
        let mut proposed = match &state.graph {
            Some(graph) => of_graph(graph, &coded, (wanted, most), filter, &mut gate)?,
            None => Vec::new(),
        };
        proposed.extend(state.tail.propose(&coded, most, &mut gate));
        if state.tail.seen() < table.newest().map_err(failed)? {
            proposed.extend(table.scan_after(state.tail.seen(), query, most, &mut gate).map_err(failed)?);
        }
        gate.finish().map_err(failed)?;
        Ok(proposed)
    }
}

impl Vectors for Local {
    fn search(
        &self,
        connection: &Connection,
        query: &[f32],
        most: usize,
        filter: &Filter<'_>,
    ) -> Result<Vec<(PassageId, f32)>, IndexError> {
        nearest((connection, &self.space), query, (most, filter), |table| {
            self.propose(table, query, most, filter)
        })
    }

    fn sync(
        &self,
        connection: &Connection,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<(), IndexError> {
        let failed = |error| failed(connection, error);
        let Some(table) = Table::of(connection, &self.space).map_err(failed)? else { return Ok(()) };
        let identity = table::identity(connection).map_err(failed)?;
        let held = identity
            .and_then(|identity| Description::read(&self.folder, &self.space, &identity))
            .filter(|held| held.is_true(&self.folder, &self.space));
        let total = table.count().map_err(failed)?;
        let new = table.count_after(held.as_ref().map_or(0, |held| held.mark)).map_err(failed)?;
        let base = match plan(self.small, total, new, held.as_ref().map(|held| held.count)) {
            Plan::Keep => return Ok(()),
            Plan::Remove => {
                description::remove_others(&self.folder, &self.space, None);
                return Ok(());
            }
            Plan::Extend => held.as_ref(),
            Plan::BuildAnew => None,
        };
        graph::build(&self.folder, &self.space, &table, base, stop, tell)
    }
}

/// What the graph proposes.
///
/// To ask the gate of each row on the way takes longer than to walk it. So without a filter all are
/// walked, and that is enough if as many as are wanted are still there: else nearer ones may be
/// behind those that are gone.
fn of_graph(
    graph: &Graph,
    query: &[i8],
    (wanted, most): (usize, usize),
    filter: &Filter<'_>,
    gate: &mut Gate<'_>,
) -> Result<Vec<i64>, IndexError> {
    if filter.is_all() {
        let proposed = graph.propose(query, most, None)?;
        if proposed.iter().filter(|id| gate.allows(**id)).take(wanted).count() == wanted {
            return Ok(proposed);
        }
    }
    graph.propose(query, most, Some(gate))
}

/// Decides it: of `total` rows, `new` came since a graph of `held` vectors.
fn plan(small: u64, total: u64, new: u64, held: Option<u64>) -> Plan {
    let Some(held) = held else {
        return match total >= small {
            true => Plan::BuildAnew,
            false => Plan::Keep,
        };
    };
    let gone = held.saturating_sub(total.saturating_sub(new));
    match () {
        // Half, so that it isn't built and removed in turns.
        () if total < small / 2 => Plan::Remove,
        () if gone > held / SHARE_GONE => Plan::BuildAnew,
        () if new >= small.max(held / SHARE_NEW) => Plan::Extend,
        () => Plan::Keep,
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
