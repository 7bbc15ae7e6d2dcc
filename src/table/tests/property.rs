//! Whatever the bytes: no panic, the rows that are there, and the values as they are written.

use proptest::prelude::*;

use super::*;
use crate::table::value::{is_missing, kind_of};

/// A file of records, as a program would write it.
fn written(records: &[Vec<String>], delimiter: u8, crlf: bool) -> Vec<u8> {
    let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(end).from_writer(Vec::new());
    for record in records {
        writer.write_record(record).unwrap();
    }
    writer.into_inner().unwrap()
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{1,8}",
        2 => (-1000_i64..1_000_000).prop_map(|n| n.to_string()),
        1 => (-1000.0_f64..1000.0).prop_map(|n| format!("{n:.2}")),
        1 => "[0-9]{1,22}",
        1 => "20[0-9]{2}-0[1-9]-[012][1-8]",
        1 => "(true|false|N/A|-|NULL)",
        1 => Just(String::new()),
        1 => "[a-z,;\"\n\r\t é|]{0,12}",
        1 => "\\PC{0,10}",
    ]
}

fn records() -> impl Strategy<Value = Vec<Vec<String>>> {
    (2..6_usize).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(cell(), width), 1..12))
}

/// Whether what SQL gives stands for what is written.
fn same(given: &str, cell: &str) -> bool {
    match given {
        "NULL" => cell.is_empty() || is_missing(cell),
        _ if given == cell => true,
        _ => {
            kind_of(cell) != Kind::Text
                && given
                    .parse::<f64>()
                    .is_ok_and(|given| cell.trim().parse::<f64>().is_ok_and(|cell| cell == given))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), name in 0..6_usize, start in 0..6_usize) {
        let name = ["a.csv", "a.tsv", "a.json", "a.jsonl", "a", ".csv"][name];
        let start: &[u8] = [&b""[..], b"a,b\n1,2\n", b"[{\"a\":1},{\"a\":2},", b"{\"a\":1}\n{\"a\":2}\n", b"\xff\xfe", b"\"a\"\t\"b\n"][start];
        let bytes = [start, &bytes].concat();
        if let Some(look) = look(name, &bytes, 500) {
            let mut database = Database::new().unwrap();
            database.load(name, &bytes, &AtomicBool::new(false)).unwrap();
            prop_assert_eq!(rows(&mut database, "SELECT count(*) FROM data"), [look.rows.to_string()]);
        }
    }

    #[test]
    fn no_statement_makes_it_panic(sql in "(SELECT|FROM|data|\\*|a|,|\\(|\\)|1|'|\"|;| |WITH|AS|JOIN|WHERE|--|/\\*|\\PC){0,20}") {
        let _ = ask(&mut database(&[("a.csv", "a,b\n1,2\n")]), &sql);
    }

    #[test]
    fn every_value_is_found_again(records in records(), delimiter in 0..4_usize, crlf: bool, last: bool) {
        let delimiter = b",\t;|"[delimiter];
        let width = records[0].len();
        let header: Vec<String> = (0..width).map(|at| format!("name{at}")).collect();
        let all: Vec<Vec<String>> = std::iter::once(header).chain(records.clone()).collect();
        let mut bytes = written(&all, delimiter, crlf);
        if last && !crlf {
            bytes.pop();
        }
        // What else the same bytes could be is not this test's matter.
        let Some(Shape::Delimited(how)) = sniff("a.csv", &bytes) else { return Ok(()) };
        prop_assume!(how.delimiter == delimiter && how.quoting && how.header && how.skip == 0 && !how.trim);
        let mut reader = csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(bytes.as_slice());
        let expected: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(look("a.csv", &bytes, 500).unwrap().rows, expected.len() as u64);

        let mut database = Database::new().unwrap();
        database.load("a.csv", &bytes, &AtomicBool::new(false)).unwrap();
        for (at, record) in expected.iter().enumerate() {
            for column in 0..width {
                // One cell at a time, as JSON: no line break and no tab is replaced.
                let sql = format!("SELECT json_quote(name{column}) FROM data WHERE row = {}", at + 1);
                let given = rows(&mut database, &sql).remove(0);
                let given = match serde_json::from_str::<serde_json::Value>(&given).unwrap() {
                    serde_json::Value::String(text) => text,
                    serde_json::Value::Null => "NULL".to_owned(),
                    other => other.to_string(),
                };
                prop_assert!(same(&given, &record[column]), "row {}: {given:?} for {:?}", at + 1, &record[column]);
            }
        }
    }

    #[test]
    fn json_values_are_found_again(values in prop::collection::vec((any::<i64>(), "\\PC{0,8}"), 2..10), lines: bool) {
        let objects: Vec<String> =
            values.iter().map(|(id, text)| serde_json::json!({"id": id, "a b": text}).to_string()).collect();
        let (name, text) = match lines {
            true => ("a.jsonl", objects.join("\n")),
            false => ("a.json", format!("[{}]", objects.join(", "))),
        };
        let mut database = database(&[(name, &text)]);
        let found = rows(&mut database, "SELECT json_array(id, \"a b\") FROM data ORDER BY row");
        prop_assert_eq!(found.len(), values.len());
        for (found, (id, text)) in found.iter().zip(&values) {
            let found: serde_json::Value = serde_json::from_str(found).unwrap();
            prop_assert_eq!(&found[0], &serde_json::json!(id));
            let given = found[1].as_str().map_or_else(|| if found[1].is_null() { "NULL".into() } else { found[1].to_string() }, str::to_owned);
            prop_assert!(same(&given, text), "{given:?} for {text:?}");
        }
    }
}
