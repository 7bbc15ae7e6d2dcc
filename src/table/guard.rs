//! What SQL from a model may do: read the loaded tables, for a while, in some memory.
//!
//! SQLite itself holds it: an authorizer refuses what is more than reading when a statement is
//! prepared, limits bound what a value and a statement may be, and a handler that is called
//! while it runs ends it. The database is a private one besides: there is nothing in it but
//! what was attached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

/// The longest value that a statement may make, in bytes: twice that of a cell. Some functions
/// take time that grows with its square, and nothing ends them in between.
const MOST_VALUE: i32 = 128 * 1024;

/// The longest statement, in bytes.
pub(super) const MOST_SQL: i32 = 8 * 1024;

/// What a statement may take for sorting and intermediate results, in bytes. SQLite doubles
/// what it sorts in, so that there may be up to three times as much for a moment.
const MOST_MEMORY: i64 = 160 * 1024 * 1024;

/// The pages that are kept in memory, in KiB; the rest of a large table lies in a file.
const CACHE_KIB: i32 = 32 * 1024;

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 100;

/// How often it is looked whether the person stopped it.
const GLANCE: Duration = Duration::from_millis(20);

/// Functions that do more than compute.
const REFUSED: [&str; 4] = ["load_extension", "fts3_tokenizer", "rtreecheck", "fts5"];

/// Bounds on statements that no honest one comes to.
const LIMITS: [(Limit, i32); 9] = [
    (Limit::SQLITE_LIMIT_LENGTH, MOST_VALUE),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, MOST_SQL),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
    (Limit::SQLITE_LIMIT_VDBE_OP, 100_000),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// Why a statement was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its time was up.
    Late,
    /// It took too much memory.
    Large,
    /// The person stopped it.
    Stopped,
}

/// Lets a connection do nothing but read from now on.
pub(super) fn shut(connection: &mut Connection) -> rusqlite::Result<()> {
    for (limit, most) in LIMITS {
        connection.set_limit(limit, most)?;
    }
    connection.authorizer(Some(judge))
}

/// Lets it create tables and views again, and load rows of any length.
pub(super) fn open(connection: &mut Connection) -> rusqlite::Result<()> {
    for (limit, _) in LIMITS {
        // SQLite takes the most that it was built for.
        connection.set_limit(limit, i32::MAX)?;
    }
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
}

/// What holds for a connection as long as it lives.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false)?;
    // A name in double quotes that isn't there would be a text: a wrong answer, not an error.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Intermediate results stay in memory, where they are counted, and never fill a disk.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

fn judge(context: AuthContext<'_>) -> Authorization {
    let allowed = match context.action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Read { .. } => true,
        AuthAction::Function { function_name } => {
            !REFUSED.iter().any(|refused| refused.eq_ignore_ascii_case(function_name))
        }
        _ => false,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

/// Runs something on a connection, and ends it when its time is up, it takes too much memory,
/// or it is stopped: what came of it, and why it was ended.
pub(super) fn watched<T>(
    connection: &mut Connection,
    time: Duration,
    stop: &AtomicBool,
    run: impl FnOnce(&Connection) -> T,
) -> rusqlite::Result<(T, Option<Ended>)> {
    let why = Arc::new(AtomicU8::new(0));
    let (until, before, told) = (Instant::now() + time, memory_used(), Arc::clone(&why));
    connection.progress_handler(
        STEPS,
        Some(move || {
            let ended = match () {
                () if told.load(Ordering::Relaxed) != 0 => return true,
                () if Instant::now() >= until => Ended::Late,
                () if memory_used() - before > MOST_MEMORY => Ended::Large,
                () => return false,
            };
            told.store(ended as u8 + 1, Ordering::Relaxed);
            true
        }),
    )?;
    let handle = connection.get_interrupt_handle();
    let done = AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if stop.load(Ordering::Relaxed) {
                    why.store(Ended::Stopped as u8 + 1, Ordering::Relaxed);
                    handle.interrupt();
                }
                std::thread::park_timeout(GLANCE);
            }
        });
        let ran = run(connection);
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        ran
    });
    connection.progress_handler(0, None::<fn() -> bool>)?;
    let ended = [Ended::Late, Ended::Large, Ended::Stopped].into_iter();
    let ended =
        ended.map(|ended| (ended as u8 + 1, ended)).find(|(mark, _)| *mark == why.load(Ordering::Relaxed));
    Ok((ran, ended.map(|(_, ended)| ended)))
}

/// The bytes that SQLite holds in this process.
#[allow(unsafe_code, reason = "rusqlite has no safe name for it")]
fn memory_used() -> i64 {
    // SAFETY: it takes nothing, may be called from any thread at any time, and reads a counter.
    unsafe { rusqlite::ffi::sqlite3_memory_used() }
}
