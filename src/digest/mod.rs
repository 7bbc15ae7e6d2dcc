//! A log of any size becomes a **digest** that a small context holds and a person can
//! check: what it is, what happened when, the templates of its lines ranked by what matters
//! for a support question, with line numbers that can be opened.
//!
//! ```text
//! paths ─▶ input (sources) ─▶ fill (blocks of lines) ─▶ block (layout, shape, count)   on all cores
//!                                                          │ in order
//!                    query ◀── LogDigest ◀── totals, miner (templates) ◀┘
//!                                 └─▶ rank ─▶ render (within a budget of tokens)
//! ```
//!
//! The same bytes make the same digest, whatever the number of threads. Nothing here keeps
//! a log in memory, writes it anywhere, or guesses without saying so.

mod answer;
mod asked;
mod block;
mod fill;
pub mod input;
mod layout;
mod learn;
mod level;
mod matcher;
mod miner;
mod model;
mod moment;
mod query;
mod rank;
mod recognise;
mod record;
mod render;
mod scan;
mod shape;
mod stamp;
mod timeline;
mod totals;
mod trouble;

pub use answer::render_answer;
pub use asked::{Asked, level as read_level};
pub use level::Level;
pub use model::{LogDigest, Mark, Quote, SourceFacts, Template};
pub use moment::{length, moment};
pub use query::{Answer, FoundEntry, Query, assign, query};
pub use rank::{Focus, rank};
pub use recognise::{HEAD_BYTES, is_log, is_named_log};
pub use record::LogRecord;
pub use render::{render, render_ranked};
pub use scan::{Options, Progress, Stream};
pub use stamp::{StampKind, show as show_time};
pub use timeline::Timeline;
