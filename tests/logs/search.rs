//! Queries find exactly what a plain look through the whole log finds.

use std::collections::BTreeMap;

use percept::digest::{Answer, Level, LogDigest, Query, assign, query};
use regex::bytes::Regex;

use crate::corpus::{Dice, NEVER, digest, file};
use crate::quotes::lines;

const BEGIN_MS: i64 = 1_709_337_600_000;

/// An entry, as a plain look knows it: it was made.
struct Made {
    line: u64,
    ms: i64,
    level: Level,
    text: Vec<String>,
}

/// A log of several blocks; its times run forward, jump back and forth, or begin anew.
fn made(order: u64, dice: &mut Dice, count: usize) -> (Vec<u8>, Vec<Made>) {
    let mut bytes = Vec::new();
    let mut entries = Vec::new();
    let mut line = 1;
    for at in 0..count {
        let second = match order {
            0 => at as i64,
            1 => at as i64 + dice.below(600) as i64,
            _ => (at % (count / 3)) as i64,
        };
        let ms = BEGIN_MS + second * 1000 + dice.below(1000) as i64;
        let (name, level) = *dice.pick_of(&[
            ("INFO", Level::Info),
            ("INFO", Level::Info),
            ("DEBUG", Level::Debug),
            ("WARN", Level::Warn),
            ("ERROR", Level::Error),
        ]);
        let stamp = percept::digest::show_time(ms, true);
        let message = crate::make::fill(dice.pick(&crate::make::MESSAGES), at, dice);
        let mut text = vec![format!("{stamp},{:03} {name} [main] com.example.Shop: {message}", ms % 1000)];
        if dice.below(20) == 0 {
            text.push("java.lang.IllegalStateException: closed".to_owned());
            text.extend((0..dice.below(60)).map(|n| format!("\tat com.example.Shop.step{n}(Shop.java:{n})")));
        }
        for text in &text {
            bytes.extend(text.bytes());
            bytes.push(b'\n');
        }
        let number = line;
        line += text.len() as u64;
        entries.push(Made { line: number, ms, level, text });
    }
    (bytes, entries)
}

fn ask(digest: &LogDigest, asked: &Query) -> Answer {
    query(digest, asked, &NEVER).unwrap()
}

/// The numbers of the first lines that were found.
fn found(answer: &Answer) -> Vec<u64> {
    answer.entries.iter().map(|entry| entry.lines[0].line).collect()
}

#[test]
fn queries_find_what_a_plain_look_finds() {
    for order in 0..3 {
        let mut dice = Dice::new(order);
        let (bytes, entries) = made(order, &mut dice, 30_000);
        let (_folder, path) = file(&bytes);
        let digest = digest(&path);
        assert_eq!(digest.entries, entries.len() as u64);
        let marks = &digest.sources[0].marks;
        assert!(marks.len() > 2, "several blocks, so that it is sought");
        let all = lines(&bytes);
        assert!(marks.iter().all(|mark| bytes[mark.at as usize..].starts_with(all[mark.line as usize - 1])));
        let mut of = vec![0; all.len() + 1];
        assign(&digest, 0, &NEVER, |line, template| {
            of[line as usize] = template.unwrap_or_default();
            Ok::<(), percept::digest::input::InputError>(())
        })
        .unwrap();
        for round in 0..40 {
            one(&digest, &entries, &of, &mut dice, round);
        }
        for _ in 0..20 {
            around(&digest, &all, &mut dice);
        }
        for template in &digest.templates {
            let asked = Query { templates: vec![template.id], limit: 1, ..Query::default() };
            assert_eq!(ask(&digest, &asked).found, template.count, "{}", template.text);
        }
    }
}

