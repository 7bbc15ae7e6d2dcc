//! Logs that are made, so that it is known which lines are of one kind: templates with
//! places that are filled at random.

use crate::corpus::Dice;

/// One system's way of writing: what stands before a message, and its messages.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) header: &'static str,
    pub(crate) messages: &'static [&'static str],
}

const WORDS: [&str; 24] = [
    "alpha", "bravo", "cedar", "delta", "ember", "frost", "grove", "haven", "iris", "jade", "karma", "lotus",
    "maple", "north", "olive", "pearl", "quartz", "river", "stone", "tulip", "umbra", "violet", "willow",
    "zephyr",
];

const USERS: [&str; 12] = [
    "root",
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
    "grace",
    "admin",
    "oracle",
    "www-data",
    "svc_backup",
];

impl Family {
    /// So many lines, and the number of each one's message. The first lines show every
    /// message once; then some come often and some seldom, as in logs.
    pub(crate) fn lines(&self, count: usize, dice: &mut Dice) -> (Vec<String>, Vec<usize>) {
        let kinds = self.messages.len();
        let pick = |at: usize, dice: &mut Dice| match at < kinds {
            true => at,
            false => dice.below(kinds).min(dice.below(kinds)),
        };
        (0..count)
            .map(|at| {
                let message = pick(at, dice);
                let header = fill(self.header, at, dice);
                (header + &fill(self.messages[message], at, dice), message)
            })
            .unzip()
    }
}

/// Fills the places of a template; `at` is the seconds since the log began.
pub(crate) fn fill(template: &str, at: usize, dice: &mut Dice) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, after)) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                out.push_str(&value(name, at, dice));
                rest = after;
            }
            _ => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

fn value(name: &str, at: usize, dice: &mut Dice) -> String {
    let clock = || format!("{:02}:{:02}:{:02}", 3 + at / 3600 % 20, at / 60 % 60, at % 60);
    let ip = |dice: &mut Dice| format!("10.{}.{}.{}", dice.below(256), dice.below(256), 1 + dice.below(254));
    match name {
        "clock" => clock(),
        "ms" => format!("{:03}", dice.below(1000)),
        "two" => format!("{:02}", dice.below(60)),
        "n" => dice.below(100).to_string(),
        "int" => dice.below(1_000_000).to_string(),
        "big" => format!("{}", dice.next() >> 1),
        "signed" => format!("{}", dice.below(2000) as i64 - 1000),
        "block" => format!("blk_{}", dice.next() as i64),
        "float" => format!("{}.{}", dice.below(1000), dice.below(1000)),
        "hex" => format!("{:08x}", dice.next() as u32),
        "letters" => (0..8).map(|_| char::from(b'a' + dice.below(6) as u8)).collect(),
        "long" => format!("{:016x}{:016x}", dice.next(), dice.next()),
        "ip" => ip(dice),
        "six" => format!("2001:db8:{:x}::{:x}", dice.below(65_536), 1 + dice.below(65_535)),
        "mac" => (0..6).map(|_| format!("{:02x}", dice.below(256))).collect::<Vec<_>>().join(":"),
        "uuid" => {
            let (high, low) = (dice.next(), dice.next());
            let word = |value: u64, bits: u32| value >> bits & 0xffff;
            format!(
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                high >> 32,
                word(high, 16),
                word(high, 0),
                word(low, 48),
                low & 0xffff_ffff_ffff
            )
        }
        "word" => dice.pick(&WORDS).to_owned(),
        "user" => dice.pick(&USERS).to_owned(),
        "host" => format!("{}-{}.example.com", dice.pick(&WORDS), dice.below(40)),
        "site" => format!("{}.{}.com", dice.pick(&WORDS), dice.pick(&WORDS)),
        "class" => format!("{}{}Manager", title(dice.pick(&WORDS)), title(dice.pick(&WORDS))),
        "path" => format!("/var/{}/{}/{}.dat", dice.pick(&WORDS), dice.pick(&WORDS), dice.below(900)),
        "file" => format!("{}_{}.txt", dice.pick(&WORDS), dice.pick(&WORDS)),
        "url" => format!(
            "https://{}.example.org/{}/{}?id={}",
            dice.pick(&WORDS),
            dice.pick(&WORDS),
            dice.pick(&WORDS),
            dice.below(9000)
        ),
        "quoted" => (0..=dice.below(3)).map(|_| dice.pick(&WORDS).to_owned()).collect::<Vec<_>>().join(" "),
        "list" => (0..=dice.below(6)).map(|_| dice.below(5000).to_string()).collect::<Vec<_>>().join(", "),
        "names" => (0..=dice.below(4)).map(|_| dice.pick(&WORDS).to_owned()).collect::<Vec<_>>().join(", "),
        "version" => format!("{}.{}.{}", dice.below(9), dice.below(20), dice.below(300)),
        "node" => format!(
            "R{:02}-M{}-N{}-C:J{:02}-U{:02}",
            dice.below(64),
            dice.below(2),
            dice.below(16),
            dice.below(18),
            1 + dice.below(11)
        ),
        "bool" => dice.pick(&["true", "false"]).to_owned(),
        other => panic!("no such place: {other}"),
    }
}

