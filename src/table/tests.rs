//! What is a table, what is said of it, and what SQL finds in it.

mod abuse;
mod property;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;

const ORDERS: &str = "id,Customer Name,status,total,ordered,code\n\
    1,Ada,paid,12.50,2026-01-02,00123\n\
    2,\"Grace, H.\",open,3.5,2026-01-03,00124\n\
    3,Edsger,paid,,2026-02-01,17\n";

fn database(files: &[(&str, &str)]) -> Database {
    let mut database = Database::new().unwrap();
    for (name, text) in files {
        database.load(name, text.as_bytes(), &AtomicBool::new(false)).unwrap();
    }
    database
}

fn ask(database: &mut Database, sql: &str) -> Result<Answer, String> {
    let stop = AtomicBool::new(false);
    let time = Duration::from_secs(2);
    let asked = Ask { sql, table: None, time, most_rows: 50, most_bytes: 8_000, stop: &stop };
    database.ask(&asked).map_err(|error| error.to_string())
}

fn rows(database: &mut Database, sql: &str) -> Vec<String> {
    ask(database, sql).unwrap_or_else(|error| panic!("{sql}: {error}")).lines.split_off(1)
}

fn is_table(name: &str, text: &str) -> bool {
    look(name, text.as_bytes(), 4_000).is_some()
}

