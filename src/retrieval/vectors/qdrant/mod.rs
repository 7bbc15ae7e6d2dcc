//! The nearest vectors on a Qdrant server, for an index that outgrows the machine.
//!
//! Over its documented HTTP interface (the shapes are those of its OpenAPI description, 1.18):
//! its own client would bring gRPC along, and with it twice the crates of the rest of this
//! folder, for six requests. What is sent are vectors, the numbers of their rows and the kinds
//! of their passages, never a word of a document; and only to the address that is configured.

mod server;
mod upload;
mod wire;

use std::sync::atomic::AtomicBool;

use rusqlite::Connection;
use serde_json::json;

pub use server::Address;
use server::Server;
use wire::{Collection, Points};

use super::table::{self, Gate, Table};
use super::{Vectors, failed, nearest};
use crate::retrieval::{Filter, IndexError, PassageId, Space};

/// What is asked for, for each result that is wanted: some are gone meanwhile.
const ASKED_EACH: usize = 2;

/// The most that is asked for where a filter, which the server doesn't know, leaves most out.
const MOST_ASKED: usize = 10_000;

/// The nearest vectors of a space, from a server. The database stays the truth, as for
/// [`super::Local`]: what the server doesn't have yet isn't found, what it still has isn't shown.
pub struct Qdrant {
    server: Server,
    prefix: String,
    space: Space,
}

impl Qdrant {
    /// Those of a space, at an address. Nothing is sent before it is searched. Collections are
    /// named `{prefix}-{index}-{space}`: many indexes and models may share a server.
    ///
    /// # Errors
    ///
    /// The address, the key or the prefix can't be used: a sentence.
    pub fn new(address: &Address, prefix: &str, space: &Space) -> Result<Self, IndexError> {
        let is_name = !prefix.is_empty()
            && prefix.len() <= 64
            && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_name {
            let said =
                format!("{prefix:?} can't begin the name of a collection: take letters, digits, - and _");
            return Err(IndexError::Vectors(said));
        }
        Ok(Self { server: Server::new(address)?, prefix: prefix.to_owned(), space: space.clone() })
    }

    /// The path of the collection of this space and database; `None`: nothing was uploaded from it.
    fn collection(&self, connection: &Connection) -> rusqlite::Result<Option<String>> {
        let named = |identity: String| {
            let space = blake3::hash(self.space.id.as_bytes()).to_hex();
            format!("/collections/{}-{identity}-{}", self.prefix, &space[..16])
        };
        Ok(table::identity(connection)?.map(named))
    }

    /// Whether the collection is there; one that is must be of this space.
    fn exists(&self, collection: &str) -> Result<bool, IndexError> {
        let Some(found) = self.server.get::<Collection>(collection)? else { return Ok(false) };
        let (size, distance) = found.vectors();
        match size == Some(self.space.dimensions as u64) && distance == Some("Cosine") {
            true => Ok(true),
            false => Err(IndexError::Vectors(format!(
                "the collection {collection} of Qdrant is not of {}: it wants vectors of {} numbers, compared by \
                 cosine; delete it there, and it is filled again",
                self.space.name, self.space.dimensions
            ))),
        }
    }

    /// The rows that the server finds nearest, of those that are allowed.
    fn propose(
        &self,
        collection: &str,
        query: &[f32],
        (most, filter): (usize, &Filter<'_>),
        gate: &mut Gate<'_>,
    ) -> Result<Vec<i64>, IndexError> {
        let pictures = json!({ "must": [{ "key": "kind", "match": { "value": "picture" } }] });
        let known = if filter.pictures_only { pictures } else { json!({}) };
        let mut limit = most.saturating_mul(ASKED_EACH).clamp(1, MOST_ASKED);
        loop {
            let body = json!({ "query": query, "limit": limit, "filter": known, "with_payload": false });
            let found: Option<Points> = self.server.post(&format!("{collection}/points/query"), &body)?;
            let Some(found) = found else {
                return Err(IndexError::Vectors(format!(
                    "Qdrant has no vectors of this index yet; `percept index` uploads them to {}",
                    self.server.url()
                )));
            };
            let rows = found.rows()?;
            let all = rows.len() < limit;
            let allowed: Vec<i64> = rows.into_iter().filter(|id| gate.allows(*id)).collect();
            if all || allowed.len() >= most || limit >= MOST_ASKED {
                return Ok(allowed);
            }
            limit = limit.saturating_mul(4).min(MOST_ASKED);
        }
    }
}

impl Vectors for Qdrant {
    fn search(
        &self,
        connection: &Connection,
        query: &[f32],
        most: usize,
        filter: &Filter<'_>,
    ) -> Result<Vec<(PassageId, f32)>, IndexError> {
        nearest((connection, &self.space), query, (most, filter), |table| {
            let failed = |error| failed(connection, error);
            let Some(collection) = self.collection(connection).map_err(failed)? else {
                return Ok(Vec::new());
            };
            let mut gate = table.gate(filter).map_err(failed)?;
            let rows = self.propose(&collection, query, (most, filter), &mut gate)?;
            gate.finish().map_err(failed)?;
            Ok(rows)
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
        table::make_identity(connection).map_err(failed)?;
        let Some(collection) = self.collection(connection).map_err(failed)? else { return Ok(()) };
        if !self.exists(&collection)? {
            let vectors = json!({ "size": self.space.dimensions, "distance": "Cosine", "on_disk": true });
            self.server.put(&collection, &json!({ "vectors": vectors, "on_disk_payload": true }))?;
        }
        upload::upload(&self.server, &collection, &table, self.space.dimensions, stop, tell)
    }
}
