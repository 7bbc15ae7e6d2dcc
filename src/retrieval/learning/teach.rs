//! Teaching: from the pairs that were confirmed to an adapter that is used, or to why not.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::pairs::{self, Asked, Confirmed};
use super::{Adapter, Found, Learning, learn};
use crate::retrieval::vectors::{from_f16, length};
use crate::retrieval::{EmbedRole, Embedder, IndexError, Input, PassageId, Space, Store, Wanted};

/// The most pairs that are learnt from, the newest; more make it slow, not better.
const MOST_PAIRS: usize = 4_000;

/// Vectors of other passages that a query finds its passage among. Fewer, and the search is too
/// easy to tell good from bad; more, and judging is what takes the time.
const MOST_OTHERS: i64 = 2_000;

/// Queries that the model is given at once: between two, it can be stopped.
const BATCH: usize = 16;

/// What is asked with: each has an adapter of its own in a space, since a picture's vector may
/// lie elsewhere than those of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// From words to passages, of text or of pictures.
    FromWords,
    /// From a picture to passages.
    FromPictures,
}

/// What came of teaching.
#[derive(Debug, Clone, PartialEq)]
pub struct Taught {
    /// For what.
    pub relation: Relation,
    /// Pairs that could be learnt from.
    pub pairs: usize,
    /// Of these, how many were judged by an adapter that never saw them; 0: there are too few.
    pub held_out: usize,
    /// How those find their passages without an adapter.
    pub before: Found,
    /// And with one.
    pub after: Found,
    /// Whether the adapter is used from now on.
    pub used: bool,
    /// Pairs that nothing can be learnt from, a sentence each.
    pub left_out: Vec<String>,
}

/// How far teaching is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teaching {
    /// The vectors of queries are found: so many, of so many.
    Embedding(usize, usize),
    /// It is learnt: so many steps, of at most so many.
    Learning(usize, usize),
}

impl Relation {
    const ALL: [Self; 2] = [Self::FromWords, Self::FromPictures];

    /// It as it is kept.
    pub fn code(self) -> &'static str {
        match self {
            Self::FromWords => "words",
            Self::FromPictures => "pictures",
        }
    }

    /// That of what is looked for, in a space; a picture that is looked for by its words is words.
    pub fn of(wanted: &Wanted, space: &Space) -> Self {
        match wanted {
            Wanted::Picture { .. } if space.pictures => Self::FromPictures,
            Wanted::Words(_) | Wanted::Picture { .. } => Self::FromWords,
        }
    }

    fn is_of(self, asked: &Asked) -> bool {
        matches!(
            (self, asked),
            (Self::FromWords, Asked::Words(_)) | (Self::FromPictures, Asked::Picture { .. })
        )
    }
}

/// Learns an adapter of a space for each relation that there are pairs for, and puts it in place
/// of the one that was there; one that finds no better is not kept, nor is the one before it,
/// which was learnt from other pairs.
///
/// # Errors
///
/// The index can't be read or written, the model can't be used, it was stopped. What was learnt
/// for one relation is kept.
pub fn teach(
    store: &mut Store,
    embedder: &dyn Embedder,
    options: &Learning,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Teaching),
) -> Result<Vec<Taught>, IndexError> {
    let failed = |error| crate::retrieval::store::failed(&store.path, error);
    let confirmed = pairs::all(&store.connection, MOST_PAIRS).map_err(failed)?;
    let others = others(&store.connection, embedder.space()).map_err(failed)?;
    let mut taught = Vec::new();
    for relation in Relation::ALL {
        let of_relation: Vec<&Confirmed> =
            confirmed.iter().filter(|pair| relation.is_of(&pair.asked)).collect();
        if of_relation.is_empty() {
            continue;
        }
        let (usable, left_out) = usable(&store.connection, embedder.space(), of_relation).map_err(failed)?;
        let pairs = with_queries(embedder, usable, stop, tell)?;
        let tell = &mut |done, of| tell(Teaching::Learning(done, of));
        let outcome = learn(&pairs, &others, options, stop, tell).map_err(|_| IndexError::Stopped)?;
        let result = Taught {
            relation,
            pairs: outcome.pairs,
            held_out: outcome.held_out,
            before: outcome.before,
            after: outcome.after,
            used: outcome.adapter.is_some(),
            left_out,
        };
        keep(&store.connection, embedder.space(), &result, outcome.adapter.as_ref()).map_err(failed)?;
        taught.push(result);
    }
    Ok(taught)
}

/// The vectors of a query and of its passage.
type VectorPair = (Vec<f32>, Vec<f32>);

