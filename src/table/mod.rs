//! Tables that are attached beside logs: what their columns hold, and read-only SQL over them.
//!
//! ```text
//! bytes ─▶ sniff: a table? ─▶ read: its rows ─▶ profile: its columns ─▶ view: for the model
//!                                  └──────────▶ query: SQLite, for the tool ─▶ rows, bounded
//! ```
//!
//! A row keeps its number, from 1 for the first row below the names, so that it can be cited.
//! Nothing here writes to a table, and what is no table beyond doubt is left to be text.

mod answer;
mod guard;
mod json;
mod profile;
mod query;
mod read;
mod sniff;
#[cfg(test)]
mod tests;
mod value;
mod view;

pub use answer::Answer;
pub use profile::{Column, MOST_DISTINCT};
pub use query::{Ask, Database, Loaded, QueryError};
pub use read::{MOST_CELL, MOST_COLUMNS};
pub use sniff::{Delimited, Shape, sniff};
pub use value::Kind;

use std::sync::atomic::AtomicBool;

/// What is known of a table at a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// How many rows it has.
    pub rows: u64,
    /// How many columns.
    pub columns: u32,
    /// What is to be said of it, where anything is.
    pub note: Option<String>,
    /// What a model is shown, within the bytes that were given.
    pub view: String,
}

/// Looks at a content; `None`: it is no table. The view has at most so many bytes, as far as
/// the names of a table let it.
pub fn look(name: &str, bytes: &[u8], most_view: usize) -> Option<Look> {
    let (text, converted) = read::decoded(bytes);
    let shape = sniff(name, &text)?;
    let profile = profile::profile(&shape, &text, most_view, &AtomicBool::new(false));
    if profile.rows == 0 || profile.columns.is_empty() || profile.met.broken {
        return None;
    }
    let skipped = match &shape {
        Shape::Delimited(how) if how.skip > 0 => Some(format!("{} lines above the names left out", how.skip)),
        _ => None,
    };
    let notes: Vec<String> = converted.into_iter().chain(skipped).chain(profile.met.notes()).collect();
    Some(Look {
        rows: profile.rows,
        columns: u32::try_from(profile.columns.len()).unwrap_or(u32::MAX),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        view: view::render(&query::sql_name(name), &shape, &profile, most_view),
    })
}
