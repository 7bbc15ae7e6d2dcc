//! `percept eval` through the door, with the fake worker.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::Home;
use serde_json::Value;

/// Three that the fake gets right (it quotes the question), and two that it doesn't.
const SUITE: &str = r#"
name = "mine"

[[item]]
id = "quoted"
kind = "dialog"
attach = ["error.png"]
question = "Is it a wrong password?"
answer.text = { is = "wrong password", not = ["Cancel"] }

[[item]]
id = "missed"
kind = "dialog"
attach = ["error.png"]
question = "What does the error say?"
answer.text = { is = "Permission denied" }

[[item]]
id = "counted"
kind = "several-pictures"
attach = ["error.png", "error.png"]
question = "How many pictures are there?"
answer.number = 2

[[item]]
id = "called"
kind = "tool-call"
question = """
Please.
call shell {"command": "touch ran"}"""
answer.call = { tool = "shell", arguments = { command = "touch ran" } }

[[item]]
id = "not-called"
kind = "tool-call"
question = "run df -h"
answer.call = { tool = "shell", arguments = { command = "df -h" } }
"#;

fn suite(home: &Home) -> String {
    std::fs::create_dir_all(home.path("suite")).unwrap();
    home.write("suite/suite.toml", SUITE);
    std::fs::copy(common::sample("error.png"), home.path("suite/error.png")).unwrap();
    home.path("suite").to_str().unwrap().to_owned()
}

fn by_kind(report: &Value) -> BTreeMap<String, (u64, u64)> {
    let number = |kind: &Value, field: &str| kind[field].as_u64().unwrap();
    let kinds = report["kinds"].as_array().unwrap().iter();
    kinds
        .map(|kind| {
            let name = kind["kind"].as_str().unwrap().to_owned();
            (name, (number(kind, "right"), number(kind, "count")))
        })
        .collect()
}

