//! Whether the digest of a real log holds the one line that was planted in it: the rare
//! error that a support question is about. Beside it, what cutting the log to the same
//! size keeps.

use std::collections::HashMap;

use percept::digest::{Focus, render};
use percept::text::tokens;

use crate::corpus::{Dice, SYSTEMS, digest, file, real};

const PLANTINGS: usize = 200;
const BUDGET: usize = 2000;

/// Plantings of which the digest must hold the line, in percent.
const LEAST: usize = 95;

const SEED: u64 = 20_240_131;

/// What is planted: the line that must be shown, lines that follow it, and its kind.
struct Planted {
    kind: &'static str,
    line: String,
    after: Vec<String>,
}

/// A header of the log's own kind for a line that an error has, as the line before it
/// has its time.
fn header(system: &str, neighbour: &str, program: &str, dice: &mut Dice) -> String {
    let words: Vec<&str> = neighbour.split_whitespace().collect();
    match system {
        "Apache" => format!("{} [error] ", &neighbour[..26]),
        "Linux" | "OpenSSH" => {
            let host = words[3];
            let pid = dice.below(30_000);
            format!("{} {host} {program}[{pid}]: ", &neighbour[..15])
        }
        _ => format!(
            "{} - ERROR [{program}-{}:Worker@{}] - ",
            &neighbour[..23],
            dice.below(9),
            dice.below(900)
        ),
    }
}

/// One of fourteen kinds of trouble, in words and numbers that no other has.
fn trouble(system: &str, neighbour: &str, dice: &mut Dice, number: usize) -> Planted {
    let service = dice.pick(&["billing", "ledger", "geocoder", "mailer", "thumbnailer", "indexer", "quota"]);
    let host = format!("{}-{}.internal", dice.pick(&["db", "cache", "queue", "auth"]), dice.below(90));
    let n = dice.below(1_000_000);
    let own = |dice: &mut Dice, text: String| format!("{}{text}", header(system, neighbour, service, dice));
    let (kind, line, after) = match number % 14 {
        0 => (
            "exception",
            own(dice, format!("Unhandled exception in {service} request {n}")),
            stack(service, n),
        ),
        1 => (
            "oom",
            own(dice, format!("Out of memory: Killed process {n} ({service}) total-vm:{}kB", n * 7)),
            vec![],
        ),
        2 => (
            "disk",
            own(dice, format!("write to /var/lib/{service}/{n}.dat failed: No space left on device")),
            vec![],
        ),
        3 => (
            "refused",
            own(dice, format!("connect to {host}:{} failed: Connection refused", n % 65_000)),
            vec![],
        ),
        4 => (
            "segfault",
            own(dice, format!("{service}[{n}]: segfault at {n:x} ip {:x} sp {:x} error 4", n * 31, n * 17)),
            vec![],
        ),
        5 => (
            "panic",
            own(dice, format!("panic: runtime error: index out of range [{n}] with length {}", n / 2)),
            vec![],
        ),
        6 => ("bare", format!("error: {service} could not open table {n}: checksum mismatch"), vec![]),
        7 => (
            "corrupt",
            own(dice, format!("{service}: page {n} of the index is corrupt, expected {:08x}", n * 13)),
            vec![],
        ),
        8 => (
            "timeout",
            own(dice, format!("{service} gave up on {host} after {n} ms: deadline exceeded, request failed")),
            vec![],
        ),
        9 => (
            "certificate",
            own(dice, format!("TLS handshake with {host} failed: certificate has expired ({n})")),
            vec![],
        ),
        10 => ("python", format!("Traceback (most recent call last) in {service} {n}:"), python(n)),
        11 => ("quiet exit", own(dice, format!("worker {n} of {service} went away with status 137")), vec![]),
        12 => ("quiet lag", own(dice, format!("replica {host} is {n} s behind, {service} waits")), vec![]),
        _ => (
            "fatal",
            own(dice, format!("FATAL: {service} lost its quorum with {host}, shutting down ({n})")),
            vec![],
        ),
    };
    Planted { kind, line, after }
}

fn stack(service: &str, n: usize) -> Vec<String> {
    vec![
        format!("java.lang.IllegalStateException: {service} was closed by {n}"),
        format!("\tat com.example.{service}.Worker.run(Worker.java:{})", n % 900),
        "\tat java.base/java.lang.Thread.run(Thread.java:833)".to_owned(),
        format!("Caused by: java.io.IOException: broken frame {n}"),
    ]
}

fn python(n: usize) -> Vec<String> {
    vec![
        format!("  File \"/srv/app/main.py\", line {}, in run", n % 700),
        "    self.step(item)".to_owned(),
        format!("KeyError: 'item {n}'"),
    ]
}

/// Lines of a log that fit into the budget, from a place on in a direction.
fn fits(lines: &[String], order: impl Iterator<Item = usize>, planted: usize) -> bool {
    let mut used = 0;
    for at in order {
        used += tokens(&lines[at]) + 1;
        if used > BUDGET {
            return false;
        }
        if at == planted {
            return true;
        }
    }
    false
}

#[test]
fn the_planted_error_is_in_the_digest() {
    let mut logs = Vec::new();
    for system in SYSTEMS {
        let Some(log) = real(system) else { return };
        let text = String::from_utf8_lossy(&std::fs::read(log).unwrap()).replace("\r\n", "\n");
        logs.push((system, text.lines().map(str::to_owned).collect::<Vec<_>>()));
    }
    let mut dice = Dice::new(SEED);
    let (mut found, mut head, mut tail, mut middle) = (0, 0, 0, 0);
    let mut kinds: HashMap<&str, (usize, usize)> = HashMap::new();
    for number in 0..PLANTINGS {
        let (system, lines) = &logs[number % logs.len()];
        let at = 1 + dice.below(lines.len() - 1);
        let planted = trouble(system, &lines[at - 1], &mut dice, number / logs.len());
        let mut lines = lines.clone();
        lines.splice(at..at, std::iter::once(planted.line.clone()).chain(planted.after.clone()));
        let (_folder, path) = file(lines.join("\n") + "\n");
        let text = render(&digest(&path), &Focus::default(), BUDGET);
        assert!(tokens(&text) <= BUDGET);
        let quoted = format!("app.log:{}: {}", at + 1, planted.line);
        let is_there = text.contains(&quoted);
        let kind = kinds.entry(planted.kind).or_default();
        kind.1 += 1;
        if is_there {
            found += 1;
            kind.0 += 1;
        } else {
            println!("missed in {system}: {quoted}");
        }
        head += usize::from(fits(&lines, 0..lines.len(), at));
        tail += usize::from(fits(&lines, (0..lines.len()).rev(), at));
        // Half from the start, half from the end, as one who cuts out the middle keeps.
        let (half, last) = (lines.len() / 2, lines.len() - 1);
        let both = (0..half).flat_map(|at| [at, last - at]);
        middle += usize::from(fits(&lines, both, at));
    }
    println!("of {PLANTINGS} planted lines in {BUDGET} tokens:");
    println!("  digest {found}, head {head}, tail {tail}, head and tail without the middle {middle}");
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort();
    println!("  by kind (found, planted): {kinds:?}");
    assert!(found * 100 >= PLANTINGS * LEAST, "{found} of {PLANTINGS}");
}
