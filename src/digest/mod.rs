//! A log of any size becomes a digest that a small context holds and a person can check.

pub mod input;
