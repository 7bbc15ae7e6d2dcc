//! The nearest vectors of a space.
//!
//! SQLite holds the vectors, as f16. What is here only proposes: rows that are likely near.
//! The table disposes: a proposed row that is gone, or that a filter leaves out, drops out, and
//! the cosine of what remains is taken from the table. So a cache that is stale, or of a server
//! that fell behind, can make an answer poorer, but never wrong.
//!
//! ```text
//!            ┌─ graph: HNSW over i8 codes, a file that is mapped (Local) ─┐
//! query ─▶ ──┤  tail: what came since, scanned in memory (Local)          ├─▶ table: gone? allowed? cosine
//!            └─ a collection on a server (Qdrant) ────────────────────────┘
//! ```

mod code;
mod description;
mod graph;
mod local;
mod qdrant;
mod table;
mod tail;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use rusqlite::Connection;

use super::{Filter, IndexError, PassageId, Space, store};

use table::Table;

pub use code::to_f16;
pub(in crate::retrieval) use code::{cosine, dot, from_f16, length};
pub use local::Local;
pub use qdrant::{Address, Qdrant};

#[cfg(test)]
pub(in crate::retrieval) mod fixture;

/// Rows that a filter allows from which on the rest is asked; fewer are looked through in the
/// table. A graph finds few in many badly: it must walk through all that lies between.
const FEW: usize = 20_000;

/// Finds the nearest vectors of a space.
pub trait Vectors: Send + Sync {
    /// The passages whose vectors are nearest to the query's, with the cosine, the best first:
    /// at most so many. The query is of the space's dimensions; its length doesn't matter.
    ///
    /// # Errors
    ///
    /// The database can't be read, the query is of another space, the server can't be used.
    fn search(
        &self,
        connection: &Connection,
        query: &[f32],
        most: usize,
        filter: &Filter<'_>,
    ) -> Result<Vec<(PassageId, f32)>, IndexError>;

    /// Brings what is kept beside the database in step with it, where it fell far enough behind;
    /// quick where it didn't. `tell` is told of the vectors that are done, of so many.
    ///
    /// # Errors
    ///
    /// The database can't be read, the cache can't be written, the server can't be used; it was
    /// stopped. What was done until then is kept where that is of use.
    fn sync(
        &self,
        connection: &Connection,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<(), IndexError>;
}

/// The nearest of the rows that are proposed; of few that a filter leaves, all are looked at.
fn nearest(
    (connection, space): (&Connection, &Space),
    query: &[f32],
    (most, filter): (usize, &Filter<'_>),
    propose: impl FnOnce(&Table<'_>) -> Result<Vec<i64>, IndexError>,
) -> Result<Vec<(PassageId, f32)>, IndexError> {
    check(query, space)?;
    let failed = |error| failed(connection, error);
    let Some(table) = Table::of(connection, space).map_err(failed)? else {
        return Ok(Vec::new());
    };
    let rows = match table.few(filter, FEW).map_err(failed)? {
        Some(few) => few,
        None => propose(&table)?,
    };
    table.rank(query, &rows, most).map_err(failed)
}

/// An error of SQLite, with the file that it is about.
fn failed(connection: &Connection, error: rusqlite::Error) -> IndexError {
    store::failed(Path::new(connection.path().unwrap_or_default()), error)
}

/// Whether a query can be compared with the vectors of a space.
fn check(query: &[f32], space: &Space) -> Result<(), IndexError> {
    let said = match query.len() == space.dimensions {
        true if query.iter().all(|number| number.is_finite()) => return Ok(()),
        true => format!("the query's vector by {} is damaged: ask again", space.name),
        false => format!(
            "the query's vector has {} numbers, but those of {} in the index have {}; is it another model?",
            query.len(),
            space.name,
            space.dimensions
        ),
    };
    Err(IndexError::Vectors(said))
}
