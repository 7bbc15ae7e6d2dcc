//! Runs effects, feeds events back.
