//! Made-up logs of an outage: one thing goes wrong, said once, and everyone else complains.
//!
//! ```text
//! work, errors that pass, warnings that are harmless ─▶ the cause ─▶ the same, and its consequences
//! ```
//!
//! The consequences are louder than the cause, and what is offered beside it is in the log too:
//! neither the first error nor the most frequent one is the answer.

use std::fmt::Write as _;

use super::causes::{CAUSES, Cause, Role, Said};
use crate::eval::{Rng, Words};

/// Choices of a question.
const CHOICES: usize = 5;

/// How often something harmless of each other kind is said.
const HARMLESS: usize = 3;

/// Of the lines before the cause: errors that pass.
const PASSING: f32 = 0.03;

/// Of the lines after it: consequences.
const CONSEQUENCES: f32 = 0.4;

/// A log with its question.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) text: String,
    pub(super) question: String,
    pub(super) right: String,
    pub(super) choices: Vec<String>,
    /// How long it is.
    pub(super) group: &'static str,
    /// The line that says the cause, from 1.
    #[cfg_attr(not(test), expect(dead_code, reason = "what tests look for"))]
    pub(super) root: usize,
}

/// Who is who, and how lines look.
struct Scene {
    names: [&'static str; 6],
    date: String,
    form: u32,
    /// Milliseconds since midnight.
    clock: u32,
    /// The most milliseconds between two lines.
    pause: u32,
    text: String,
    lines: usize,
}

/// Makes one up.
pub(super) fn log(rng: &mut Rng) -> Log {
    let (group, from, to) = *rng.pick(&[
        ("up to 2,000 lines", 200, 500),
        ("up to 2,000 lines", 500, 2_000),
        ("up to 20,000 lines", 2_000, 6_000),
        ("up to 20,000 lines", 6_000, 20_000),
    ]);
    // What the cause says comes to a line more.
    let lines = rng.range(from..=to - 1);
    let cause = rng.pick(&CAUSES);
    let host = rng.one_of(cause.hosts).copied().unwrap_or(Role::Api);
    let mut scene = Scene::new(rng);
    let began = (lines * rng.range(35..=70) / 100) as usize;
    let mut harmless = harmless(cause, host, began, lines as usize, rng);
    let mut root = 0;
    for at in 0..lines as usize {
        if at == began {
            root = scene.lines + 1;
            let said = *rng.pick(&cause.root);
            scene.write(cause.said_by.unwrap_or(scene.name(host)), said, (host, host), rng);
        } else if let Some((_, said, role)) = harmless.pop_if(|(due, ..)| *due <= at) {
            scene.write(scene.name(role), said, (role, role), rng);
        } else {
            scene.ordinary(host, at > began, rng);
        }
    }
    let asks_where = cause.has_place && rng.chance(0.5);
    let (right, choices) = match asks_where {
        true => scene.places(host, rng),
        false => kinds(cause, rng),
    };
    let question = question(asks_where, &choices, rng);
    Log { text: scene.text, question, right, choices, group, root }
}

/// Lines that look like other causes, with where they stand (the last one first): before the cause
/// and after it.
fn harmless(
    cause: &Cause,
    host: Role,
    began: usize,
    lines: usize,
    rng: &mut Rng,
) -> Vec<(usize, Said, Role)> {
    let mut all = Vec::new();
    for other in CAUSES.iter().filter(|other| other.name != cause.name) {
        for nth in 0..HARMLESS {
            let at = match nth {
                0 => rng.index(began),
                _ => rng.index(lines),
            };
            let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != host).collect();
            let role = rng.one_of(&roles).copied().unwrap_or(Role::Gateway);
            all.push((at, *rng.pick(&other.harmless), role));
        }
    }
    all.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    all
}

/// The name of what went wrong, among others.
fn kinds(cause: &Cause, rng: &mut Rng) -> (String, Vec<String>) {
    let others: Vec<String> =
        CAUSES.iter().map(|one| one.name.to_owned()).filter(|name| name != cause.name).collect();
    among(cause.name, &others, rng)
}

fn among(right: &str, others: &[String], rng: &mut Rng) -> (String, Vec<String>) {
    let mut choices = rng.sample(others, CHOICES - 1);
    choices.push(right.to_owned());
    rng.shuffle(&mut choices);
    (right.to_owned(), choices)
}

fn question(asks_where: bool, choices: &[String], rng: &mut Rng) -> String {
    let asked = match asks_where {
        true => *rng.pick(&[
            "The log is of an outage. With which component did it begin?",
            "Which of these components failed first and took the others with it?",
            "Find the component that is the root cause of what went wrong in this log.",
        ]),
        false => *rng.pick(&[
            "The log is of an outage. What was its cause?",
            "What is the root cause of the errors in this log?",
            "Which of these began it all?",
        ]),
    };
    format!("{asked} Answer with one of these and nothing else: {}.", choices.join(", "))
}

impl Scene {
    fn new(rng: &mut Rng) -> Self {
        Self {
            names: Role::ALL.map(|role| *rng.pick(&role.names())),
            date: Words::new(rng).filled("{date}"),
            form: rng.below(3),
            clock: rng.range(0..=10 * 3_600_000),
            pause: rng.range(60..=2_000),
            text: String::new(),
            lines: 0,
        }
    }

