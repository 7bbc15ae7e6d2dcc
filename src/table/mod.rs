//! Tables that are attached beside logs: their columns, and read-only SQL over them.
