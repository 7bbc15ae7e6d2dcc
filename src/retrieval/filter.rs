//! What may be found, for both ways of searching.

use std::path::Path;

use rusqlite::ToSql;

use super::Query;
use super::store::paths;

/// What may be found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Pictures only.
    pub pictures_only: bool,
    /// Only what lies in this folder, or is this file; absolute.
    pub within: Option<&'a Path>,
}

impl<'a> Filter<'a> {
    /// What a query leaves.
    pub(super) fn of(query: &'a Query) -> Self {
        Self { pictures_only: query.pictures_only, within: query.within.as_deref() }
    }

    /// Whether it leaves nothing out.
    pub fn is_all(&self) -> bool {
        !self.pictures_only && self.within.is_none()
    }

    /// It as an SQL condition on a passage's number in `column`, with its values from the place
    /// `first` on. The plus keeps SQLite from asking the table for each passage by its number.
    pub(super) fn condition(&self, column: &str, first: usize) -> (String, Vec<Box<dyn ToSql>>) {
        let mut conditions = Vec::new();
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        if self.pictures_only {
            conditions.push("kind = 'picture'".to_owned());
        }
        if let Some(within) = self.within {
            let (from, to) = paths::below(within);
            let [at, low, high] = [0, 1, 2].map(|n| first.saturating_add(n));
            conditions.push(format!(
                "file IN (SELECT id FROM files WHERE path = ?{at} OR (path >= ?{low} AND path < ?{high}))"
            ));
            values.extend(
                [paths::bytes(within).into_owned(), from, to].map(|value| Box::new(value) as Box<dyn ToSql>),
            );
        }
        match conditions.is_empty() {
            true => (String::new(), values),
            false => {
                let conditions = conditions.join(" AND ");
                (format!("AND +{column} IN (SELECT id FROM passages WHERE {conditions})"), values)
            }
        }
    }
}
