//! How well a model sees, hears, finds and acts, measured on this machine (docs/perception.md).
//!
//! ```text
//! seed ─▶ draw ─▶ Suite ─▶ ask (the whole way of `percept ask`) ─▶ check ─▶ statistics ─▶ report
//! ```
//!
//! Pictures are drawn from a seed, so that suites are endless and can be held out. Nothing is
//! scored by a model.

pub mod ask;
mod calls;
pub mod draw;
mod generate;
mod item;
mod rng;
mod stream;
mod suite;
mod words;

pub use calls::tool_call;
pub use generate::{generate, is_drawn};
pub use item::{Answer, Given, Item, Kind, Verdict};
pub use rng::Rng;
pub use stream::{Lesson, stream};
pub use suite::{Suite, SuiteError};
