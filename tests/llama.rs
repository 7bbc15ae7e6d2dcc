//! Runs the llama worker with real weights.