fn one(digest: &LogDigest, entries: &[Made], of: &[u32], dice: &mut Dice, round: usize) {
    const PATTERNS: [&str; 4] = ["Connection refused", "took [0-9]+\\.5", "step17", "(?i)USER (root|bob)"];
    let (from, to) = digest.span.unwrap();
    let moment = |dice: &mut Dice| from + dice.below((to - from) as usize) as i64;
    let maybe = |dice: &mut Dice| dice.below(2) == 0;
    let mut asked =
        Query { limit: [1, 7, 50, 1_000_000][dice.below(4)], last: maybe(dice), ..Query::default() };
    let (one, other) = (moment(dice), moment(dice));
    asked.since = maybe(dice).then_some(one.min(other));
    asked.until = maybe(dice)
        .then_some(one.max(other).min(one.min(other) + [1000, 60_000, i64::MAX / 4][dice.below(3)]));
    asked.level = maybe(dice).then(|| *dice.pick_of(&Level::ALL));
    asked.grep = maybe(dice).then(|| Regex::new(dice.pick(&PATTERNS)).unwrap());
    if dice.below(3) == 0 {
        asked.templates = (0..2).map(|_| dice.pick_of(&digest.templates).id).collect();
    }
    let holds = |entry: &&Made| {
        asked.since.is_none_or(|since| entry.ms >= since)
            && asked.until.is_none_or(|until| entry.ms <= until)
            && asked.level.is_none_or(|level| entry.level >= level)
            && asked
                .grep
                .as_ref()
                .is_none_or(|grep| entry.text.iter().any(|line| grep.is_match(line.as_bytes())))
            && (asked.templates.is_empty() || asked.templates.contains(&of[entry.line as usize]))
    };
    let expected: Vec<&Made> = entries.iter().filter(holds).collect();
    let answer = ask(digest, &asked);
    assert_eq!(answer.found, expected.len() as u64, "round {round}: {asked:?}");
    let shown = asked.limit.min(expected.len());
    let shown = if asked.last { &expected[expected.len() - shown..] } else { &expected[..shown] };
    assert_eq!(found(&answer), shown.iter().map(|entry| entry.line).collect::<Vec<_>>(), "{asked:?}");
    for (entry, made) in answer.entries.iter().zip(shown) {
        let text: Vec<&str> = entry.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(text, made.text[..text.len()].iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(text.len() + entry.more, made.text.len());
        assert_eq!(entry.ms, Some(made.ms));
    }
    let width = [1, 1000, 3_600_000][dice.below(3)];
    let counted = ask(digest, &Query { count_by: Some(width), ..asked.clone() });
    let counts = |width: i64| {
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for entry in &expected {
            *counts.entry(entry.ms.div_euclid(width) * width).or_default() += 1;
        }
        counts
    };
    // Intervals become ten times as wide where there would be more than ten thousand.
    let mut widths = std::iter::successors(Some(width), |width| Some(width * 10));
    let expected = widths.find_map(|width| Some(counts(width)).filter(|counts| counts.len() <= 10_000));
    assert_eq!(Some(counted.counts), expected, "{asked:?}");
}

fn around(digest: &LogDigest, all: &[&[u8]], dice: &mut Dice) {
    let (line, sides) = (1 + dice.below(all.len()), dice.below(30));
    let asked = Query { around: Some((0, line as u64, sides as u64)), ..Query::default() };
    let answer = ask(digest, &asked);
    let (from, to) = (line.saturating_sub(sides).max(1), (line + sides).min(all.len()));
    assert_eq!(found(&answer), (from as u64..=to as u64).collect::<Vec<_>>());
    for (entry, number) in answer.entries.iter().zip(from..) {
        assert_eq!(entry.lines[0].text.as_bytes(), all[number - 1]);
    }
}

/// More shapes than are learnt from at once, all of one form, and more of them loud than
/// are kept apart.
#[test]
fn what_is_counted_of_a_template_is_what_is_found_of_it() {
    const LOUD: [&str; 5] = ["failed", "error", "crash", "aborted", "fatal"];
    for (count, loud) in [(3000, 400), (7000, 2600), (30_000, 5000)] {
        let mut dice = Dice::new(count as u64);
        let name = |dice: &mut Dice| -> String {
            (0..4 + dice.below(6)).map(|_| char::from(b'a' + dice.below(26) as u8)).collect()
        };
        let mut text = String::new();
        for at in 0..count {
            let mut words: Vec<String> = (0..2 + dice.below(4)).map(|_| name(&mut dice)).collect();
            if at % (count / loud) == 0 {
                let place = dice.below(words.len());
                words[place] = dice.pick(&LOUD).to_owned();
            }
            text.push_str(&format!("2024-03-02 10:00:00,000 INFO {}\n", words.join(" ")));
        }
        let (_folder, path) = file(&text);
        let digest = digest(&path);
        let mut of: BTreeMap<u32, u64> = BTreeMap::new();
        for id in crate::corpus::templates(&digest) {
            *of.entry(id).or_default() += 1;
        }
        let known: BTreeMap<u32, u64> =
            digest.templates.iter().map(|template| (template.id, template.count)).collect();
        assert!(!of.contains_key(&0), "{count}: {:?} lines have no template", of[&0]);
        let differ: Vec<_> = known.iter().filter(|(id, count)| of.get(id) != Some(count)).collect();
        assert!(differ.is_empty(), "{count} lines: {:?}", &differ[..differ.len().min(5)]);
        for template in digest.templates.iter().step_by(1 + known.len() / 20) {
            let asked = Query { templates: vec![template.id], limit: 1, ..Query::default() };
            assert_eq!(ask(&digest, &asked).found, template.count, "{}", template.text);
        }
    }
}
