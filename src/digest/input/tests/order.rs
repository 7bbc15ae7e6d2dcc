//! Names of rotated logs, apart and in order.

use std::cmp::Reverse;

use super::super::order::{Age, Rotated, Step, natural, rotated};
use super::super::{names, order};

fn dated(numbers: &[u64]) -> Age {
    Age::Dated(numbers.to_vec())
}

fn numbered(number: u64) -> Age {
    Age::Numbered(Reverse(number))
}

#[test]
fn a_name_is_taken_apart() {
    let table: Vec<(&str, &str, Age)> = vec![
        ("app.log", "app.log", Age::Current),
        ("app.log.gz", "app.log", Age::Current),
        ("app.log.1", "app.log", numbered(1)),
        ("app.log.2.gz", "app.log", numbered(2)),
        ("app.log.10.GZ", "app.log", numbered(10)),
        ("app.log.007.zst", "app.log", numbered(7)),
        ("app.1.log", "app.log", numbered(1)),
        ("app.12.log.xz", "app.log", numbered(12)),
        ("syslog", "syslog", Age::Current),
        ("syslog.3.bz2", "syslog", numbered(3)),
        ("error_log.4", "error_log", numbered(4)),
        ("Xorg.0.log", "Xorg.log", numbered(0)),
        ("app.log.1.tar.gz", "app.log", numbered(1)),
        ("logs-20240131.tgz", "logs", dated(&[2024, 1, 31])),
        ("app-20240131.log", "app.log", dated(&[2024, 1, 31])),
        ("app.log-20240131", "app.log", dated(&[2024, 1, 31])),
        ("app.log-20240131.gz", "app.log", dated(&[2024, 1, 31])),
        ("app.log.20240131", "app.log", dated(&[2024, 1, 31])),
        ("app20240131.log", "app.log", dated(&[2024, 1, 31])),
        ("app.log.2024-01-31", "app.log", dated(&[2024, 1, 31])),
        ("app.log.2024-01-31-10", "app.log", dated(&[2024, 1, 31, 10])),
        ("app.log.2024-01-31.1", "app.log", dated(&[2024, 1, 31, 1])),
        ("app.2024-01-31.log", "app.log", dated(&[2024, 1, 31])),
        ("app-2024-01-31-1.log.gz", "app.log", dated(&[2024, 1, 31, 1])),
        ("app_2024-01-31T10-00.log", "app.log", dated(&[2024, 1, 31, 10, 0])),
        ("app-2024-01-31T10-00-00.000.log", "app.log", dated(&[2024, 1, 31, 10, 0, 0, 0])),
        ("app-20240131T101112Z.log", "app.log", dated(&[2024, 1, 31, 101_112])),
        ("app-20240131-101112.log", "app.log", dated(&[2024, 1, 31, 101_112])),
        ("app-2024013110.log", "app.log", dated(&[2024, 1, 31, 10])),
        ("app-20240131101112.log", "app.log", dated(&[2024, 1, 31, 10, 11, 12])),
        ("app-out__2024-01-31_00-00-00.log", "app-out.log", dated(&[2024, 1, 31, 0, 0, 0])),
        ("app-2024-01.log", "app.log", dated(&[2024, 1])),
        ("app-202401.log", "app.log", dated(&[2024, 1])),
        ("app.log-1706695200", "app.log", dated(&[2024, 1, 31, 10, 0, 0, 0])),
        ("app.log-1706695200123", "app.log", dated(&[2024, 1, 31, 10, 0, 0, 123])),
        ("localhost_access_log.2024-01-31.txt", "localhost_access_log.txt", dated(&[2024, 1, 31])),
        ("2024-01-31.log", "log", dated(&[2024, 1, 31])),
        ("2024_01_31.request.log", "request.log", dated(&[2024, 1, 31])),
        ("20240131-app.log", "app.log", dated(&[2024, 1, 31])),
        ("app.2024-01-31.json.log", "app.json.log", dated(&[2024, 1, 31])),
        ("0.log.20240131-101010", "0.log", dated(&[2024, 1, 31, 101_010])),
        ("0.log.20240131-101010.gz", "0.log", dated(&[2024, 1, 31, 101_010])),
        ("abc-json.log.1", "abc-json.log", numbered(1)),
        // Numbers that are part of the name.
        ("0.log", "0.log", Age::Current),
        ("worker-1.log", "worker-1.log", Age::Current),
        ("python3.11.log", "python3.11.log", Age::Current),
        ("10.0.0.1", "10.0.0.1", Age::Current),
        ("10.0.0.1.log", "10.0.0.1.log", Age::Current),
        ("app-20241331.log", "app-20241331.log", Age::Current),
        ("app-99999999.log", "app-99999999.log", Age::Current),
        ("build.12345678.log", "build.12345678.log", Age::Current),
        ("1", "1", Age::Current),
        ("", "", Age::Current),
        (".gz", ".gz", Age::Current),
        ("лог.1", "лог", numbered(1)),
        ("лог-2024-01-31.журнал", "лог-2024-01-31.журнал", Age::Current),
    ];
    assert!(table.len() >= 40);
    for (name, base, age) in table {
        let expected = Rotated { base: base.to_owned(), age, later: true };
        assert_eq!(rotated(name), expected, "{name}");
    }
}

