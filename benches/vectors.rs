//! The nearest vectors: how many of the true ones are found, how fast, and what it takes.
//!
//! ```sh
//! cargo bench --bench vectors -- 100000
//! ```
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a measurement")]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use percept::retrieval::vectors::{Local, Vectors as _, to_f16};
use percept::retrieval::{Filter, IndexError, Space, Store};
use rusqlite::Connection;

/// As those of MiniLM.
const DIMENSIONS: usize = 384;
/// Vectors that lie together, on average: a document's passages.
const EACH_CLUSTER: u64 = 50;
/// Queries that are timed.
const QUERIES: u64 = 200;
/// Results of each.
const MOST: usize = 100;
/// Of these, how many must be the true ones is said.
const RECALL_AT: usize = 10;

fn main() {
    let counts: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    for count in if counts.is_empty() { vec![100_000] } else { counts } {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Store::open(folder.path()).expect("an index"));
        run(&Store::file(folder.path()), count).expect("a measurement");
    }
}

/// Measures an index of so many vectors in an empty database of the index.
fn run(database: &Path, count: u64) -> Result<(), IndexError> {
    let folder = database.parent().unwrap_or(Path::new("."));
    let connection = open(database);
    let inserted = Instant::now();
    fill(&connection, count).expect("the vectors are inserted");
    println!("{count} vectors of {DIMENSIONS}: inserted in {:.1?}", inserted.elapsed());
    let local = Local::new(folder, &space());
    let built = Instant::now();
    local.sync(&connection, &AtomicBool::new(false), &mut |_, _| {})?;
    println!("  graph: built in {:.1?}, {} MB", built.elapsed(), graph_bytes(folder) / 1_000_000);
    let before = resident();
    let local = Local::new(folder, &space());
    let filter = Filter::default();
    let first = timed(|| local.search(&connection, &vector(count, 0), MOST, &filter))?;
    let second = timed(|| local.search(&connection, &vector(count, 0), MOST, &filter))?;
    println!("  first search, with opening: {first:.1?}; the second: {second:.1?}");
    let mut times = Vec::new();
    for query in 0..QUERIES {
        times.push(timed(|| local.search(&connection, &vector(count, query), MOST, &filter))?);
    }
    times.sort();
    let at = |part: usize| times[times.len() * part / 100];
    println!("  search for {MOST}: p50 {:.2?}, p95 {:.2?}, the slowest {:.2?}", at(50), at(95), at(99));
    println!("  recall@{RECALL_AT}: {:.3}", recall(&connection, &local, count)?);
    let pictures = Filter { pictures_only: true, within: None };
    let filtered = timed(|| local.search(&connection, &vector(count, 1), MOST, &pictures))?;
    println!("  pictures only (one in ten): {filtered:.1?}");
    println!(
        "  memory: {} MB more than before the first search (with what is mapped)",
        resident().saturating_sub(before) / 1_000_000
    );
    Ok(())
}

fn timed<T>(search: impl FnOnce() -> Result<T, IndexError>) -> Result<Duration, IndexError> {
    let begun = Instant::now();
    search()?;
    Ok(begun.elapsed())
}

fn space() -> Space {
    Space {
        id: "bench".to_owned(),
        name: "bench".to_owned(),
        dimensions: DIMENSIONS,
        most_tokens: 256,
        pictures: false,
        texts: true,
    }
}

/// A vector of a cluster: its centre, and as much again of its own.
fn vector(count: u64, number: u64) -> Vec<f32> {
    // Queries are of the same clusters, and not among the vectors.
    let cluster = number.wrapping_mul(7_919) % (count / EACH_CLUSTER).max(1);
    let centre = numbers(cluster.wrapping_add(1 << 40));
    let own = numbers(number.wrapping_add(count << 1));
    centre.zip(own).map(|(centre, own)| centre + own).take(DIMENSIONS).collect()
}

/// Numbers that look random, from -1 to 1 (splitmix64).
fn numbers(seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn open(database: &Path) -> Connection {
    let connection = Connection::open(database).expect("the database opens");
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA mmap_size = 0;").expect("it takes pragmas");
    connection
}

fn fill(connection: &Connection, count: u64) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    let space = space();
    let sql = "INSERT INTO spaces (key, name, dimensions, pictures) VALUES (?, ?, ?, 0)";
    connection.execute(sql, (&space.id, &space.name, DIMENSIONS as i64))?;
    let space = connection.last_insert_rowid();
    connection.execute("INSERT INTO sources (path) VALUES (x'2f61')", [])?;
    let source = connection.last_insert_rowid();
    let (mut file, mut in_file) = (0, u64::MAX);
    for number in 0..count {
        if in_file >= 20 {
            let sql = "INSERT INTO files (source, path, name, bytes, modified_ns, hash) VALUES (?1, ?2, ?2, 1, 1, '')";
            connection.prepare_cached(sql)?.execute((source, format!("/a/{number}.md").into_bytes()))?;
            (file, in_file) = (connection.last_insert_rowid(), 0);
        }
        in_file += 1;
        let kind = if number % 10 == 0 { "picture" } else { "text" };
        let sql = "INSERT INTO passages (file, position, kind, heading, place, text) VALUES (?, 0, ?, '[]', '', '')";
        connection.prepare_cached(sql)?.execute((file, kind))?;
        let passage = connection.last_insert_rowid();
        let sql = "INSERT INTO vectors (space, passage, data) VALUES (?, ?, ?)";
        let vector = vector(count, number.wrapping_add(QUERIES));
        connection.prepare_cached(sql)?.execute((space, passage, to_f16(&vector)))?;
    }
    connection.execute_batch("COMMIT")
}

/// The share of the true nearest that are found.
fn recall(connection: &Connection, local: &Local, count: u64) -> Result<f64, IndexError> {
    let exact = Local::new(Path::new("/nonexistent"), &space());
    let (mut found, mut all) = (0, 0);
    for query in 0..QUERIES / 4 {
        let query = vector(count, query);
        let truth = exact.search(connection, &query, RECALL_AT, &Filter::default())?;
        let near = local.search(connection, &query, RECALL_AT, &Filter::default())?;
        all += truth.len();
        found += truth.iter().filter(|(passage, _)| near.iter().any(|(other, _)| other == passage)).count();
    }
    Ok(f64::from(found as u32) / f64::from(all as u32))
}

fn graph_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let graphs = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "graph"));
    graphs.filter_map(|graph| Some(graph.metadata().ok()?.len())).sum()
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).map_or(0, |pages| pages * 4096)
}