#[test]
fn tables_are_told_from_logs_prose_and_code() {
    let log = "2026-03-01 10:00:00,123 INFO a, b, c\n2026-03-01 10:00:01,456 WARN d, e, f\n2026-03-01 10:00:02,111 INFO g, h, i\n";
    let prose = "Dear team, this is, in short, a letter.\nIt has commas, many, but no columns.\nThe end, at last, is near.\n";
    let code = "fn main() {\n    let a = f(1, 2, 3);\n    let b = g(4, 5, 6);\n    h(a, b, 7);\n}\n";
    let lines = "{\"timestamp\":\"2026-03-01\",\"level\":\"info\",\"msg\":\"a\"}\n{\"timestamp\":\"2026-03-02\",\"level\":\"warn\",\"msg\":\"b\"}\n";
    let array = format!("[{}]", lines.trim().replace('\n', ","));
    for (name, text) in [
        ("app.log", log),
        ("app", log),
        ("app.txt", log),
        ("letter.txt", prose),
        ("letter.csv", "One line of it\n"),
        ("main.rs", code),
        ("main.txt", code),
        ("app.jsonl", lines),
        ("app.log", lines),
        ("stdin", lines),
        ("app.json", &array),
        ("orders.md", ORDERS),
        ("orders.log", ORDERS),
        (
            "package.json",
            r#"{"name": "x", "private": true, "scripts": {"a": "b", "c": "d"}, "contributors": [{"a": 1}, {"a": 2}]}"#,
        ),
        ("numbers.json", "[1, 2, 3]"),
        ("deep.json", r#"[{"a": {"b": 1}}, {"a": {"b": 2}}]"#),
        ("other.json", r#"[{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]"#),
        ("cut.json", r#"[{"a": 1}, {"a": 2}, {"a":"#),
        ("empty.csv", "a,b,c\n"),
        ("passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/bin/sh\nbin:x:2:2::/:/bin/sh\n"),
    ] {
        assert!(!is_table(name, text), "{name}: {text}");
    }
    let two = r#"{"id": 1, "ok": true}
{"id": 2, "ok": false}"#;
    for (name, text) in [
        ("orders.csv", ORDERS),
        ("stdin", ORDERS),
        ("pasted text", &ORDERS.replace(',', "\t").replace("\"Grace\t H.\"", "Grace")),
        ("export.CSV", "timestamp,level,message\n2026-03-01,info,a\n"),
        ("ids.csv", "id\n17\n18\n"),
        ("early.csv", "a,b,c,d\n1,2\n3,4,5\n6,7\n8,9,10,11\n"),
        ("a.tsv", "a\tb\n1\t\"2\n3\t4\n"),
        ("a.jsonl", two),
        ("stdin", two),
        ("a.json", r#"[{"id": 1, "tags": ["a"]}, {"id": 2}]"#),
        ("a.json", r#"{"total": 2, "orders": [{"id": 1, "x": null}, {"id": 2, "x": "y"}]}"#),
    ] {
        assert!(is_table(name, text), "{name}: {text}");
    }
}

#[test]
fn delimiters_names_and_what_stands_above_them_are_found() {
    let shape = |name: &str, text: &str| match sniff(name, text.as_bytes()) {
        Some(Shape::Delimited(how)) => how,
        other => panic!("{name}: {other:?}"),
    };
    let how = shape("a.csv", "a;b\n1,5;2,5\n1,6;2,7\n");
    assert_eq!((how.delimiter, how.header, how.skip), (b';', true, 0));
    let how = shape("a.csv", "Report of March\n\nsep=;\nid;name\n1;a\n2;b\n3;c\n");
    assert_eq!((how.delimiter, how.header, how.skip), (b';', true, 2));
    let how = shape("a.csv", "1,2026-03-01\n2,2026-03-02\n");
    assert_eq!((how.delimiter, how.header), (b',', false));
    assert!(shape("a.csv", "country,1990,1991\nWales,1,2\n").header);
    assert!(shape("a.csv", "a, b, c\n1, x, 3\n2, y, 5\n").trim);
    let how = shape("a.csv", "a,b\n1,2,\n3,4,\n");
    assert_eq!((how.header, how.skip), (true, 0));
    let how = shape("a.tsv", "a\tb\n\"1\t2\n3\t4\n5\t6\n");
    assert_eq!((how.delimiter, how.quoting), (b'\t', false));
}

#[test]
fn a_small_table_is_shown_whole_and_a_large_one_by_its_columns() {
    let small = look("orders.csv", ORDERS.as_bytes(), 4_000).unwrap();
    assert_eq!((small.rows, small.columns, small.note), (3, 6, None));
    insta::assert_snapshot!(small.view, @r#"
    table orders: 3 rows, 6 columns; comma-separated
    columns: id integer, "Customer Name" text, status text, total real, ordered date, code text
    all rows:
    row	id	Customer Name	status	total	ordered	code
    1	1	Ada	paid	12.50	2026-01-02	00123
    2	2	Grace, H.	open	3.5	2026-01-03	00124
    3	3	Edsger	paid		2026-02-01	17
    "#);
    let days = look("days.csv", b"day,n\n31/12/2025,1\n01/02/2026,2\n", 4_000).unwrap().view;
    assert!(
        days.contains("columns: day text, days that are not written year first and don't sort, n integer"),
        "{days}"
    );
    let mut large = "id,status,amount,ok,at,note,line\n".to_owned();
    for n in 1..=2_000 {
        let (status, ok) = (if n % 3 == 0 { "open" } else { "paid" }, n % 2 == 0);
        let amount = if n % 100 == 0 { "N/A".to_owned() } else { format!("{}.5", n % 50) };
        large.push_str(&format!("{n},{status},{amount},{ok},2026-01-01T00:{:02}:00Z,", n % 60));
        large.push_str(&if n == 7 { "\"two\nlines\",x\n".to_owned() } else { format!("note {n},{n}\n") });
    }
    let view = look("order lines.csv", large.as_bytes(), 4_000).unwrap().view;
    insta::assert_snapshot!(view, @r"
    table order_lines: 2,000 rows, 7 columns; comma-separated; column line_2 holds the row's line in the file
    columns:
    - id: integer, 1 to 2000, mean 1000.5, median 1000.5; very many different values
    - status: text; 2 different: paid (1,334), open (666)
    - amount: real, 0.5 to 49.5, mean 25.247, median 25.5; 51 different; 20 such as N/A are NULL
    - ok: boolean kept as text ('false'); 2 different: false (1,000), true (1,000)
    - at: date-time, 2026-01-01T00:00:00Z to 2026-01-01T00:59:00Z; 60 different
    - note: text; very many different values: note 1, note 2, note 3, …
    - line: text; very many different values: 1, 2, 3, …; 1,999 of the values are numbers, kept as text
    first rows:
    row	id	status	amount	ok	at	note	line
    1	1	paid	1.5	false	2026-01-01T00:01:00Z	note 1	1
    2	2	paid	2.5	true	2026-01-01T00:02:00Z	note 2	2
    3	3	open	3.5	false	2026-01-01T00:03:00Z	note 3	3
    4	4	paid	4.5	true	2026-01-01T00:04:00Z	note 4	4
    5	5	paid	5.5	false	2026-01-01T00:05:00Z	note 5	5
    ");
    assert_eq!(look("order lines.csv", large.as_bytes(), 4_000).unwrap().view, view);
    for room in [0, 100, 500, 1_000] {
        assert!(look("o.csv", large.as_bytes(), room).unwrap().view.len() <= room + 200, "{room}");
    }
}

#[test]
fn rows_keep_their_numbers_and_values_their_kinds() {
    let mut database = database(&[("orders.csv", ORDERS)]);
    assert_eq!(
        rows(&mut database, "SELECT row, code, total FROM orders WHERE total > 3.6"),
        ["1\t00123\t12.5"]
    );
    assert_eq!(rows(&mut database, "SELECT count(*), avg(total) FROM data"), ["3\t8.0"]);
    assert_eq!(
        rows(
            &mut database,
            "SELECT row FROM \"orders.csv\" WHERE ordered >= '2026-01-03' ORDER BY ordered DESC;"
        ),
        ["3", "2"]
    );
    assert_eq!(
        rows(&mut database, "SELECT \"Customer Name\", total FROM data WHERE total IS NULL"),
        ["Edsger\tNULL"]
    );
    assert_eq!(rows(&mut database, "SELECT row FROM data WHERE code = 17"), ["3"]);
}

#[test]
fn tables_are_joined_under_their_own_names() {
    let customers = r#"{"customers": [{"id": 1, "name": "Ada", "tags": ["a", "b"]}, {"id": 2, "name": "Grace", "tags": []}]}"#;
    let orders = "customer_id\ttotal\n1\t5\n2\t7\n1\t9\n";
    let mut database = database(&[("customers.json", customers), ("group.tsv", orders)]);
    let sql = "SELECT name, sum(total) FROM group_table g JOIN customers c ON c.id = g.customer_id GROUP BY name ORDER BY 1";
    assert_eq!(rows(&mut database, sql), ["Ada\t14", "Grace\t7"]);
    let sql = "SELECT tags, json_array_length(tags), t.value FROM customers, json_each(tags) t LIMIT 1";
    assert_eq!(rows(&mut database, sql), ["[\"a\", \"b\"]\t2\ta"]);
    // `data` is the newest, or the one that is asked for.
    assert_eq!(rows(&mut database, "SELECT count(*) FROM data"), ["3"]);
    let stop = AtomicBool::new(false);
    let mut of = |table| {
        let sql = "SELECT count(*) FROM data";
        let ask = Ask {
            sql,
            table: Some(table),
            time: Duration::from_secs(2),
            most_rows: 9,
            most_bytes: 99,
            stop: &stop,
        };
        database.ask(&ask).map(|answer| answer.lines[1].clone()).map_err(|error| error.to_string())
    };
    assert_eq!((of("customers.json"), of("GROUP_TABLE")), (Ok("2".to_owned()), Ok("3".to_owned())));
    assert_eq!(
        of("orders").unwrap_err(),
        "There is no table orders. There are: customers (customers.json), group_table (group.tsv)."
    );
}

#[test]
fn odd_files_are_read() {
    let of = |name: &str, bytes: &[u8], sql: &str| {
        let mut database = Database::new().unwrap();
        database.load(name, bytes, &AtomicBool::new(false)).unwrap();
        rows(&mut database, sql)
    };
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("a,é\r\n1,2\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(of("a.csv", &utf16, "SELECT row, a, \"é\" FROM data"), ["1\t1\t2"]);
    assert_eq!(
        of("a.csv", b"\xef\xbb\xbfid,x\r\n1,\r\n2,caf\xe9", "SELECT id, x FROM data"),
        ["1\tNULL", "2\tcaf\u{fffd}"]
    );
    // Names: none, twice, percept's own.
    let text = b"id,,ID,row,a b\n1,2,3,4,5\n";
    assert_eq!(of("a.csv", text, "SELECT * FROM data"), ["1\t1\t2\t3\t4\t5"]);
    assert_eq!(of("a.csv", text, "SELECT row, column_2, ID_2, row_2, \"a b\" FROM data"), ["1\t2\t3\t4\t5"]);
    // Rows of other lengths, and cells over several lines.
    let text = b"a,b\n1,2\n\n\"x\ny\",3\n4\n5,6,7\n8,9\n1,2\n1,2\n1,2\n1,2\n";
    let found = of("a.csv", text, "SELECT row, line, a, b, column_3 FROM data LIMIT 4");
    assert_eq!(found, ["1\t2\t1\t2\tNULL", "2\t4\tx␊y\t3\tNULL", "3\t6\t4\tNULL\tNULL", "4\t7\t5\t6\t7"]);
    let note = look("a.csv", text, 999).unwrap().note.unwrap();
    assert_eq!(
        note,
        "1 row has fewer cells than there are columns; 1 row has more cells than there are names"
    );
    // Numbers that aren't.
    let text = b"big,money,comma,mixed\n9223372036854775808,$5,\"1,5\",-\n1,$6,\"2,5\",12\n";
    let types =
        "SELECT typeof(big), typeof(money), typeof(comma), typeof(mixed), typeof(max(mixed)) FROM data";
    assert_eq!(of("a.csv", text, types), ["text\ttext\ttext\tinteger\tinteger"]);
    // JSON: lines that are no objects, keys that come late, what is nested and escaped.
    let text = "{\"a\": \"\\u00e9\\n\"}\n\n{\"a\": null, \"b\": {\"c\": [1,  2]}}\n".repeat(60)
        + "no\n{\"a\":1.10,\"z\":2}\n";
    let found = of("a.jsonl", text.as_bytes(), "SELECT row, line, a, b, z FROM data WHERE row < 3 OR z = 2");
    assert_eq!(
        found,
        ["1\t1\té␊\tNULL\tNULL", "2\t3\tNULL\t{\"c\": [1,  2]}\tNULL", "121\t182\t1.10\tNULL\t2"]
    );
}

#[test]
fn a_wrong_statement_is_taught() {
    let mut database = database(&[("orders.csv", ORDERS)]);
    let columns = "Columns of orders: row, id, \"Customer Name\", status, total, ordered, code.";
    let mut wrong = |sql: &str| ask(&mut database, sql).unwrap_err();
    assert_eq!(
        wrong("SELECT totl FROM orders"),
        format!("No such column: totl. Did you mean total? {columns}")
    );
    assert_eq!(
        wrong("SELECT o.customer_name FROM orders o"),
        format!("No such column: o.customer_name. Did you mean \"Customer Name\"? {columns}")
    );
    assert_eq!(
        wrong("SELECT 1 FROM order_s"),
        format!("No such table: order_s. Did you mean orders? {columns}")
    );
    let quotes = wrong("SELECT 1 FROM data WHERE status = \"paid\"");
    assert!(quotes.contains("should this be a string literal in single-quotes?"), "{quotes}");
    assert!(wrong("SELEC 1").starts_with("Near \"SELEC\": syntax error. Columns of orders"));
    assert_eq!(wrong("  -- nothing"), "Give one SELECT statement: there is none.");
    assert!(wrong("SELECT * FROM data WHERE id = ?").contains("write values into it"));
}

#[test]
fn an_answer_is_bounded_and_says_how_much_there_is() {
    let text: String = std::iter::once("n,t\n".to_owned())
        .chain((0..5_000).map(|n| format!("{n},{}\n", "é".repeat(600))))
        .collect();
    let mut database = database(&[("a.csv", &text)]);
    let answer = ask(&mut database, "SELECT n FROM data").unwrap();
    assert_eq!((answer.lines.len(), answer.rows, answer.cut), (51, (5_000, true), false));
    let answer = ask(&mut database, "SELECT t FROM data").unwrap();
    assert!(answer.cut && answer.rows == (5_000, true) && answer.lines.len() < 20);
    assert!(answer.lines[1].ends_with("é… [700 more bytes]"), "{}", answer.lines[1]);
    // A part of a row that is longer than all that may be given.
    let wide = format!("SELECT {} FROM data", vec!["t"; 40].join(", "));
    let answer = ask(&mut database, &wide).unwrap();
    assert!(answer.cut && answer.lines.len() == 2);
    assert!(answer.lines[1].len() > 7_000 && answer.lines[1].ends_with('…'));
    let answer =
        ask(&mut database, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c")
            .unwrap();
    assert!(answer.lines.len() == 51 && !answer.rows.1 && answer.rows.0 > 5_000, "{:?}", answer.rows);
}

#[test]
fn odd_names_of_files_and_long_rows_are_no_matter() {
    let text = "a,b\n1,2\n1,2\n";
    let names = [
        "customers.csv",
        "customers",
        "customers_2",
        "data",
        "Data.csv",
        "sqlite_x.csv",
        "sqlite_y",
        "1.csv",
        "\"; DROP TABLE data.csv",
        ".csv",
        "é ü.csv",
        "from.csv",
    ];
    let mut database = Database::new().unwrap();
    for name in names {
        database
            .load(name, text.as_bytes(), &AtomicBool::new(false))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rows(&mut database, "SELECT DISTINCT b FROM data"), ["2"]);
    }
    let loaded: Vec<String> = database.tables().iter().map(|table| table.name.clone()).collect();
    assert_eq!(
        loaded,
        [
            "customers",
            "customers_2",
            "customers_2_2",
            "data",
            "Data_2",
            "t_sqlite_x",
            "t_sqlite_y",
            "t_1",
            "DROP_TABLE_data",
            "attached",
            "é_ü",
            "from_table"
        ]
    );
    for name in names.iter().filter(|name| !name.starts_with("sqlite_")) {
        let sql = format!("SELECT DISTINCT b FROM \"{}\"", name.replace('"', "\"\""));
        assert_eq!(rows(&mut database, &sql), ["2"], "{name}");
    }
    // A row of many long cells, asked about after another was.
    let cells = vec!["x".repeat(60_000); 8].join(",");
    let text = format!("a,b,c,d,e,f,g,h\n{cells}\n1,2,3,4,5,6,7,8\n{},,,,,,,\n", "y".repeat(70_000));
    database.load("long.csv", text.as_bytes(), &AtomicBool::new(false)).unwrap();
    let sql = "SELECT row, length(a), length(h) FROM long ORDER BY row";
    assert_eq!(rows(&mut database, sql), ["1\t60000\t60000", "2\t1\t1", "3\t65536\tNULL"]);
    let note = look("long.csv", text.as_bytes(), 999).unwrap().note.unwrap();
    assert!(note.contains("cells of more than 64.0 KiB are cut, the first in row 3"), "{note}");
}
