//! `query_log`: lines of an attached log, by kind, level, time, pattern or place.

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use super::open::STOPPED;
use crate::attachment::Attachment;
use crate::digest::input::InputError;
use crate::digest::{Asked, Focus, LogRecord, query, render_answer, render_ranked};
use crate::tools::plain::{line, plain};

/// Entries that are given at most.
const MOST_ENTRIES: usize = 60;

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let wanted = arguments.text("log").filter(|name| !name.is_empty());
    let attachment = log(wanted, scene)?;
    let bytes = scene.blobs.read(&attachment.id).map_err(|error| error.to_string())?;
    let record = LogRecord::load(&bytes, |kept| scene.blobs.path(kept))?;
    let digest = &record.digest;
    let about = arguments.text("about").unwrap_or_default();
    let templates: Vec<u32> =
        arguments.integer("template").map(|id| u32::try_from(id).unwrap_or(0)).into_iter().collect();
    let text = |name: &str| arguments.text(name).filter(|text| !text.is_empty());
    let asked = Asked {
        templates: &templates,
        level: text("level"),
        since: text("since"),
        until: text("until"),
        grep: text("grep"),
        around: text("around"),
        count: text("count"),
        last: arguments.is_set("last"),
    };
    if !asked.is_any() {
        return match about.is_empty() {
            true => Err("Say what to look for: about, template, level, since, until, grep, around or count."
                .to_owned()),
            false => Ok(Found::text(plain(&render_ranked(digest, &Focus::of(about), scene.most_output)))),
        };
    }
    let wanted = asked.query(digest, MOST_ENTRIES).map_err(|why| line(&why))?;
    let answer = query(digest, &wanted, scene.stop).map_err(|error| match error {
        InputError::Stopped => STOPPED.to_owned(),
        other => line(&other.to_string()),
    })?;
    Ok(Found::text(plain(&render_answer(digest, &wanted, &answer, scene.most_output))))
}

/// The log of this name, or the newest.
fn log<'a>(wanted: Option<&str>, scene: &'a Scene<'_>) -> Result<&'a Attachment, String> {
    let logs = || scene.attachments.iter().rev().filter(|one| one.is_log());
    let found = match wanted {
        Some(name) => logs().find(|one| one.name == name),
        None => logs().next(),
    };
    found.ok_or_else(|| {
        let names: Vec<String> = logs().map(|one| line(&one.name)).collect();
        match (names.is_empty(), wanted) {
            (true, _) => "No log is attached. Use attach with a log or a folder of logs first.".to_owned(),
            (false, wanted) => {
                format!(
                    "{} is no attached log; there are: {}.",
                    line(wanted.unwrap_or_default()),
                    names.join(", ")
                )
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;

    fn stage() -> Stage {
        let mut stage = Stage::new();
        let line = |n: u32| {
            let level = if n % 50 == 49 { "ERROR" } else { "INFO" };
            format!("2024-01-02 03:{:02}:{:02} {level} api: request {n} took {}ms\n", n / 60, n % 60, n * 3)
        };
        let mut text: String = (0..300).map(line).collect();
        text.push_str("2024-01-02 03:05:00 FATAL db: disk full on /var\n");
        stage.attach("app.log", text.as_bytes());
        stage
    }

    #[test]
    fn lines_are_found_by_what_is_asked_and_cited() {
        let stage = stage();
        let answer = |arguments: &str| stage.text("query_log", arguments);
        assert!(
            answer(r#"{"level": "fatal"}"#)
                .starts_with("app.log:301: 2024-01-02 03:05:00 FATAL db: disk full")
        );
        let around = answer(r#"{"around": "app.log:50"}"#);
        assert!(
            around.contains("app.log:40: ")
                && around.contains("app.log:60: ")
                && around.contains("21 lines.")
        );
        assert!(answer(r#"{"grep": "request 7 "}"#).contains("app.log:8: "));
        assert!(answer(r#"{"since": "03:04:58", "level": "error"}"#).contains("2 entries."));
        assert!(answer(r#"{"level": "error", "count": "1m"}"#).contains("2024-01-02 03:04:00 2\n"));
        assert!(answer(r#"{"about": "is the disk full?"}"#).contains("app.log:301: "));
        assert!(answer(r#"{"last": true}"#).contains("app.log:301: "));
    }

    #[test]
    fn mistakes_are_told_in_sentences() {
        let stage = stage();
        for (arguments, says) in [
            ("{}", "Say what to look for"),
            (r#"{"log": "x.log", "grep": "a"}"#, "there are: app.log"),
            (r#"{"grep": "("}"#, "no regular expression"),
            (r#"{"level": "loud"}"#, "no level"),
            (r#"{"since": "yesterday"}"#, "no time"),
            (r#"{"around": "other.log:3"}"#, "no file other.log"),
            (r#"{"around": "9000"}"#, "has 301 lines"),
            (r#"{"template": 99}"#, "no template 99"),
            (r#"{"count": "often"}"#, "no length of time"),
        ] {
            let error = stage.error("query_log", arguments);
            assert!(error.contains(says), "{arguments}: {error}");
        }
        assert!(Stage::new().error("query_log", r#"{"grep": "a"}"#).contains("No log is attached"));
    }
}
