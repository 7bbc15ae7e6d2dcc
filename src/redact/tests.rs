//! What is found and what survives: the table of `tests/data/secrets.tsv`, and properties.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const TABLE: &str = include_str!("../../tests/data/secrets.tsv");

fn plain(field: &str) -> String {
    field.replace('·', "").replace("\\\\", "\u{0}").replace("\\n", "\n").replace('\u{0}', "\\")
}

/// The rows: whether something is found, the text, and what it becomes.
fn rows() -> Vec<(bool, String, String)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let fields: Vec<&str> = row.split('\t').collect();
        let [kind, text, expected] = fields[..] else { panic!("three fields: {row}") };
        let text = plain(text);
        let expected = if expected == "=" { text.clone() } else { plain(expected) };
        (kind == "find", text, expected)
    })
    .collect()
}

fn redact(text: &str) -> String {
    Redactor::new(Options::default()).redact(text).into_owned()
}

fn by_lines(text: &str, options: Options) -> String {
    let (mut redactor, mut stream) = (Redactor::new(options), Stream::default());
    text.split_inclusive('\n').map(|line| redactor.line(&mut stream, line).into_owned()).collect()
}

#[test]
fn the_table_holds() {
    let rows = rows();
    let found = rows.iter().filter(|(find, ..)| *find).count();
    assert!(found >= 60 && rows.len() - found >= 60, "{found} of {}", rows.len());
    let mut wrong = String::new();
    for (_, text, expected) in rows {
        let redacted = redact(&text);
        if redacted != expected {
            let _ = writeln!(wrong, "{text}\n  is        {redacted}\n  should be {expected}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_surrounds_a_secret_does_not_hide_it() {
    for (_, text, expected) in rows().iter().filter(|(find, text, _)| *find && !text.contains('\n')) {
        let (before, after) = ("é first line\n", "\r\nlast line ü\n");
        assert_eq!(redact(&format!("{before}{text}{after}")), format!("{before}{expected}{after}"));
        assert_eq!(
            redact(&format!("2024-05-01T12:00:00Z INFO {text}")),
            format!("2024-05-01T12:00:00Z INFO {expected}")
        );
    }
}

#[test]
fn the_same_value_has_the_same_number_in_every_text() {
    let mut redactor = Redactor::new(Options::default());
    assert_eq!(redactor.redact("password=one a@b.example"), "password=<secret:1> <email:1>");
    assert_eq!(
        redactor.redact("{\"pwd\":\"two\"} password=one"),
        "{\"pwd\":\"<secret:2>\"} password=<secret:1>"
    );
    let found = redactor.found();
    assert_eq!(
        (found.secrets, found.emails),
        (Count { values: 2, places: 3 }, Count { values: 1, places: 1 })
    );
    assert_eq!(found.to_string(), "2 secrets in 3 places, 1 e-mail address in 1 place");
    assert_eq!(Found::default().to_string(), "nothing");
    assert!(!format!("{redactor:?}").contains("one"));
}

#[test]
fn a_key_is_known_again_however_it_is_written() {
    let body = ["MIIEpAIBAAKCAQEA0123456789", "abcdefghijklmnopqrstuvwxyz"];
    let lines = format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n", body[0], body[1]);
    let escaped = lines.replace('\n', "\\n");
    let mut redactor = Redactor::new(Options::default());
    assert_eq!(redactor.redact(&lines), "<secret:1>\n".repeat(4));
    assert_eq!(redactor.redact(&format!("{{\"k\":\"{escaped}\"}}")), "{\"k\":\"<secret:1>\\n\"}");
    assert_eq!(redactor.found().secrets, Count { values: 1, places: 5 });
    assert_eq!(by_lines(&lines, Options::default()), "<secret:1>\n".repeat(4));
    let cut = "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n[percept: 3 lines left out]\nand on.\n";
    assert_eq!(redact(cut), "<secret:1>\n<secret:1>\n[percept: 3 lines left out]\nand on.\n");
}

#[test]
fn addresses_and_users_are_found_if_asked_for() {
    let all = Options { ips: true, users: true };
    for (text, expected) in [
        ("from 192.168.1.20:443 to 10.0.0.1", "from <ip:1>:443 to <ip:2>"),
        ("[2001:db8::1]:80 and fe80::1%eth0", "[<ip:1>]:80 and <ip:2>%eth0"),
        ("127.0.0.1 0.0.0.0 ::1 v1.2.3.4 1.2.3.4.5 12:30:45 std::fs a::b", "="),
        ("user=alice uid=0 user=root", "user=<user:1> uid=0 user=root"),
        (
            "Failed password for invalid user bob from 10.9.8.7",
            "Failed password for invalid user <user:1> from <ip:1>",
        ),
        ("Accepted publickey for carol from ::1", "Accepted publickey for <user:1> from ::1"),
        ("/home/bob/x and /Users/bob", "/home/<user:1>/x and /Users/<user:1>"),
        (r"C:\Users\bob\x C:\\Users\\bob\\y", r"C:\Users\<user:1>\x C:\\Users\\<user:1>\\y"),
        ("session opened for user bob(uid=1000)", "session opened for user <user:1>(uid=1000)"),
    ] {
        let expected = if expected == "=" { text } else { expected };
        assert_eq!(Redactor::new(all).redact(text), expected);
        assert_eq!(redact(text), text);
    }
}

#[test]
fn a_text_with_nothing_in_it_is_not_copied() {
    let text = "2024-05-01 12:00:00 INFO request 42 took 17 ms\n".repeat(10);
    assert!(matches!(Redactor::new(Options::default()).redact(&text), Cow::Borrowed(_)));
}

#[test]
fn long_and_hostile_lines_take_no_longer_than_their_length() {
    let started = std::time::Instant::now();
    for unit in [
        "password=",
        "a@",
        "token: \"",
        "eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "4111 ",
        "://a:",
        "Cookie: a=",
        "\\\"secret\\\":",
        "authorization: ",
        "-----END PRIVATE KEY-----\n",
        "A",
        "::",
        "secret ",
    ] {
        let text = unit.repeat(50_000 / unit.len());
        let lines = text.matches('\n').count();
        let out = redact(&text);
        assert_eq!(out.matches('\n').count(), lines, "{unit}");
        let _ = Redactor::new(Options { ips: true, users: true }).redact(&text);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

/// Words that secrets are made of, to be put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "password",
        "token",
        "api_key",
        "Authorization: Bearer ",
        "Cookie: ",
        "=",
        ": ",
        "\"",
        "'",
        "\\\"",
        ";",
        "@",
        "://",
        "a.b",
        "example.com",
        "<secret:1>",
        "<",
        ">",
        "<email:2>",
        "4111 1111 1111 1111",
        "4111111111111111",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEA",
        "\n",
        "\r\n",
        " ",
        "--",
        "hunter2",
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        "$",
        "{",
        "}",
        "é",
        "\\n",
        "\\",
        "user",
        "/home/bob",
        "10.0.0.1",
        "::1",
        "Set-Cookie",
        "&",
        ",",
        "sig=",
        "curl -u a:",
        "-p",
        "mysql ",
        "pass",
        "secret",
        "[",
        "]",
        "(",
    ];
    let word = prop_oneof![3 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "[a-zA-Z0-9+/=_.:-]{1,24}"];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

/// Secrets with no number, and a sentence around them that says what they are.
fn planted() -> impl Strategy<Value = (String, String)> {
    let random = "[a-z]{2}[0-9]{2}[A-Za-z0-9]{32}";
    let forms = [
        "password={}",
        "{\"password\": \"{}\"}",
        "token: {}",
        "export API_KEY='{}'",
        "Authorization: Bearer {}",
        "--secret {}",
        "postgres://u:{}@h/d",
        "Cookie: sid={}",
        "x ghp_{} y",
        "AccountKey={}==;",
        "https://h/?sig={}&x",
        "<token>{}</token>",
        "sk-{}",
        "client_secret: \"{}\"",
        "a=b&access_token={}&c=d",
        "hooks.slack.com/services/T0/B0/{}",
        "npm_{}",
        "DB_PASS={}",
    ];
    (random, prop::sample::select(forms.to_vec()))
        .prop_map(|(secret, form)| (form.replace("{}", &secret), secret))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_keeps_its_lines_and_settles(text in prop_oneof![any::<String>(), pieces()]) {
        for options in [Options::default(), Options { ips: true, users: true }] {
            let once = Redactor::new(options).redact(&text).into_owned();
            prop_assert_eq!(once.matches('\n').count(), text.matches('\n').count());
            prop_assert_eq!(&Redactor::new(options).redact(&once), &once, "of {:?}", text);
            let streamed = by_lines(&text, options);
            prop_assert_eq!(streamed.matches('\n').count(), text.matches('\n').count());
            prop_assert_eq!(&by_lines(&streamed, options), &streamed, "of {:?}", text);
        }
    }

    #[test]
    fn no_planted_secret_survives(before in "[a-z .\n]{0,40}", (text, secret) in planted(), after in "[a-z .\n]{0,40}") {
        let text = format!("{before}\n{text}\n{after}");
        prop_assert!(!redact(&text).contains(&secret), "{}", redact(&text));
        prop_assert!(!by_lines(&text, Options::default()).contains(&secret));
    }

    #[test]
    fn no_planted_card_survives(digits in "4[0-9]{14}") {
        let sum = |last: u32| digits.bytes().map(|b| u32::from(b - b'0')).chain([last]).rev().enumerate()
            .map(|(at, digit)| if at % 2 == 1 { digit * 2 % 10 + digit * 2 / 10 } else { digit }).sum::<u32>();
        let last = (0..10).find(|last| sum(*last).is_multiple_of(10)).unwrap();
        let card = format!("{digits}{last}");
        prop_assert_eq!(redact(&format!("paid by {card}, thanks")), "paid by <card:1>, thanks");
        let spaced = format!("{} {} {} {}", &card[..4], &card[4..8], &card[8..12], &card[12..]);
        prop_assert_eq!(redact(&spaced), "<card:1>");
    }
}