/// A pair whose passage has a vector.
type Usable<'a> = (&'a Asked, Vec<f32>);

/// The pairs that can be learnt from, with their passages' vectors, and why the others can't.
fn usable<'a>(
    connection: &Connection,
    space: &Space,
    pairs: Vec<&'a Confirmed>,
) -> rusqlite::Result<(Vec<Usable<'a>>, Vec<String>)> {
    let (mut usable, mut left_out) = (Vec::new(), Vec::new());
    for pair in pairs {
        let vector = match pair.passage {
            Some(passage) => vector(connection, space, passage)?,
            None => None,
        };
        match (trouble(pair, space, vector.is_some()), vector) {
            (None, Some(vector)) => usable.push((&pair.asked, vector)),
            (Some(why), _) => left_out.push(why),
            (None, None) => {}
        }
    }
    Ok((usable, left_out))
}

/// Why nothing can be learnt from a pair.
fn trouble(pair: &Confirmed, space: &Space, has_vector: bool) -> Option<String> {
    let place = format!("{} {}", pair.path.display(), pair.place);
    let place = place.trim_end();
    let why = match &pair.asked {
        _ if pair.passage.is_none() => format!("{place} isn't in the index any more."),
        _ if !has_vector => format!("{place} has no vector of {} yet.", space.name),
        Asked::Picture { .. } if !space.pictures => format!("{} sees no pictures.", space.name),
        Asked::Picture { path, hash } if pairs::hash(path).ok().as_ref() != Some(hash) => {
            format!("The picture {} is gone or was changed since.", path.display())
        }
        Asked::Words(_) | Asked::Picture { .. } => return None,
    };
    Some(crate::text::printable(&why))
}

/// Puts the vectors of the queries beside those of the passages.
fn with_queries(
    embedder: &dyn Embedder,
    pairs: Vec<Usable<'_>>,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Teaching),
) -> Result<Vec<VectorPair>, IndexError> {
    let mut found = Vec::with_capacity(pairs.len());
    let count = pairs.len();
    for batch in pairs.chunks(BATCH) {
        if stop.load(Ordering::Relaxed) {
            return Err(IndexError::Stopped);
        }
        let inputs: Vec<Input<'_>> = batch
            .iter()
            .map(|(asked, _)| match asked {
                Asked::Words(words) => Input::Text(words),
                Asked::Picture { path, .. } => Input::Picture(path),
            })
            .collect();
        let queries = embedder.embed(EmbedRole::Query, &inputs, stop).map_err(|why| {
            match stop.load(Ordering::Relaxed) {
                true => IndexError::Stopped,
                false => IndexError::Vectors(why),
            }
        })?;
        found.extend(queries.into_iter().zip(batch.iter().map(|(_, passage)| passage.clone())));
        tell(Teaching::Embedding(found.len(), count));
    }
    Ok(found)
}