    fn name(&self, role: Role) -> &'static str {
        self.names[role as usize]
    }

    /// A line that is neither the cause nor planned: work, an error that passes, a consequence.
    fn ordinary(&mut self, host: Role, broken: bool, rng: &mut Rng) {
        let felt = host.felt_by();
        if broken && rng.chance(CONSEQUENCES) {
            let pair = rng.one_of(felt).copied().unwrap_or((Role::Gateway, Role::Api));
            return self.complain(pair, rng);
        }
        if rng.chance(PASSING) {
            // The host complains now and then like everyone else, and others of others.
            let who = *rng.pick(&Role::ALL);
            let pair = rng.one_of(who.felt_by()).copied().unwrap_or((Role::Gateway, Role::Api));
            return self.complain(pair, rng);
        }
        let role = *rng.pick(&Role::ALL);
        // What is down works no more.
        let role =
            if broken && role == host { felt.first().map_or(Role::Gateway, |pair| pair.0) } else { role };
        let level = if rng.chance(0.15) { "DEBUG" } else { "INFO" };
        let said = Words::new(rng).message();
        self.line(self.name(role), level, &said, rng);
    }

    fn complain(&mut self, (who, of): (Role, Role), rng: &mut Rng) {
        let said = *rng.pick(&who.complaints());
        self.write(self.name(who), said, (who, of), rng);
    }

    /// Writes what a component says of itself or another.
    fn write(&mut self, who: &str, (level, said): Said, (me, of): (Role, Role), rng: &mut Rng) {
        let mut said = said.replace("$me", self.name(me)).replace("$x", self.name(of));
        for role in Role::ALL {
            said = said.replace(role.field(), self.name(role));
        }
        let said = Words::new(rng).filled(&said);
        self.line(who, level, &said, rng);
    }

    fn line(&mut self, who: &str, level: &str, said: &str, rng: &mut Rng) {
        self.clock += rng.range(1..=self.pause);
        let (ms, s) = (self.clock % 1000, self.clock / 1000);
        let time = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
        let date = &self.date;
        let line = match self.form {
            0 => format!("{date}T{time}.{ms:03}Z {level} {who}: {said}"),
            1 => format!("{date} {time},{ms:03} [{who}] {level} {said}"),
            _ => format!("{date} {time}.{ms:03} {who} {}: {said}", level.to_lowercase()),
        };
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "{line}");
        self.lines += 1;
    }

    /// The component that it began with, among others.
    fn places(&self, host: Role, rng: &mut Rng) -> (String, Vec<String>) {
        let others: Vec<String> = Role::ALL
            .into_iter()
            .filter(|role| *role != host)
            .map(|role| self.name(role).to_owned())
            .collect();
        among(self.name(host), &others, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of a component that are errors or worse.
    fn errors(lines: &[&str], who: &str) -> usize {
        let bad = |line: &&&str| {
            let low = line[23..].to_lowercase();
            let head = low.trim_start_matches('z').split_whitespace().take(2);
            let head: Vec<&str> = head.map(|word| word.trim_matches(['[', ']', ':'])).collect();
            head.contains(&who) && (head.contains(&"error") || head.contains(&"fatal"))
        };
        lines.iter().filter(bad).count()
    }

    #[test]
    fn the_cause_is_said_once_and_its_consequences_are_louder() {
        for seed in 0..40 {
            let log = log(&mut Rng::new(seed));
            let lines: Vec<&str> = log.text.lines().collect();
            assert!((200..=20_000).contains(&lines.len()), "{}", lines.len());
            let said = lines[log.root - 1];
            assert_eq!(lines.iter().filter(|line| line[24..] == said[24..]).count(), 1, "{said}");
            let (before, after) = lines.split_at(log.root);
            let bad = |lines: &[&str]| {
                lines.iter().filter(|line| line.contains("ERROR") || line.contains("error:")).count() as f64
                    / lines.len() as f64
            };
            assert!(bad(before) > 0.0, "errors come before it too");
            assert!(bad(after) > 5.0 * bad(before), "{seed}: {} {}", bad(before), bad(after));
        }
    }

    #[test]
    fn all_choices_are_in_the_log_and_the_right_one_is_not_the_loudest() {
        let (mut places, mut kinds) = (0, 0);
        for seed in 100..180 {
            let log = log(&mut Rng::new(seed));
            assert_eq!(log.choices.iter().filter(|choice| **choice == log.right).count(), 1);
            assert_eq!(log.choices.len(), CHOICES);
            assert!(
                log.choices.iter().all(|choice| log.question.contains(choice.as_str())),
                "{}",
                log.question
            );
            let lines: Vec<&str> = log.text.lines().collect();
            if CAUSES.iter().any(|cause| cause.name == log.right) {
                kinds += 1;
                continue;
            }
            places += 1;
            assert!(lines[log.root - 1].contains(&log.right), "{}", lines[log.root - 1]);
            let own = errors(&lines, &log.right);
            for choice in &log.choices {
                assert!(log.text.contains(choice.as_str()), "{choice}");
            }
            assert!(log.choices.iter().any(|choice| errors(&lines, choice) > own), "{seed}: {own}");
        }
        assert!(places > 10 && kinds > 10, "{places} {kinds}");
    }

    #[test]
    fn no_name_is_a_part_of_another() {
        let mut names: Vec<&str> = CAUSES.iter().map(|cause| cause.name).collect();
        names.extend(Role::ALL.iter().flat_map(|role| role.names()));
        for one in &names {
            assert_eq!(names.iter().filter(|other| other.contains(one)).count(), 1, "{one}");
        }
    }

    #[test]
    fn time_goes_on() {
        let log = log(&mut Rng::new(5));
        let times: Vec<&str> = log.text.lines().map(|line| &line[..23]).collect();
        assert!(times.is_sorted());
    }
}
