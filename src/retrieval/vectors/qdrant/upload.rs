//! Brings a collection in step with the table: what it lacks is uploaded, what is gone deleted.
//!
//! Nothing is noted of how far it is: the server is asked what it has. So it goes on where it
//! was stopped, and a collection that was lost is filled again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::server::Server;
use super::wire::{Count, Point, Points};
use crate::retrieval::IndexError;
use crate::retrieval::vectors::failed;
use crate::retrieval::vectors::table::Table;

/// The numbers of a request's vectors: some megabytes as JSON, where a server takes 32.
const MOST_NUMBERS: usize = 200_000;

/// Points of a page of numbers, and of a request to delete.
const PAGE: usize = 10_000;

/// Uploads and deletes. `tell` is told of the vectors that are there, of so many.
pub(super) fn upload(
    server: &Server,
    collection: &str,
    table: &Table<'_>,
    dimensions: usize,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<(), IndexError> {
    if in_step(server, collection, table)? {
        return Ok(());
    }
    let total = table.count().map_err(|error| failed(table.connection, error))?;
    let each = (MOST_NUMBERS / dimensions.max(1)).max(1);
    let (mut from, mut done) = (0, 0_u64);
    loop {
        let page = page(server, collection, from)?;
        let there: HashSet<i64> = page.rows()?.into_iter().collect();
        let next = page.next()?;
        // A server that names the same page again and again would keep it busy for ever.
        if next.is_some_and(|next| next <= from) {
            return Err(IndexError::Vectors(format!(
                "Qdrant at {} repeats itself; is it a Qdrant?",
                server.url()
            )));
        }
        let ours = table.rows(from, next).map_err(|error| failed(table.connection, error))?;
        let (kept, missing): (Vec<i64>, Vec<i64>) = ours.iter().partition(|id| there.contains(*id));
        done = done.saturating_add(kept.len() as u64);
        let kept: HashSet<i64> = kept.into_iter().collect();
        let gone: Vec<i64> = there.difference(&kept).copied().collect();
        if !gone.is_empty() {
            server.must_post::<Value>(
                &format!("{collection}/points/delete?wait=true"),
                &json!({ "points": gone }),
            )?;
        }
        for rows in missing.chunks(each) {
            if stop.load(Ordering::Relaxed) {
                return Err(IndexError::Stopped);
            }
            put(server, collection, table, rows)?;
            done = done.saturating_add(rows.len() as u64);
            tell(done.min(total), total);
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// Whether there is nothing to do. Rows are uploaded by their numbers, which only rise: where
/// the last one is there and the counts are the same, so are the rest.
fn in_step(server: &Server, collection: &str, table: &Table<'_>) -> Result<bool, IndexError> {
    let failed = |error| failed(table.connection, error);
    let count: Count = server.must_post(&format!("{collection}/points/count"), &json!({ "exact": true }))?;
    if count.count != table.count().map_err(failed)? {
        return Ok(false);
    }
    let Some(last) = table.last().map_err(failed)? else { return Ok(true) };
    let body = json!({ "ids": [last], "with_payload": false });
    let found: Vec<Point> = server.must_post(&format!("{collection}/points"), &body)?;
    Ok(!found.is_empty())
}

/// The numbers of the points from one on.
fn page(server: &Server, collection: &str, from: i64) -> Result<Points, IndexError> {
    let body = json!({ "offset": from, "limit": PAGE, "with_payload": false, "with_vector": false });
    server.must_post(&format!("{collection}/points/scroll"), &body)
}

fn put(server: &Server, collection: &str, table: &Table<'_>, rows: &[i64]) -> Result<(), IndexError> {
    let mut points = Vec::with_capacity(rows.len());
    let take = |id: i64, kind: &str, vector: &[f32]| {
        points.push(json!({ "id": id, "vector": vector, "payload": { "kind": kind } }));
    };
    table.with_kinds(rows, take).map_err(|error| failed(table.connection, error))?;
    // All of them may be gone meanwhile, and no points are an error to the server.
    match points.is_empty() {
        true => Ok(()),
        false => server.put(&format!("{collection}/points?wait=true"), &json!({ "points": points })),
    }
}
