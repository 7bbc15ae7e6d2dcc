//! `query_table`: one statement of SQL over what is attached as tables.
//!
//! It reads the originals as they were attached, also where the files are gone by now, and
//! nothing else: the statement runs in a database of its own that only reads.

use std::time::Duration;

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use super::open::STOPPED;
use crate::attachment::Attachment;
use crate::table::{Answer, Ask, Database, QueryError};
use crate::text::thousands;
use crate::tools::plain::{Page, line};

/// How long a statement may run; loading what it reads is not counted.
const TIME: Duration = Duration::from_secs(10);

/// The most rows that are given.
const MOST_ROWS: usize = 200;

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let wanted = arguments.text("table").filter(|name| !name.is_empty());
    let mut database = loaded(scene)?;
    let mut page = Page::new(scene.most_output);
    let ask = Ask {
        sql: arguments.text("sql").unwrap_or_default(),
        table: wanted,
        time: TIME,
        most_rows: MOST_ROWS,
        most_bytes: page.room(),
        stop: scene.stop,
    };
    let answer = database.ask(&ask).map_err(|error| said(&error))?;
    for row in &answer.lines {
        page.line(row);
    }
    Ok(Found::text(page.under(&heading(&database, &answer), &notes(&answer))))
}

/// All that is attached as a table: of several of a name, the newest.
fn loaded(scene: &Scene<'_>) -> Result<Database, String> {
    let is_newest = |one: &&Attachment| scene.attachment(&one.name).is_some_and(|newest| newest.id == one.id);
    let mut tables: Vec<&Attachment> =
        scene.attachments.iter().filter(|one| one.is_table()).filter(is_newest).collect();
    // The same one may be attached twice.
    let mut seen = std::collections::HashSet::new();
    tables.retain(|table| seen.insert(&table.name));
    if tables.is_empty() {
        return Err("No table is attached. Use attach with a CSV, TSV or JSON file first.".to_owned());
    }
    let mut database = Database::new().map_err(|error| said(&error))?;
    for table in tables {
        let name = line(&table.name);
        let bytes = scene.blobs.read(&table.id).map_err(|error| format!("{name} can't be read: {error}"))?;
        database.load(&table.name, &bytes, scene.stop).map_err(|error| said(&error))?;
    }
    Ok(database)
}

fn said(error: &QueryError) -> String {
    match error {
        QueryError::Stopped => STOPPED.to_owned(),
        other => line(&other.to_string()),
    }
}

fn heading(database: &Database, answer: &Answer) -> String {
    let names: Vec<String> =
        database.tables().iter().map(|table| format!("{} ({})", table.name, line(&table.file))).collect();
    let (rows, exact) = answer.rows;
    let rows = match (rows, exact) {
        (0, _) => "no rows".to_owned(),
        (1, true) => "1 row".to_owned(),
        (rows, true) => format!("{} rows", thousands(rows)),
        (rows, false) => format!("more than {} rows", thousands(rows)),
    };
    format!("{rows}; tables: {}", names.join(", "))
}

fn notes(answer: &Answer) -> Vec<String> {
    let (shown, (rows, exact)) = (answer.lines.len() as u64 - 1, answer.rows);
    let mut notes = Vec::new();
    if shown < rows || !exact {
        notes.push(format!(
            "only the first {} rows are shown; add up, group, or use LIMIT and OFFSET",
            thousands(shown)
        ));
    }
    if answer.cut {
        notes.push("long cells are cut, each says so; substr() gives the rest".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;

    const ORDERS: &[u8] = b"id,customer,total\n7,1,12.5\n8,2,3\n9,1,40\n";

    #[test]
    fn rows_of_an_attached_table_come_with_their_numbers() {
        let mut stage = Stage::new();
        let none = stage.error("query_table", r#"{"sql": "SELECT 1"}"#);
        assert!(none.starts_with("No table is attached."), "{none}");
        stage.attach("notes.txt", b"nothing of a table\n");
        stage.attach("orders.csv", ORDERS);
        let found =
            stage.text("query_table", r#"{"sql": "SELECT row, total FROM data ORDER BY total DESC"}"#);
        assert_eq!(found, "3 rows; tables: orders (orders.csv)\nrow\ttotal\n3\t40.0\n1\t12.5\n2\t3.0");
        let found = stage.text("query_table", r#"{"sql": "SELECT row FROM orders WHERE total > 100"}"#);
        assert_eq!(found, "no rows; tables: orders (orders.csv)\nrow");
        let wrong = stage.error("query_table", r#"{"sql": "SELECT custmer FROM orders"}"#);
        assert_eq!(
            wrong,
            "No such column: custmer. Did you mean customer? Columns of orders: row, id, customer, total."
        );
        let wrong = stage.error("query_table", r#"{"sql": "DELETE FROM orders"}"#);
        assert!(wrong.starts_with("Only reading is allowed"), "{wrong}");
    }

    #[test]
    fn several_tables_are_joined_and_the_newest_of_a_name_counts() {
        let mut stage = Stage::new();
        stage.attach("orders.csv", b"id,customer,total\n1,1,1\n2,2,2\n");
        stage.attach("customers.json", br#"[{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}]"#);
        stage.attach("orders.csv", ORDERS);
        stage.attach("orders.csv", ORDERS);
        let sql = "SELECT name, sum(total) FROM orders o JOIN customers c ON c.id = o.customer GROUP BY 1";
        let found = stage.text("query_table", &format!(r#"{{"sql": "{sql}", "table": "orders.csv"}}"#));
        assert!(found.ends_with("\nAda\t52.5\nGrace\t3.0"), "{found}");
        let wrong = stage.error("query_table", r#"{"sql": "SELECT 1", "table": "order"}"#);
        assert!(wrong.contains("customers (customers.json), orders (orders.csv)"), "{wrong}");
    }

    #[test]
    fn an_answer_fits_and_says_what_is_missing() {
        let mut stage = Stage::new();
        let text: String =
            std::iter::once("n\n".to_owned()).chain((0..5_000).map(|n| format!("{n}\n"))).collect();
        stage.attach("n.csv", text.as_bytes());
        let found = stage.text("query_table", r#"{"sql": "SELECT n FROM n"}"#);
        assert!(found.starts_with("5,000 rows; tables: n (n.csv)\nn\n0\n1\n"), "{found}");
        assert!(found.contains("\n199\n[percept: only the first 200 rows are shown;"), "{found}");
        stage.most_output = 1_000;
        assert!(stage.text("query_table", r#"{"sql": "SELECT n, n, n FROM n"}"#).len() <= 1_000);
        stage.stop();
        let stopped = stage.error("query_table", r#"{"sql": "SELECT count(*) FROM n a, n b, n c"}"#);
        assert_eq!(stopped, "The person stopped it.");
    }
}
