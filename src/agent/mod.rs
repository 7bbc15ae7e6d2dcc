//! The mind: a pure state machine that decides, and a driver that acts.
//!
//! [`Agent::handle`] takes an [`Event`] and returns [`Effect`]s as data. It never
//! awaits, reads no clock and opens no file; [`driver`] does, and decides nothing.

pub mod bundle;
mod compaction;
pub mod driver;
mod effect;
mod event;
mod machine;
mod request;
mod shelve;
mod takings;
pub mod window;

pub use compaction::Compaction;
pub use effect::{Ask, Effect, Shelving};
pub use event::{Choice, Event, Stamp};
pub use machine::{Agent, Chip, ChipState, Comparison, EngineState, Notice, NoticeLevel, Rules, Step, Turn};
