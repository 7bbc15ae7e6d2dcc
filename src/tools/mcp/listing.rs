//! What a server says that it has: its tools and resources, read leniently and bounded.
//!
//! The lists are read from plain JSON: one tool with a wrong schema must not hide the others.
//! Nothing in them is trusted, names least of all.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::text::{self, printable};
use crate::tools::manifest::is_name;

use super::{McpResource, McpTool};

/// The most tools of one server; a model loses its way long before.
pub(super) const MOST_TOOLS: usize = 256;

/// The most resources of one server.
pub(super) const MOST_RESOURCES: usize = 1_000;

/// The longest name that a server may give to a tool, in bytes.
const MOST_OWN_NAME: usize = 256;

/// The longest name for the model, in bytes: what servers of models take.
const MOST_NAME: usize = 64;

/// The longest description of a tool, in bytes: it stands in every prompt.
const MOST_DESCRIPTION: usize = 2_048;

/// The longest schema of a tool as JSON, in bytes; a longer one is dropped as a whole, since
/// half a schema is none.
const MOST_SCHEMA: usize = 16_384;

/// The longest address of a resource, in bytes.
const MOST_URI: usize = 2_048;

/// The longest of the words that a person sees in a list, in bytes.
const MOST_WORDS: usize = 256;

/// Hexadecimal digits that tell apart names that would be the same.
const DIGEST_DIGITS: usize = 8;

/// A tool as its server has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    /// The server's own name for it.
    pub(super) tool: String,
    /// What it does.
    pub(super) description: String,
    /// What it takes.
    pub(super) schema: Value,
}

/// The tools in a page of `tools/list`, those without a usable name left out.
pub(super) fn tools(page: &Value) -> Vec<Listed> {
    entries(page, "tools").filter_map(listed).collect()
}

/// The resources in a page of `resources/list`.
pub(super) fn resources(page: &Value, server: &str) -> Vec<McpResource> {
    entries(page, "resources").filter_map(|entry| resource(entry, server)).collect()
}

/// Where the next page begins.
pub(super) fn cursor(page: &Value) -> Option<String> {
    page.get("nextCursor").and_then(Value::as_str).map(str::to_owned)
}

fn entries<'a>(page: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    page.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn listed(entry: &Value) -> Option<Listed> {
    let tool = word(entry, "name").filter(|name| (1..=MOST_OWN_NAME).contains(&name.len()))?;
    Some(Listed {
        tool: tool.to_owned(),
        description: cut(&printable(word(entry, "description").unwrap_or_default().trim()), MOST_DESCRIPTION),
        schema: schema(entry.get("inputSchema")),
    })
}

fn resource(entry: &Value, server: &str) -> Option<McpResource> {
    let uri = word(entry, "uri").filter(|uri| (1..=MOST_URI).contains(&uri.len()))?;
    let words = |key| cut(&line(word(entry, key).unwrap_or_default()), MOST_WORDS);
    Some(McpResource {
        server: server.to_owned(),
        uri: uri.to_owned(),
        name: words("name"),
        description: words("description"),
        mime: Some(words("mimeType")).filter(|mime| !mime.is_empty()),
    })
}

fn word<'a>(entry: &'a Value, key: &str) -> Option<&'a str> {
    entry.get(key).and_then(Value::as_str)
}

/// A schema of an object; an empty one in place of what is none.
fn schema(given: Option<&Value>) -> Value {
    let empty = || json!({ "type": "object", "properties": {} });
    let Some(Value::Object(given)) = given else { return empty() };
    let mut own = given.clone();
    match own.get("type") {
        Some(Value::String(kind)) if kind == "object" => {}
        None => {
            own.insert("type".to_owned(), json!("object"));
        }
        Some(_) => return empty(),
    }
    own.entry("properties").or_insert_with(|| json!({}));
    harmless(&mut own);
    let own = Value::Object(own);
    match own.to_string().len() <= MOST_SCHEMA {
        true => own,
        false => empty(),
    }
}

/// Makes the words for people in a schema printable; what values are compared with stays.
fn harmless(schema: &mut Map<String, Value>) {
    for (key, value) in schema {
        match value {
            Value::String(words) if matches!(key.as_str(), "title" | "description") => {
                *words = printable(words);
            }
            Value::Object(inner) => harmless(inner),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(harmless);
            }
            _ => {}
        }
    }
}

/// Text from a server as one line.
pub(super) fn line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A text with its end cut off, and a sign that it was.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.len() <= most {
        true => text.to_owned(),
        false => {
            let end = text::boundary_before(text, most.saturating_sub(text::ELLIPSIS.len()));
            format!("{}{}", &text[..end], text::ELLIPSIS)
        }
    }
}