/// The vector of a passage, of length 1.
fn vector(connection: &Connection, space: &Space, passage: PassageId) -> rusqlite::Result<Option<Vec<f32>>> {
    let sql =
        "SELECT data FROM vectors WHERE passage = ?1 AND space = (SELECT id FROM spaces WHERE key = ?2)";
    let data = connection
        .prepare_cached(sql)?
        .query_row(params![passage.0, space.id], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    Ok(data.and_then(|data| unit(&data, space.dimensions)))
}

/// Vectors of passages from all over the index, at most [`MOST_OTHERS`]: those that come next
/// after numbers that lie as far from each other.
fn others(connection: &Connection, space: &Space) -> rusqlite::Result<Vec<Vec<f32>>> {
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM vectors", [], |row| row.get(0))?;
    let step = (last / MOST_OTHERS).max(1);
    let sql = "SELECT id, data FROM vectors
               WHERE id >= ?1 AND space = (SELECT id FROM spaces WHERE key = ?2) ORDER BY id LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut others, mut from) = (Vec::new(), 1);
    while let Some((id, data)) = statement
        .query_row(params![from, space.id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?
    {
        others.extend(unit(&data, space.dimensions));
        from = id.saturating_add(step);
    }
    Ok(others)
}

/// A vector as it is kept, of length 1: f16 rounds it.
fn unit(data: &[u8], dimensions: usize) -> Option<Vec<f32>> {
    let mut vector = vec![0.0; dimensions];
    let is_one = from_f16(data, &mut vector);
    let length = length(&vector);
    vector.iter_mut().for_each(|number| *number /= length);
    (is_one && length > 0.0 && length.is_finite()).then_some(vector)
}

fn keep(
    connection: &Connection,
    space: &Space,
    taught: &Taught,
    adapter: Option<&Adapter>,
) -> rusqlite::Result<()> {
    let Some(adapter) = adapter else {
        let sql = "DELETE FROM adapters WHERE space_key = ?1 AND relation = ?2";
        connection.execute(sql, params![space.id, taught.relation.code()])?;
        return Ok(());
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "INSERT OR REPLACE INTO adapters
               (space_key, relation, dimensions, data, pairs, held_out, before, after, learnt_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let values = params![
        space.id,
        taught.relation.code(),
        count(space.dimensions),
        adapter.to_bytes(),
        count(taught.pairs),
        count(taught.held_out),
        taught.before.first,
        taught.after.first,
        i64::try_from(now).unwrap_or(i64::MAX),
    ];
    connection.execute(sql, values)?;
    Ok(())
}

/// The adapters of a space, read once and kept by whoever searches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Adapters {
    from_words: Option<Adapter>,
    from_pictures: Option<Adapter>,
    /// When the newest was learnt, and how many there are: what says whether others are kept now.
    state: (i64, i64),
}

impl Adapters {
    /// Those that are kept.
    pub(in crate::retrieval) fn of(connection: &Connection, space: &Space) -> rusqlite::Result<Self> {
        let sql = "SELECT data FROM adapters WHERE space_key = ?1 AND relation = ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let mut read = |relation: Relation| -> rusqlite::Result<Option<Adapter>> {
            let data = statement
                .query_row(params![space.id, relation.code()], |row| row.get::<_, Vec<u8>>(0))
                .optional()?;
            Ok(data.and_then(|data| Adapter::from_bytes(&data, space.dimensions)))
        };
        Ok(Self {
            from_words: read(Relation::FromWords)?,
            from_pictures: read(Relation::FromPictures)?,
            state: state(connection, space)?,
        })
    }

    /// Whether these are still the ones that are kept.
    pub(in crate::retrieval) fn are_current(
        &self,
        connection: &Connection,
        space: &Space,
    ) -> rusqlite::Result<bool> {
        Ok(self.state == state(connection, space)?)
    }

    /// Brings a query nearer to what answers it, where that was learnt.
    pub fn apply(&self, wanted: &Wanted, space: &Space, query: &mut Vec<f32>) {
        let adapter = match Relation::of(wanted, space) {
            Relation::FromWords => &self.from_words,
            Relation::FromPictures => &self.from_pictures,
        };
        if let Some(adapter) = adapter {
            adapter.apply(query);
        }
    }
}

fn state(connection: &Connection, space: &Space) -> rusqlite::Result<(i64, i64)> {
    let sql = "SELECT coalesce(max(learnt_ms), 0), count(*) FROM adapters WHERE space_key = ?1";
    connection.prepare_cached(sql)?.query_row([&space.id], |row| Ok((row.get(0)?, row.get(1)?)))
}

impl Store {
    /// Confirmed pairs, the newest first, at most so many.
    pub fn pairs(&self, most: usize) -> Result<Vec<Confirmed>, IndexError> {
        pairs::all(&self.connection, most).map_err(|error| self.said(error))
    }

    /// Forgets a confirmed pair by its number; `false`: there is none.
    pub fn forget_pair(&mut self, id: i64) -> Result<bool, IndexError> {
        pairs::forget(&self.connection, id).map_err(|error| self.said(error))
    }

    /// Removes what was learnt, in all spaces: how many adapters. The pairs stay.
    pub fn forget_adapters(&mut self) -> Result<usize, IndexError> {
        self.connection.execute("DELETE FROM adapters", []).map_err(|error| self.said(error))
    }

    fn said(&self, error: rusqlite::Error) -> IndexError {
        crate::retrieval::store::failed(&self.path, error)
    }
}

/// Keeps that a passage was the right answer, or forgets it.
pub(in crate::retrieval) fn confirm(
    connection: &Connection,
    wanted: &Wanted,
    passage: PassageId,
    keep: bool,
) -> Result<bool, IndexError> {
    let path = Path::new(connection.path().unwrap_or_default());
    let asked = Asked::of(wanted)
        .map_err(|error| IndexError::Vectors(format!("the picture can't be read: {error}")))?;
    let done = match keep {
        true => pairs::confirm(connection, &asked, passage),
        false => pairs::unconfirm(connection, &asked, passage),
    };
    done.map_err(|error| crate::retrieval::store::failed(path, error))
}

#[cfg(test)]
#[path = "teach_tests.rs"]
mod tests;