#[test]
fn a_suite_of_ones_own_is_scored_and_nothing_runs_or_is_kept() {
    let home = Home::new();
    let suite = suite(&home);
    let ran = home.run("", &["eval", &suite, "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let kinds = by_kind(&report);
    assert_eq!(kinds["dialog"], (1, 2));
    assert_eq!(kinds["several-pictures"], (1, 1));
    assert_eq!(kinds["tool-call"], (1, 2), "{report}");
    assert!(!home.run("", &["sessions", "list"]).out.contains("password"));
    assert!(!Path::new("ran").exists() && !home.path("ran").exists());
    let text = home.run("", &["eval", &suite]);
    assert!(text.out.contains("dialog") && text.out.contains("1/2"), "{text:?}");
    assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{}", text.out);
    let markdown = home.run("", &["eval", &suite, "--markdown"]).out;
    assert!(markdown.contains("| dialog"), "{markdown}");
    let shown = home.run("", &["models", "show", "starter"]).out;
    assert!(shown.contains("measured on this machine") && shown.contains("1 of 2"), "{shown}");
}

/// How often the model was asked by `percept eval`, and what was printed.
fn asked(home: &Home, arguments: &[&str], variable: Option<(&str, &str)>) -> (usize, String) {
    let log = home.path("asked.log");
    let _ = std::fs::remove_file(&log);
    let arguments: Vec<&str> = ["eval", "--json"].into_iter().chain(arguments.iter().copied()).collect();
    let mut command = home.percept("", &arguments);
    let output = command.env("PERCEPT_FAKE_LOG", &log).envs(variable).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    let asked = log.lines().filter(|line| line.starts_with("generate")).count();
    (asked, String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_was_answered_is_not_asked_again_until_it_is_wanted_afresh() {
    let home = Home::new();
    let suite = suite(&home);
    let (first, report) = asked(&home, &[&suite], None);
    assert!(first >= 5, "{first}");
    assert_eq!(asked(&home, &[&suite], None), (0, report));
    assert!(asked(&home, &[&suite, "--fresh"], None).0 >= 5);
}

#[test]
fn what_an_answer_depends_on_has_changed_and_all_is_asked_anew() {
    let home = Home::new();
    let suite = suite(&home);
    let (first, _) = asked(&home, &[&suite], None);
    let setting = Some(("PERCEPT_MODEL_IMAGE_MAX_TOKENS", "64"));
    assert_eq!(asked(&home, &[&suite], setting).0, first, "another setting");
    assert_eq!(asked(&home, &[&suite], None).0, 0, "the first run is still there");
    let copy = home.path("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(home.path("suite/suite.toml"), copy.join("suite.toml")).unwrap();
    std::fs::copy(common::sample("order.png"), copy.join("error.png")).unwrap();
    assert_eq!(asked(&home, &[copy.to_str().unwrap()], None).0, first, "another picture of the same name");
}

#[test]
fn what_could_not_be_answered_is_asked_again_and_nothing_else() {
    let home = Home::new();
    let suite = suite(&home);
    let log = home.path("data/evals/runs");
    let (first, _) = asked(&home, &[&suite], None);
    let run = std::fs::read_dir(log).unwrap().next().unwrap().unwrap().path();
    let failed: String = std::fs::read_to_string(&run)
        .unwrap()
        .lines()
        .map(|line| match serde_json::from_str::<Value>(line) {
            Ok(mut outcome) if outcome["id"] == "quoted" => {
                outcome["error"] = "the server went away".into();
                format!("{outcome}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    std::fs::write(&run, failed).unwrap();
    let (again, report) = asked(&home, &[&suite], None);
    assert!((1..first).contains(&again), "{again} of {first}");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(by_kind(&report)["dialog"], (1, 2));
    assert_eq!(report["failures"].as_array().unwrap().len(), 0, "{report}");
    assert_eq!(asked(&home, &[&suite], None).0, 0);
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    let home = Home::new();
    let suite = suite(&home);
    let kept = || {
        let runs = std::fs::read_dir(home.path("data/evals/runs")).ok()?;
        let file = runs.flatten().next()?.path();
        Some(std::fs::read_to_string(file).ok()?.lines().skip(1).map(str::to_owned).collect::<Vec<_>>())
    };
    let mut child = home.percept("slow", &["eval", &suite]).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while kept().is_none_or(|kept| kept.is_empty()) {
        assert!(Instant::now() < until, "nothing is kept");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = kept().unwrap();
    assert!(before.len() < 5, "{before:?}");
    let ran = home.run("", &["eval", &suite]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("were answered before"), "{ran:?}");
    let after = kept().unwrap();
    assert_eq!(after.len(), 5);
    // A line that was cut by the kill is dropped and asked again.
    assert!(after.starts_with(&before[..before.len() - 1]), "{before:?} {after:?}");
}

#[test]
fn two_models_are_compared_item_by_item() {
    let home = Home::new();
    let suite = suite(&home);
    let ran = home.run("", &["eval", &suite, "--against", "starter"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.out.contains("more than chance") || ran.out.contains("not more than chance"), "{}", ran.out);
    let ran = home.run("", &["eval", &suite, "--against", "nothere"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("nothere"), "{ran:?}");
}

#[test]
fn what_can_not_be_asked_is_said_and_where() {
    let home = Home::new();
    let said = |arguments: &[&str]| {
        let ran = home.run("", arguments);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        ran.err
    };
    let place = suite(&home);
    assert!(said(&["eval", "/nonexistent"]).contains("/nonexistent"));
    home.write("suite/suite.toml", SUITE.replace("error.png", "gone.png"));
    assert!(said(&["eval", &place]).contains("gone.png isn't there"));
    home.write("suite/suite.toml", "name = \"x\"\n[[item]]\nid = 3\n");
    assert!(said(&["eval", &place]).contains("suite.toml"));
    assert!(said(&["eval", "generate", "-k", "speech", "new"]).contains("docs/perception.md"));
    assert!(said(&["eval", "generate", "-k", "dialogue", "new"]).contains("kinds: small-text"));
    assert!(said(&["eval", "generate", "-k", "dialog", &place]).contains("not empty"));
}

#[test]
fn a_seed_draws_the_same_suite_again_and_it_can_be_asked() {
    let home = Home::new();
    let draw = |seed: &str, folder: &str| {
        let folder = home.path(folder);
        let place = folder.to_str().unwrap().to_owned();
        let kinds =
            ["-k", "dialog", "-k", "absent", "-k", "picture-to-text", "-k", "log-cause", "-k", "retrieval"];
        let arguments: Vec<&str> =
            ["eval", "generate", &place, "--seed", seed, "-n", "2"].into_iter().chain(kinds).collect();
        let ran = home.run("", &arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let mut files: Vec<(String, Vec<u8>)> = walk(&folder)
            .into_iter()
            .map(|path| {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read(path).unwrap())
            })
            .collect();
        files.sort();
        (place, files)
    };
    let (place, first) = draw("7", "one");
    assert!(first == draw("7", "two").1, "the same seed drew something else");
    assert!(first != draw("8", "three").1);
    let ran = home.run("", &["eval", &place, "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let kinds = by_kind(&serde_json::from_str(&ran.out).unwrap());
    assert_eq!(kinds.values().map(|(_, count)| count).sum::<u64>(), 10);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let searched =
        report["kinds"].as_array().unwrap().iter().find(|kind| kind["kind"] == "retrieval").unwrap();
    let gains: Vec<f64> = searched["measures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|measure| measure["value"].as_f64().unwrap())
        .collect();
    assert!(!gains.is_empty() && gains.iter().any(|gain| *gain > 0.0), "{searched}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn examples_for_training_come_without_end_and_a_reader_that_goes_is_no_failure() {
    use std::io::{BufRead, Read};
    let home = Home::new();
    let arguments =
        ["eval", "generate", "--stream", "-k", "dialog", "--size", "320x140", "--seed", "1000000"];
    let mut child = home.percept("", &arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let head: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((head["width"].as_u64(), head["height"].as_u64()), (Some(320), Some(140)));
        assert!(!head["answer"].as_str().unwrap().is_empty());
        let mut pixels = vec![0; 320 * 140 * 3];
        reader.read_exact(&mut pixels).unwrap();
        assert!(pixels.iter().any(|byte| *byte != pixels[0]));
    }
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn items_know_nothing_of_each_other_and_one_that_fails_spoils_no_other() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("suite")).unwrap();
    home.write("suite/broken.png", b"\x89PNG\r\n\x1a\nnothing");
    std::fs::copy(common::sample("error.png"), home.path("suite/error.png")).unwrap();
    let item = |id: &str, file: &str| {
        format!(
            "[[item]]\nid = \"{id}\"\nkind = \"count\"\nattach = [\"{file}\"]\nquestion = \"Is it {id}?\"\n\
             answer.text = {{ is = \"about 1 pictures\" }}\n"
        )
    };
    let items = [item("first", "error.png"), item("broken", "broken.png"), item("last", "error.png")];
    let again = [item("second", "error.png"), item("third", "error.png")];
    home.write("suite/suite.toml", format!("name = \"x\"\n{}{}", items.concat(), again.concat()));
    let asked = home.path("died.asked");
    let place = home.path("suite");
    let ran = home.run("record", &["eval", place.to_str().unwrap(), "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(by_kind(&report)["count"], (4, 5), "{report}");
    assert_eq!(report["failures"][0]["id"], "broken");
    let asked = std::fs::read_to_string(asked).unwrap();
    for line in asked.lines() {
        assert_eq!(line.matches("Is it ").count(), 1, "an earlier item's question is in: {line}");
    }
}
