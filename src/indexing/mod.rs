//! Keeps the index up to date: walks what was added, reads what changed, finds vectors for it,
//! looks at pictures, hears recordings, and watches while the chat runs.
//!
//! One percept at a time does it, whichever has the lock; what it finds is there for all.

mod keeper;
mod lock;
mod walk;

pub use keeper::{Keeper, Progress, Work};
