use super::*;

fn reference() -> Reference {
    // 2026-03-01 00:00:00
    Reference::at(1_772_323_200_000)
}

#[test]
fn families_are_told_apart_and_read_to_the_millisecond() {
    for (text, kind, shown, rest) in [
        ("2015-07-29 17:41:44,747 - INFO", StampKind::Iso, "2015-07-29T17:41:44.747Z", " - INFO"),
        ("2024-01-02T03:04:05.678901Z x", StampKind::Iso, "2024-01-02T03:04:05.678Z", " x"),
        ("2024-01-02T03:04:05+02:00 x", StampKind::Iso, "2024-01-02T01:04:05Z", " x"),
        ("2024/01/02 15:04:05 main.go", StampKind::Iso, "2024-01-02T15:04:05Z", " main.go"),
        ("2005-06-03-15.42.50.675872 R02", StampKind::Iso, "2005-06-03T15:42:50.675Z", " R02"),
        ("2016-09-28 04:30:30, Info", StampKind::Iso, "2016-09-28T04:30:30Z", ", Info"),
        ("2024-01-02 03:04:05.1 +0200 x", StampKind::Iso, "2024-01-02T01:04:05.1Z", " x"),
        ("Jun 14 15:16:01 combo", StampKind::Month, "2025-06-14T15:16:01Z", " combo"),
        ("Feb  1 09:00:55 mac", StampKind::Month, "2026-02-01T09:00:55Z", " mac"),
        ("Nov 9 12:01:01 dn228", StampKind::Month, "2025-11-09T12:01:01Z", " dn228"),
        ("Sun Dec 04 04:47:44 2005] x", StampKind::Month, "2005-12-04T04:47:44Z", "] x"),
        ("Sun Dec 04 04:47:44.123456 2005] x", StampKind::Month, "2005-12-04T04:47:44.123Z", "] x"),
        ("Mon May  5 10:00:00 CEST 2014 x", StampKind::Month, "2014-05-05T10:00:00Z", " x"),
        ("Jan 2, 2006 3:04:05 PM org.x", StampKind::Month, "2006-01-02T15:04:05Z", " org.x"),
        ("10/Oct/2000:13:55:36 -0700] x", StampKind::DayMonth, "2000-10-10T20:55:36Z", "] x"),
        ("02-Jan-2024 10:00:00.123 INFO", StampKind::DayMonth, "2024-01-02T10:00:00.123Z", " INFO"),
        ("31.12.2024 10:00:00 x", StampKind::YearLast, "2024-12-31T10:00:00Z", " x"),
        ("12/31/2024 1:00:00 PM x", StampKind::YearLast, "2024-12-31T13:00:00Z", " x"),
        ("17/06/09 20:10:40 INFO", StampKind::ShortYear, "2017-06-09T20:10:40Z", " INFO"),
        ("081109 203615 148 INFO", StampKind::Compact, "2008-11-09T20:36:15Z", " 148 INFO"),
        ("20171223-22:15:29:606|Step", StampKind::Compact, "2017-12-23T22:15:29.606Z", "|Step"),
        ("20240131T100000Z x", StampKind::Compact, "2024-01-31T10:00:00Z", " x"),
        ("03-17 16:13:38.811  1702", StampKind::MonthDay, "2025-03-17T16:13:38.811Z", "  1702"),
        ("10.30 16:49:06] chrome.exe", StampKind::MonthDay, "2025-10-30T16:49:06Z", "] chrome.exe"),
        ("E0102 15:04:05.678901 1 x.go", StampKind::Klog, "2026-01-02T15:04:05.678Z", " 1 x.go"),
        ("1117838570 2005.06.03", StampKind::Epoch, "2005-06-03T22:42:50Z", " 2005.06.03"),
        ("1700000000.123 x", StampKind::Epoch, "2023-11-14T22:13:20.123Z", " x"),
        ("1700000000123 x", StampKind::Epoch, "2023-11-14T22:13:20.123Z", " x"),
        ("[   12.345678] usb", StampKind::Uptime, "1970-01-01T00:00:12.345Z", " usb"),
        ("10:00:00.123 [main]", StampKind::Clock, "1970-01-01T10:00:00.123Z", " [main]"),
    ] {
        let (found, stamp) = find(text.as_bytes(), reference()).unwrap_or_else(|| panic!("{text}"));
        let ms = jiff::Timestamp::from_millisecond(stamp.ms).unwrap().to_string();
        assert_eq!((found, ms.as_str(), &text[stamp.len..]), (kind, shown, rest), "{text}");
    }
}

#[test]
fn what_only_looks_like_a_timestamp_is_none() {
    for text in [
        "",
        "1234567",
        "2015-13-29 17:41:44",
        "2015-07-29 27:41:44",
        "2023-02-29 10:00:00",
        "2024-02-30 10:00:00",
        "2024-04-31 10:00:00",
        "2024-04-00 10:00:00",
        "Feb 30 10:00:00",
        "31/Jun/2024:10:00:00",
        "12345678901234567890",
        "Jungle 14 15:16:01",
        "[12]",
        "[1.5] x",
        "v1.2.3",
        "10:00",
        "081109 2036",
        "0000000001 x",
        "192.168.0.1:80",
        "May the force",
    ] {
        assert_eq!(find(text.as_bytes(), reference()), None, "{text}");
    }
}

#[test]
fn a_year_that_is_missing_is_the_one_that_is_not_in_the_future() {
    let year = |text: &str| {
        let ms = find(text.as_bytes(), reference()).unwrap().1.ms;
        jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned_datetime(jiff::tz::TimeZone::UTC).year()
    };
    assert_eq!(year("Mar  1 10:00:00 a"), 2026, "a day ahead is another clock");
    assert_eq!(year("Mar  3 10:00:00 a"), 2025);
    assert_eq!(year("Feb 29 10:00:00 a"), 2024, "the last year that has the day");
    assert_eq!(year("Dec 31 23:59:59 a"), 2025);
}

#[test]
fn days_agree_with_a_calendar() {
    for days in (-1000..60_000).step_by(37) {
        let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(days));
        assert_eq!(days_from_civil(date.year().into(), date.month().into(), date.day().into()), days);
        assert_eq!(year_of(days * DAY_MS), i64::from(date.year()));
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
        let _ = find(&bytes, reference());
    }

    #[test]
    fn no_near_miss_panics(text in "[A-Z0-9:., /T+Z\\[-]{0,40}") {
        if let Some((_, stamp)) = find(text.as_bytes(), reference()) {
            proptest::prop_assert!(stamp.len <= text.len());
        }
    }
}
