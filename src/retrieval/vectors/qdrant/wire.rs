//! What a Qdrant server answers, as far as it is read.

use serde::Deserialize;

use crate::retrieval::IndexError;

/// An answer: a result, or what went wrong.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) result: T,
}

/// An answer that tells of an error.
#[derive(Debug, Deserialize)]
pub(super) struct Trouble {
    pub(super) status: Status,
}

/// What went wrong.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) error: String,
}

/// What a collection is.
#[derive(Debug, Deserialize)]
pub(super) struct Collection {
    config: Config,
}

#[derive(Debug, Deserialize)]
struct Config {
    params: Params,
}

#[derive(Debug, Deserialize)]
struct Params {
    /// One kind of vectors; where a collection has many, by their names, it is none of ours.
    vectors: serde_json::Value,
}

impl Collection {
    /// The numbers of a vector, and how they are compared.
    pub(super) fn vectors(&self) -> (Option<u64>, Option<&str>) {
        let vectors = &self.config.params.vectors;
        (vectors["size"].as_u64(), vectors["distance"].as_str())
    }
}

/// Points, the nearest first or by their numbers.
#[derive(Debug, Deserialize)]
pub(super) struct Points {
    points: Vec<Point>,
    /// Where the next page begins.
    #[serde(default)]
    next_page_offset: Option<Id>,
}

/// A point of which only the number counts.
#[derive(Debug, Deserialize)]
pub(super) struct Point {
    id: Id,
}

/// A number of ours, or the UUID of somebody else's point.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Other(serde_json::Value),
}

impl Id {
    fn row(&self) -> Result<i64, IndexError> {
        match self {
            Self::Number(id) => Ok(*id),
            Self::Other(id) => Err(IndexError::Vectors(format!(
                "the collection of Qdrant holds a point that percept didn't put there ({}); \
                 give percept a prefix of its own for its collections",
                crate::text::printable(&id.to_string())
            ))),
        }
    }
}

impl Points {
    /// The rows that they are of.
    pub(super) fn rows(&self) -> Result<Vec<i64>, IndexError> {
        self.points.iter().map(|point| point.id.row()).collect()
    }

    /// The row that the next page begins with; `None`: there is none.
    pub(super) fn next(&self) -> Result<Option<i64>, IndexError> {
        self.next_page_offset.as_ref().map(Id::row).transpose()
    }
}

/// How many points there are.
#[derive(Debug, Deserialize)]
pub(super) struct Count {
    pub(super) count: u64,
}
