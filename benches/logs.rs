//! What the digest of logs costs and how well it groups, with drain3 beside it in the same
//! run where `python3` (or `PERCEPT_PYTHON`) has it.
//!
//! ```sh
//! cargo bench --bench logs --no-default-features
//! PERCEPT_BENCH_LARGE=1 cargo bench --bench logs --no-default-features   # also 5 GB
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a measurement")]

#[path = "../tests/logs/corpus.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod corpus;
#[path = "../tests/logs/make.rs"]
#[allow(dead_code, clippy::panic, reason = "shared with the tests")]
mod make;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use percept::digest::{LogDigest, Options};

use corpus::{Dice, NEVER, NOW_MS, SYSTEMS};
use make::fill;

/// Lines that drain3 is given: a few seconds' worth.
const BESIDE: usize = 200_000;

const MESSAGES: [&str; 8] = [
    "sshd[{int}]: Failed password for root from {ip} port {int} ssh2",
    "sshd[{int}]: Accepted publickey for deploy from {ip} port {int} ssh2: RSA SHA256:{long}",
    "systemd[1]: Started Session {int} of user deploy.",
    "kernel: [{float}] eth0: link up, {int} Mbps, full duplex",
    "CRON[{int}]: (root) CMD (test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily ))",
    "app[812]: request {uuid} GET /api/v1/orders/{int} took {float} ms status=200",
    "nginx: upstream {ip}:8080 answered in {n} ms, {int} bytes",
    "app[812]: cache {word} holds {int} entries, {n}% of them fresh",
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--child") {
        return child(Path::new(&arguments[at + 1]), arguments[at + 2].parse().unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("syslog");
    println!("plain syslog");
    let mut sizes = vec![10u64, 100, 1000];
    if std::env::var_os("PERCEPT_BENCH_LARGE").is_some() {
        sizes.push(5000);
    }
    for size in sizes {
        syslog(&log, size * 1_000_000);
        for threads in [1, 2] {
            measure(&format!("{size} MB, {threads} threads"), &log, threads, false);
        }
        if size == 100 {
            beside(&log);
        }
    }
    unique(&log, 10_000_000);
    measure("10 M unique lines, 2 threads", &log, 2, false);
    long_line(&log, 1_000_000_000);
    measure("one line of 1 GB, 2 threads", &log, 2, false);
    accuracy();
}

/// Reads a log and says what it took, in one line of JSON.
fn child(path: &Path, threads: usize) {
    let begun = Instant::now();
    let gathered = corpus::gathered(path);
    let mut first = None;
    let options = Options { threads, now_ms: NOW_MS };
    let digest = LogDigest::read(&gathered, &options, &NEVER, &mut |_| {
        first.get_or_insert(begun.elapsed().as_secs_f64());
    });
    let seconds = begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    println!(
        "{}",
        serde_json::json!({
            "seconds": seconds, "first": first.unwrap_or(seconds), "lines": digest.lines,
            "bytes": digest.sources.iter().map(|source| source.unpacked).sum::<u64>(),
            "templates": digest.templates.len(), "peak_kib": peak.unwrap_or(0),
        })
    );
}

/// Measures in a process of its own, three times; prints the median by time, and returns
/// its lines per second. `pinned`: on one core alone.
fn measure(name: &str, path: &Path, threads: usize, pinned: bool) -> f64 {
    let own = std::env::current_exe().unwrap();
    let mut runs: Vec<serde_json::Value> = (0..3)
        .map(|_| {
            let mut command = match pinned {
                true => {
                    let mut command = Command::new("taskset");
                    command.args(["-c", "0"]).arg(&own);
                    command
                }
                false => Command::new(&own),
            };
            let out = command.arg("--child").arg(path).arg(threads.to_string()).output().unwrap();
            serde_json::from_slice(&out.stdout).unwrap()
        })
        .collect();
    let number = |run: &serde_json::Value, key: &str| run[key].as_f64().unwrap();
    runs.sort_by(|one, other| number(one, "seconds").total_cmp(&number(other, "seconds")));
    let of = |key: &str| number(&runs[1], key);
    println!(
        "  {name:<30} {:7.1} MB/s {:9.0} lines/s, first after {:5.0} ms, {:6.1} MB at most, {} templates",
        of("bytes") / 1e6 / of("seconds"),
        of("lines") / of("seconds"),
        of("first") * 1000.0,
        of("peak_kib") * 1024.0 / 1e6,
        of("templates"),
    );
    of("lines") / of("seconds")
}

fn written(path: &Path, mut line: impl FnMut(usize) -> Option<String>) {
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path).unwrap());
    for at in 0.. {
        let Some(line) = line(at) else { break };
        out.write_all(line.as_bytes()).unwrap();
        out.write_all(b"\n").unwrap();
    }
    out.flush().unwrap();
}

