//! SQL that would do more than read, or never end: each is refused or ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::*;

fn stage() -> Database {
    let text: String =
        std::iter::once("n,t\n".to_owned()).chain((0..2_000).map(|n| format!("{n},text {n}\n"))).collect();
    database(&[("a.csv", &text)])
}

#[test]
fn what_is_more_than_reading_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.db");
    let path = file.display();
    let mut database = stage();
    for sql in [
        format!("ATTACH '{path}' AS x"),
        format!("ATTACH DATABASE '{path}' AS x KEY 'y'"),
        format!("VACUUM INTO '{path}'"),
        format!("SELECT writefile('{path}', 'x')"),
        format!("SELECT load_extension('{path}')"),
        format!("PRAGMA temp_store_directory = '{}'", dir.path().display()),
    ]
    .iter()
    .map(String::as_str)
    .chain([
        "SELECT readfile('/etc/passwd')",
        "CREATE VIRTUAL TABLE temp.x USING csv(filename='/etc/passwd')",
        "DETACH main",
        "VACUUM",
        "REINDEX",
        "ANALYZE",
        "PRAGMA database_list",
        "PRAGMA writable_schema = 1",
        "PRAGMA hard_heap_limit = 1000",
        "PRAGMA temp_store = FILE",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_table_info('a')",
        "SELECT fts3_tokenizer('simple')",
        "INSERT INTO a VALUES (9999, 1, 'x')",
        "INSERT INTO data VALUES (9999, 1, 'x')",
        "UPDATE a SET n = 0",
        "UPDATE sqlite_master SET sql = 'x'",
        "DELETE FROM a",
        "DROP TABLE a",
        "DROP VIEW data",
        "ALTER TABLE a ADD COLUMN x",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "CREATE TEMP TABLE x AS SELECT * FROM a",
        "CREATE TEMP VIEW x AS SELECT 1",
        "CREATE TEMP TRIGGER x AFTER INSERT ON a BEGIN SELECT 1; END",
        "CREATE INDEX x ON a(n)",
        "CREATE VIRTUAL TABLE x USING fts5(y)",
        "CREATE VIRTUAL TABLE x USING rtree(a, b, c)",
        "CREATE VIRTUAL TABLE x USING dbstat",
        "SELECT rtreecheck('a')",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "WITH x AS (SELECT 1) INSERT INTO a SELECT 9999, 1, 'x'",
        "REPLACE INTO a VALUES (1, 1, 'x')",
        "DELETE FROM a RETURNING *",
        "SELECT 1; DROP TABLE a",
        "SELECT 1; SELECT 2",
        "SELECT 1; garbage",
        "; ; SELECT 1; PRAGMA x",
        ".read /etc/passwd",
        ".shell id",
        "SELECT 1\0; DROP TABLE a",
        "",
    ]) {
        let error = ask(&mut database, sql).unwrap_err();
        assert!(!error.is_empty(), "{sql}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(rows(&mut database, "SELECT count(*), max(n) FROM data"), ["2000\t1999"]);
    assert_eq!(rows(&mut database, "SELECT count(*) FROM sqlite_master WHERE type <> 'view'"), ["1"]);
}

#[test]
fn what_would_not_end_is_ended() {
    let mut database = stage();
    let doubled: String = (1..60)
        .map(|n| format!(", c{n} AS (SELECT * FROM c{0} UNION ALL SELECT * FROM c{0})", n - 1))
        .collect();
    let doubled_joins: String =
        (1..60).map(|n| format!(", c{n} AS (SELECT a.n FROM c{0} a, c{0} b)", n - 1)).collect();
    let nested = format!("SELECT {}1{}", "(".repeat(3_000), ")".repeat(3_000));
    let parts = vec!["randomblob(130000)"; 400].join(",");
    let long = format!("SELECT '{}'", "x".repeat(9_000));
    let tables = vec!["a"; 64].join(",");
    let unions = vec!["SELECT n FROM a"; 400].join(" UNION ");
    let numbers = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    for sql in [
        format!("{numbers} SELECT count(*) FROM c"),
        format!("{numbers} SELECT sum(x) FROM c ORDER BY 1"),
        format!("{numbers} SELECT x FROM c ORDER BY x DESC"),
        format!("{numbers} SELECT DISTINCT x FROM c ORDER BY -x"),
        format!("{numbers} SELECT group_concat(x) FROM c"),
        format!("{numbers} SELECT json_group_array(x) FROM c"),
        format!("{numbers} SELECT json_group_object(x, x) FROM c"),
        format!("{numbers} SELECT hex(randomblob(60000)) FROM c ORDER BY 1"),
        format!("{numbers} SELECT max(instr(zeroblob(130000), zeroblob(65000) || x'01')) FROM c"),
        format!("{numbers} SELECT sum(replace(hex(zeroblob(60000)), '00', '0') LIKE '%1%1%1%1%1%1%1%1%1%1') FROM c"),
        "WITH RECURSIVE c(x) AS (SELECT 'y' UNION ALL SELECT x || x FROM c) SELECT length(max(x)) FROM c".into(),
        "WITH RECURSIVE c(x) AS (SELECT randomblob(100000) UNION ALL SELECT randomblob(100000) FROM c) SELECT x FROM c ORDER BY x".into(),
        "SELECT count(*) FROM a, a b, a c, a d".into(),
        "SELECT max(a.t || b.t || c.t) FROM a, a b, a c ORDER BY 1".into(),
        "SELECT a.*, b.*, c.* FROM a, a b, a c ORDER BY random()".into(),
        format!("SELECT count(*) FROM {tables}"),
        format!("WITH c0 AS (SELECT n FROM a){doubled} SELECT count(*) FROM c59"),
        format!("WITH c0 AS (SELECT n FROM a){doubled_joins} SELECT count(*) FROM c59"),
        format!("WITH c0 AS (SELECT n FROM a){doubled} SELECT count(*) FROM c12"),
        format!("WITH c0 AS (SELECT n FROM a){doubled} SELECT count(*) FROM c24"),
        format!("WITH c0 AS (SELECT n FROM a){doubled_joins} SELECT count(*) FROM c12"),
        format!("WITH c0 AS (SELECT n FROM a){doubled_joins} SELECT count(*) FROM c24"),
        format!("WITH c0 AS MATERIALIZED (SELECT n FROM a){doubled_joins} SELECT count(*) FROM c18"),
        "SELECT length(zeroblob(1000000000))".into(),
        "SELECT length(randomblob(1000000000))".into(),
        "SELECT printf('%1000000000d', 1)".into(),
        "SELECT length(printf('%.*c', 1000000000, 'x'))".into(),
        "SELECT length(replace(hex(zeroblob(60000)), '0', hex(zeroblob(60000))))".into(),
        "SELECT count(*) FROM a WHERE length(hex(randomblob(65000))) > 0 AND a.n IN (SELECT b.n + random() FROM a b, a c)".into(),
        nested,
        long,
        unions,
        format!("SELECT {parts}"),
        format!("SELECT {}", vec!["1"; 3_000].join(",")),
        format!("SELECT n FROM a WHERE {}", vec!["n"; 2_000].join(" AND ")),
        format!("SELECT count(*) FROM a WHERE t GLOB '{}'", "*a".repeat(2_000)),
    ] {
        let start = Instant::now();
        let (stop, time) = (AtomicBool::new(false), Duration::from_millis(300));
        let asked = Ask { sql: &sql, table: None, time, most_rows: 50, most_bytes: 8_000, stop: &stop };
        let answered = database.ask(&asked);
        let took = start.elapsed();
        let what = &sql[..sql.len().min(90)];
        println!("{:6} ms {what} -> {:?}", took.as_millis(), answered.as_ref().map(|answer| answer.rows).map_err(ToString::to_string));
        assert!(took < Duration::from_secs(10), "{what} took {took:?}");
        if let Ok(answer) = answered {
            assert!(answer.lines.iter().map(String::len).sum::<usize>() <= 9_000, "{what}");
        }
    }
    assert_eq!(rows(&mut database, "SELECT count(*) FROM a"), ["2000"]);
}

#[test]
fn what_needs_too_much_memory_is_ended_before_its_time_is_up() {
    let mut database = stage();
    let sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT hex(randomblob(60000)) FROM c ORDER BY 1";
    let (stop, time) = (AtomicBool::new(false), Duration::from_secs(60));
    let ask = Ask { sql, table: None, time, most_rows: 50, most_bytes: 8_000, stop: &stop };
    assert!(matches!(database.ask(&ask), Err(QueryError::Large)));
}

#[test]
fn a_person_can_stop_it() {
    let mut database = stage();
    let stop = Arc::new(AtomicBool::new(false));
    let (start, other) = (Instant::now(), Arc::clone(&stop));
    let person = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        other.store(true, Ordering::Relaxed);
    });
    let (sql, time) = ("SELECT count(*) FROM a, a b, a c, a d", Duration::from_secs(60));
    let ask = Ask { sql, table: None, time, most_rows: 50, most_bytes: 8_000, stop: &stop };
    assert!(matches!(database.ask(&ask), Err(QueryError::Stopped)));
    person.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    let load = database.load("b.csv", b"a,b\n1,2\n", &AtomicBool::new(true));
    assert!(matches!(load, Ok(()) | Err(QueryError::Stopped)));
}
