//! The texts that the model is told.
