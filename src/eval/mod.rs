//! How well a model sees, hears, finds and acts, measured on this machine (docs/perception.md).
//!
//! ```text
//! seed ─▶ draw, text ─▶ Suite ─▶ ask (the whole way of `percept ask`) ─▶ check ─▶ statistics ─▶ report
//! ```
//!
//! Pictures are drawn from a seed, so that suites are endless and can be held out. Nothing is
//! scored by a model.

mod album;
mod align;
mod ask;
mod calibration;
mod check;
mod compare;
pub mod draw;
mod generate;
mod grid;
mod item;
mod outcome;
mod report;
mod rng;
mod run;
mod scores;
mod show;
mod statistics;
mod stream;
mod suite;
pub mod text;
mod tokens;
pub mod words;

pub use calibration::{Bin, Calibration, Marks};
pub use check::check;
pub use compare::{Comparison, compare};
pub use generate::{generate, is_drawn};
pub use item::{Answer, Given, Item, Kind, Verdict};
pub use outcome::{Of, Outcome, Outcomes, fingerprint, named_print};
pub use report::{OfGroup, OfKind, Report, Tally};
pub use rng::Rng;
pub use run::{Hands, RunError, run};
pub use scores::Scores;
pub use stream::{Lesson, stream};
pub use suite::{Suite, SuiteError, add_files};
pub use words::Words;