/// Syslog of so many bytes. Some megabytes are made, and repeated with later hours.
fn syslog(path: &Path, bytes: u64) {
    let mut dice = Dice::new(17);
    let made: Vec<String> =
        (0..100_000).map(|at| fill(MESSAGES[dice.below(MESSAGES.len())], at, &mut dice)).collect();
    let mut left = bytes as i64;
    written(path, |at| {
        let second = at / 50;
        let (day, hour) = (1 + second / 86_400 % 28, second / 3600 % 24);
        let line = format!(
            "Mar {day:2} {hour:02}:{:02}:{:02} web-1 {}",
            second / 60 % 60,
            second % 60,
            made[at % made.len()]
        );
        left -= line.len() as i64 + 1;
        (left >= 0).then_some(line)
    });
}

/// Lines of which none has a word of another.
fn unique(path: &Path, count: usize) {
    let mut dice = Dice::new(23);
    written(path, |at| {
        let mut line = format!("2024-03-02 {:02}:{:02}:{:02} INFO", at / 3600 % 24, at / 60 % 60, at % 60);
        for _ in 0..2 + dice.below(9) {
            line.push(' ');
            let mut letters = dice.next();
            for _ in 0..2 + dice.below(9) {
                line.push(char::from(b'a' + (letters % 26) as u8));
                letters /= 26;
            }
        }
        (at < count).then_some(line)
    });
}

fn long_line(path: &Path, bytes: usize) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    let part = b"ERROR x=1 [a, (b \"c\" http://d/e ".repeat(1000);
    for _ in 0..bytes / part.len() {
        out.write_all(&part).unwrap();
    }
    out.flush().unwrap();
}

/// drain3's answer to arguments; `None`, and a word, where it isn't installed.
fn drain(arguments: &[&std::ffi::OsStr], pinned: bool) -> Option<serde_json::Value> {
    let python = std::env::var_os("PERCEPT_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/drain.py");
    let mut command = Command::new(if pinned { "taskset".into() } else { python.clone() });
    if pinned {
        command.args(["-c", "0"]).arg(&python);
    }
    let out = command.arg(script).args(arguments).output();
    let found = out.ok().filter(|out| out.status.success());
    if found.is_none() {
        println!("  drain3 is not installed: nothing is beside (docs/benchmarks.md says how)");
    }
    serde_json::from_slice(&found?.stdout).ok()
}

/// Both on one core, on the same file.
fn beside(log: &Path) {
    println!("on one core, beside drain3");
    let own = measure("percept, header and all", log, 1, true);
    let lines = BESIDE.to_string();
    let Some(other) = drain(&["speed".as_ref(), log.as_os_str(), lines.as_ref()], true) else { return };
    for (name, key) in [("drain3, messages, its masks", "masked"), ("drain3, messages, no masks", "bare")] {
        let speed = other[key].as_f64().unwrap();
        println!("  {name:<30} {speed:22.0} lines/s: percept is {:.0} times as fast", own / speed);
    }
}

fn accuracy() {
    println!("grouping accuracy");
    let logs: Vec<PathBuf> = SYSTEMS.iter().filter_map(|system| corpus::real(system)).collect();
    if logs.len() < SYSTEMS.len() {
        return;
    }
    let own: Vec<f64> = logs
        .iter()
        .map(|log| corpus::grouping_accuracy(&corpus::truth(log), &corpus::templates(&corpus::digest(log))))
        .collect();
    let arguments: Vec<&std::ffi::OsStr> =
        std::iter::once("accuracy".as_ref()).chain(logs.iter().map(|log| log.as_os_str())).collect();
    let other = drain(&arguments, false);
    let of = |at: usize| other.as_ref().map_or(f64::NAN, |other| other[at].as_f64().unwrap());
    for (at, (system, own)) in SYSTEMS.iter().zip(&own).enumerate() {
        println!("  {system:<12} percept {own:.4}  drain3 {:.4}", of(at));
    }
    let average = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let others: Vec<f64> = (0..own.len()).map(of).collect();
    println!("  {:<12} percept {:.4}  drain3 {:.4}", "average", average(&own), average(&others));
}
