//! Requests for which one call of one tool is plainly right.
//!
//! `tools.txt` has the tools with their arguments and the wordings; `commands.txt` the command
//! lines: those that only read, need no network, and do what no other tool does.

use std::sync::LazyLock;

use crate::eval::{Answer, Item, Kind, Rng, Words};

/// A call, and how it is asked for.
struct Block {
    tool: &'static str,
    /// JSON with fields (`$path`).
    arguments: &'static str,
    requests: Vec<&'static str>,
}

static BLOCKS: LazyLock<Vec<Block>> =
    LazyLock::new(|| include_str!("tools.txt").split("\n\n").filter_map(Block::read).collect());

/// All wordings, each with what it asks for.
static REQUESTS: LazyLock<Vec<(&Block, &str)>> = LazyLock::new(|| {
    let of_block = |block: &'static Block| block.requests.iter().map(move |request| (block, *request));
    BLOCKS.iter().flat_map(of_block).collect()
});

static COMMANDS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("commands.txt").lines().collect());

/// The fields of the blocks.
const FIELDS: [&str; 11] =
    ["command", "topic", "folder", "file", "name", "ext", "from", "lines", "count", "unit", "url"];

/// The share of topics and files that no list of words has.
const MADE_UP: f32 = 0.35;

const FOLDERS: [&str; 12] = [
    "src",
    "docs",
    "tests",
    "scripts",
    "lib",
    "build",
    "assets",
    "/etc",
    "/var/log",
    "/usr/share",
    "/opt",
    "/srv",
];

impl Block {
    fn read(text: &'static str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let (tool, arguments) = lines.next()?.split_once(' ')?;
        Some(Self { tool, arguments, requests: lines.collect() })
    }
}

/// A request with the call that is right. An argument that isn't named has its default.
pub(in crate::eval) fn tool_call(id: String, rng: &mut Rng) -> Item {
    // Each wording as often as any other: what can be asked for in many ways is asked for often.
    let (block, request) = REQUESTS[rng.index(REQUESTS.len())];
    let mut question = request.to_owned();
    let mut arguments = block.arguments.to_owned();
    for name in FIELDS {
        let field = format!("${name}");
        if block.arguments.contains(&field) {
            let drawn = drawn(name, rng);
            question = question.replace(&field, &drawn);
            arguments = arguments.replace(&field, &escaped(&drawn));
        }
    }
    let answer = Answer::Call {
        tool: block.tool.to_owned(),
        arguments: serde_json::from_str(&arguments).unwrap_or_default(),
    };
    let group = Some(block.tool.to_owned());
    Item { id, kind: Kind::ToolCall, group, attach: Vec::new(), question, answer, guess: None }
}

fn drawn(field: &str, rng: &mut Rng) -> String {
    let number = |number: u32| number.to_string();
    match field {
        "lines" => number(rng.range(5..=150)),
        "from" => number(rng.range(10..=900)),
        "count" => number(rng.range(2..=15)),
        "folder" if rng.chance(0.6) => (*rng.pick(&FOLDERS)).to_owned(),
        "command" => {
            let command = rng.one_of(&COMMANDS).copied().unwrap_or_default();
            Words::new(rng).filled(command)
        }
        // Of letters and underscores alone: as a regular expression it means itself.
        "name" => {
            let form = *rng.pick(&["{snake}", "{camel}", "{Pascal}", "{SCREAMING}", "TODO", "FIXME"]);
            Words::new(rng).filled(form)
        }
        "topic" if rng.chance(MADE_UP) => made_up(rng),
        "topic" => {
            let form = *rng.pick(&["{word}", "{word} {word}", "the {word} {word}", "{kebab}"]);
            Words::new(rng).filled(form)
        }
        "file" if rng.chance(MADE_UP) => {
            let name = made_up(rng);
            let name = if rng.chance(0.5) { name[..1].to_uppercase() + &name[1..] } else { name };
            format!("{name}.{}", Words::new(rng).filled("{ext}"))
        }
        "file" => {
            let form = *rng.pick(&["{file}", "{relative}", "{word}/{relative}"]);
            Words::new(rng).filled(form)
        }
        "folder" => {
            let form = *rng.pick(&["{word}/{word}", "/home/{user}/{word}", "/var/lib/{word}"]);
            Words::new(rng).filled(form)
        }
        "unit" => Words::new(rng).filled("{kebab}.service"),
        "url" => Words::new(rng).filled("{url}"),
        _ => Words::new(rng).filled("{ext}"),
    }
}

/// Letters that no list of words has: to be copied, not to be guessed.
fn made_up(rng: &mut Rng) -> String {
    (0..rng.range(3..=8)).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
}

/// A text as it stands between the quotation marks of JSON.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn item(n: u32) -> (Item, String, serde_json::Map<String, Value>) {
        let item = tool_call(n.to_string(), &mut Rng::new(u64::from(n)));
        let Answer::Call { tool, arguments } = item.answer.clone() else { panic!("{item:?}") };
        (item, tool, arguments)
    }

    // Some tools are there on Linux alone.
    #[cfg(target_os = "linux")]
    #[test]
    fn each_call_is_one_that_the_tool_takes() {
        use crate::tools::{arguments::Arguments, manifest};
        let (tools, wrong) = manifest::all(None);
        assert!(wrong.is_empty(), "{wrong:?}");
        for n in 0..1500 {
            let (item, tool, arguments) = item(n);
            let tool = tools.iter().find(|one| one.name == tool).unwrap();
            let checked = Arguments::check(tool, &Value::Object(arguments.clone()));
            assert!(checked.is_ok(), "{item:?}: {checked:?}");
        }
    }

    #[test]
    fn what_is_asked_names_each_argument_and_has_no_field_left() {
        for n in 0..3000 {
            let (item, tool, arguments) = item(n);
            for field in FIELDS {
                assert!(!item.question.contains(&format!("${field}")), "{item:?}");
            }
            for (name, value) in &arguments {
                let named = match value {
                    Value::String(text) => item.question.contains(text.as_str()),
                    Value::Number(number) => item.question.contains(&number.to_string()),
                    _ => item.question.contains("staged"),
                };
                // What processes are sorted by, and how bad an entry is, is said in words.
                assert!(named || name == "sort" || name == "priority", "{tool} {name}: {}", item.question);
            }
        }
    }

    #[test]
    fn all_blocks_are_whole_and_drawn() {
        assert!(BLOCKS.len() >= 20);
        assert!(BLOCKS.iter().all(|block| !block.requests.is_empty()));
        let asked: BTreeSet<String> = (0..3000).map(|n| item(n).1).collect();
        assert_eq!(asked, BLOCKS.iter().map(|block| block.tool.to_owned()).collect());
    }
}