#[test]
fn the_one_before_is_marked() {
    for name in ["app.log.old", "app.log.bak", "app.log~", "app.log.prev.gz", "app.log.1.old"] {
        assert!(!rotated(name).later, "{name}");
        assert_eq!(rotated(name).base, "app.log", "{name}");
    }
    assert!(rotated(".old").later);
}

fn ordered(names: &[&str]) -> Vec<String> {
    let mut steps: Vec<_> = names.iter().rev().map(|name| (Step::new(name), (*name).to_owned())).collect();
    steps.sort();
    steps.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn pieces_are_in_order_oldest_first() {
    let orders: [&[&str]; 9] = [
        &["app.log.2.gz", "app.log.1", "app.log"],
        &["app.log.10", "app.log.9", "app.log.1", "app.log.0", "app.log"],
        &["app.3.log", "app.2.log", "app.1.log", "app.log"],
        &["app-20231231.log", "app-20240101.log", "app.log"],
        &["app.log.2024-01-30.gz", "app.log.2024-01-31", "app.log"],
        &["app-2024-01-31-1.log.gz", "app-2024-01-31-2.log", "app-2024-01-31-10.log", "app-2024-02-01-1.log"],
        &["app.log.2", "app.log.1", "app.log.old", "app.log"],
        &["Xorg.0.log.old", "Xorg.0.log", "Xorg.log"],
        &["a/app.log.1", "a/app.log", "a/web.log.1", "a/web.log", "b/app.log.1", "b/app.log"],
    ];
    for order in orders {
        assert_eq!(ordered(order), order);
    }
}

#[test]
fn numbers_in_names_go_by_value() {
    assert_eq!(
        ordered(&["worker-2.log", "worker-9.log", "worker-10.log"]),
        ["worker-2.log", "worker-9.log", "worker-10.log"]
    );
    assert_eq!(
        ordered(&["0.log.20240131-101010", "0.log", "1.log", "10.log"]),
        ["0.log.20240131-101010", "0.log", "1.log", "10.log"]
    );
    assert!(natural("a07", "a7").is_lt(), "the same value is told apart by the text");
    assert!(natural("a", "ab").is_lt());
}

#[test]
fn a_twin_is_the_same_piece_packed_otherwise() {
    let is_twin = |a, b| Step::new(a).is_twin(&Step::new(b));
    assert!(is_twin("l/app.log.1", "l/app.log.1.gz"));
    assert!(!is_twin("l/app.log.1", "l/app.log.2.gz"));
    assert!(!is_twin("l/app.log.1", "k/app.log.1.gz"));
    assert_eq!(ordered(&["app.log.1.gz", "app.log.1"]), ["app.log.1.gz", "app.log.1"]);
}

#[test]
fn containers_get_short_names() {
    let short = |path: &str| names::short(std::path::Path::new(path));
    let uid = "0b6f4a1e-1111-2222-3333-444455556666";
    assert_eq!(
        short(&format!("/var/log/pods/shop_web-1_{uid}/nginx/0.log")).as_deref(),
        Some("shop/web-1/nginx/0.log")
    );
    let rotated = format!("/var/log/pods/shop_web-1_{uid}/nginx/0.log.20240131-101010.gz");
    assert_eq!(short(&rotated).as_deref(), Some("shop/web-1/nginx/0.log.20240131-101010.gz"));
    let id = "0123456789abcdef".repeat(4);
    let docker = format!("/var/lib/docker/containers/{id}/{id}-json.log.1");
    assert_eq!(short(&docker).as_deref(), Some("0123456789ab-json.log.1"));
    assert_eq!(short(&format!("/x/{id}0-json.log")), None, "65 digits are something else");
    assert_eq!(short("/var/log/pods/a_b_c/d/0.log"), None);
    assert_eq!(short("/var/log/syslog"), None);
}

proptest::proptest! {
    #[test]
    fn any_name_is_taken_apart(name in "\\PC{0,30}", dated in "app[-._]?[0-9]{0,14}[-._T:]?[0-9]{0,20}(\\.log)?(\\.gz)?") {
        order::rotated(&name);
        order::rotated(&dated);
    }

    #[test]
    fn the_order_is_one(mut names in proptest::collection::vec("[ab01]{0,3}[.-]?[019]{0,3}(\\.log)?", 0..12)) {
        // A sort panics if it finds that an order is none.
        names.sort_by(|a, b| Step::new(a).cmp(&Step::new(b)));
    }
}
