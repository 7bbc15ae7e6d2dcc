//! Where percept keeps things.