fn title(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

/// What lines may hold that text should not.
pub(crate) const NASTY: &[&[u8]] = &[
    b"\xff\xfe invalid \xc3\x28 bytes",
    b"\x1b[31mred\x1b[0m and \x07bell",
    b"nul \0 in the midst",
    b"tab\tand\tmore  ",
    b"carriage\rreturn",
    "bidi \u{202e}evil\u{202c} and \u{85} c1".as_bytes(),
    "größe 💥 家族 👩\u{200d}👩\u{200d}👧".as_bytes(),
    b"ends with an ellipsis \xe2\x80\xa6",
    b"\xf0\x9f",
];

/// A log that mixes everything: lines of several systems, with and without headers,
/// continued, long, empty, nasty; ended in several ways.
pub(crate) fn mixed(dice: &mut Dice, count: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let style = dice.below(4);
    for at in 0..count {
        let header = match style {
            0 => fill("2024-03-02 {clock},{ms} INFO [main] com.example.{class}: ", at, dice),
            1 => fill("Mar  2 {clock} web-1 sshd[{int}]: ", at, dice),
            2 => String::new(),
            _ => fill("[{clock}] ERROR ", at, dice),
        };
        match dice.below(14) {
            0 => out.extend(fill("\tat com.example.{class}.run({class}.java:{n})", at, dice).bytes()),
            1 => {
                out.extend(header.bytes());
                out.extend(*dice.pick_of(NASTY));
            }
            2 => {
                out.extend(header.bytes());
                let word = fill("{word}é ", at, dice);
                out.extend(word.repeat(dice.below(300)).bytes());
            }
            3 => {}
            4 => out.extend((0..dice.below(200)).map(|_| dice.next() as u8).filter(|byte| *byte != b'\n')),
            5 => out.extend(fill("java.io.IOException: {word} {int}", at, dice).bytes()),
            6 => out.extend(
                fill(
                    "{\"time\":\"2024-03-02T{clock}Z\",\"level\":\"error\",\"msg\":\"{word} failed {int}\"}",
                    at,
                    dice,
                )
                .bytes(),
            ),
            _ => {
                out.extend(header.bytes());
                out.extend(fill(dice.pick(&MESSAGES), at, dice).bytes());
            }
        }
        out.extend(if dice.below(5) == 0 { &b"\r\n"[..] } else { b"\n" });
    }
    if dice.below(3) == 0 {
        out.extend(b"the last line has no end");
    }
    out
}

pub(crate) const MESSAGES: [&str; 12] = [
    "user {user} logged in from {ip}",
    "user {user} logged out",
    "request {uuid} took {float} ms",
    "cache {word} is full, {int} entries were dropped",
    "connection to {host}:{int} failed: Connection refused",
    "started worker {n} of pool {word}",
    "stopped worker {n} of pool {word}",
    "state of {word} is RUNNING",
    "state of {word} is STOPPED",
    "warning: {path} is {n}% full",
    "value={signed} list=[{list}] ok={bool}",
    "retry {n} of {n} for {url}",
];