/// The tools of several servers with their names for the model, sorted by server and name.
///
/// A name that had to be changed, or that two tools would have, ends with a digest of what it
/// stands for: no tool of one server takes the name of another's.
pub(super) fn named(servers: &[(String, Vec<Listed>)]) -> Vec<McpTool> {
    let mut plain = BTreeSet::new();
    let mut twice = BTreeSet::new();
    let all = || servers.iter().flat_map(|(server, tools)| tools.iter().map(move |tool| (server, tool)));
    for (server, tool) in all() {
        let name = wanted(server, &tool.tool);
        if !plain.insert(name.clone()) {
            twice.insert(name);
        }
    }
    let mut taken = BTreeSet::new();
    let mut tools: Vec<McpTool> = all()
        .map(|(server, listed)| {
            let wanted = wanted(server, &listed.tool);
            let name = match is_name(&wanted) && !twice.contains(&wanted) {
                true => wanted,
                false => told_apart(server, &listed.tool),
            };
            McpTool {
                server: server.clone(),
                tool: listed.tool.clone(),
                name,
                description: listed.description.clone(),
                schema: listed.schema.clone(),
            }
        })
        // Two digests that are the same are made so on purpose.
        .filter(|tool| taken.insert(tool.name.clone()))
        .collect();
    tools.sort_by(|a, b| (&a.server, &a.name).cmp(&(&b.server, &b.name)));
    tools
}

fn wanted(server: &str, tool: &str) -> String {
    format!("mcp_{server}_{tool}")
}

fn told_apart(server: &str, tool: &str) -> String {
    let digest = blake3::hash(format!("{server}\0{tool}").as_bytes()).to_hex();
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let most = MOST_NAME - DIGEST_DIGITS - 1;
    // All of these characters are one byte long.
    let name: String = wanted(server, tool).chars().map(fits).take(most).collect();
    format!("{name}_{}", &digest[..DIGEST_DIGITS])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(servers: &[(&str, &[&str])]) -> Vec<String> {
        let listed =
            |tool: &&str| Listed { tool: (*tool).to_owned(), description: String::new(), schema: json!({}) };
        let servers: Vec<(String, Vec<Listed>)> = servers
            .iter()
            .map(|(server, tools)| ((*server).to_owned(), tools.iter().map(listed).collect()))
            .collect();
        named(&servers).into_iter().map(|tool| tool.name).collect()
    }

    #[test]
    fn a_fit_name_stays_as_it_is() {
        assert_eq!(names(&[("files", &["read_file", "list"])]), ["mcp_files_list", "mcp_files_read_file"]);
    }

    #[test]
    fn other_names_are_made_fit_and_told_apart() {
        let names = names(&[("a", &["x y", "x.y", "\u{1b}[31m"])]);
        assert_eq!(names.len(), 3);
        assert!(names.iter().all(|name| is_name(name) && name.starts_with("mcp_a_")), "{names:?}");
    }

    #[test]
    fn two_servers_never_share_a_name() {
        let names = names(&[("a", &["b_c"]), ("a_b", &["c"])]);
        assert_eq!(names.len(), 2);
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.starts_with("mcp_a_b_c_")), "{names:?}");
    }

    #[test]
    fn wrong_schemas_become_empty_ones() {
        let empty = json!({ "type": "object", "properties": {} });
        for wrong in
            [json!("string"), json!([1]), json!(null), json!({ "type": "array" }), json!({ "type": 7 })]
        {
            assert_eq!(schema(Some(&wrong)), empty, "{wrong}");
        }
        assert_eq!(schema(None), empty);
        let giant = json!({ "type": "object", "description": "x".repeat(MOST_SCHEMA) });
        assert_eq!(schema(Some(&giant)), empty);
        assert_eq!(
            schema(Some(
                &json!({ "properties": { "a": { "description": "\u{1b}[0m", "const": "\u{1b}" } } })
            )),
            json!({ "type": "object", "properties": { "a": { "description": "␛[0m", "const": "\u{1b}" } } })
        );
    }

    #[test]
    fn a_page_is_read_leniently() {
        let page = json!({ "tools": [
            7, {}, { "name": "" }, { "name": 3 }, { "name": "x".repeat(MOST_OWN_NAME + 1) },
            { "name": "good", "description": "a\u{1b}b", "inputSchema": 3 },
        ], "nextCursor": "more" });
        let tools = tools(&page);
        assert_eq!(tools.len(), 1);
        assert_eq!((tools[0].tool.as_str(), tools[0].description.as_str()), ("good", "a␛b"));
        assert_eq!(cursor(&page).as_deref(), Some("more"));
        assert!(super::tools(&json!({ "tools": "none" })).is_empty());
    }

    #[test]
    fn a_giant_description_is_cut() {
        let page = json!({ "tools": [{ "name": "a", "description": "é".repeat(1_000_000) }] });
        let description = &tools(&page)[0].description;
        assert!(description.len() <= MOST_DESCRIPTION && description.ends_with('…'));
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_name(server in "[a-zA-Z0-9_-]{1,24}", tools in prop::collection::btree_set(any::<String>(), 0..6)) {
            let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
            let names = names(&[(&server, &tools)]);
            prop_assert_eq!(names.len(), tools.len());
            prop_assert!(names.iter().all(|name| is_name(name)));
            prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        }
    }
}
