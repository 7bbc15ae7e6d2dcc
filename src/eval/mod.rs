//! How well a model sees, hears, finds and acts, measured on this machine (docs/perception.md).
//!
//! ```text
//! seed ─▶ draw ─▶ Suite ─▶ ask (the whole way of `percept ask`) ─▶ check ─▶ statistics ─▶ report
//! ```
//!
//! Pictures are drawn from a seed, so that suites are endless and can be held out. Nothing is
//! scored by a model.

mod item;
mod rng;
pub mod text;
pub mod words;

pub use item::{Answer, Given, Item, Kind, Verdict};
pub use rng::Rng;
pub use words::Words;
