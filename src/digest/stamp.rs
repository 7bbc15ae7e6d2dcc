//! Timestamps: the families that programs write, read without allocation.
//!
//! What a timestamp doesn't say (year, zone) is inferred from a [`Reference`] and said by
//! who shows it; nothing is guessed here twice.

use serde::{Deserialize, Serialize};

/// How timestamps of a log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StampKind {
    /// `2015-07-29 17:41:44,747`, RFC 3339, `2024/01/02 15:04:05`, `2005-06-03-15.42.50.675872`.
    Iso,
    /// `Jun 14 15:16:01`, `Sun Dec 04 04:47:44 2005`, `Jan 2, 2006 3:04:05 PM`.
    Month,
    /// `10/Oct/2000:13:55:36 -0700`, `02-Jan-2024 10:00:00.123`, `02 Jan 2024 10:00:00`.
    DayMonth,
    /// `31.12.2024 10:00:00`, `12/31/2024 10:00:00 PM`.
    YearLast,
    /// `17/06/09 20:10:40`: year, month, day.
    ShortYear,
    /// `081109 203615`, `20171223-22:15:29:606`, `20240131T100000Z`.
    Compact,
    /// `03-17 16:13:38.811`, `10.30 16:49:06`: month, day.
    MonthDay,
    /// `E0102 15:04:05.678901`: the level's letter, month, day.
    Klog,
    /// Seconds, milli-, micro- or nanoseconds since 1970.
    Epoch,
    /// `[   12.345678]`: seconds since the start.
    Uptime,
    /// `10:00:00.123`: a time of day alone.
    Clock,
}

impl StampKind {
    /// All of them, in the order in which they are tried.
    const ALL: [Self; 11] = [
        Self::Iso,
        Self::Month,
        Self::DayMonth,
        Self::YearLast,
        Self::ShortYear,
        Self::Compact,
        Self::MonthDay,
        Self::Klog,
        Self::Epoch,
        Self::Uptime,
        Self::Clock,
    ];

    /// Whether it names a day.
    pub fn is_dated(self) -> bool {
        !matches!(self, Self::Uptime | Self::Clock)
    }
}

/// What a timestamp that leaves something out is read against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    /// When the log was last written, in milliseconds since the Unix epoch.
    ms: i64,
    year: i64,
}

impl Reference {
    /// A moment.
    pub(super) fn at(ms: i64) -> Self {
        Self { ms, year: year_of(ms) }
    }
}

/// A timestamp that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Milliseconds since the Unix epoch; as if in UTC where no zone is named; since
    /// midnight or the start where no day is.
    pub(super) ms: i64,
    /// How many bytes it took.
    pub(super) len: usize,
    /// Whether it names its zone.
    pub(super) zoned: bool,
    /// Whether it names its year.
    pub(super) yeared: bool,
}

const DAY_MS: i64 = 86_400_000;

/// A log's last line may be a little younger than the file says (another clock).
const AHEAD_MS: i64 = DAY_MS;

/// The most years from one February 29 to the next.
const LEAP_YEARS_APART: i64 = 8;

/// Years that a timestamp may have: what else looks like one is a number.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=2099;

/// Finds which family a text starts with.
pub(super) fn find(text: &[u8], reference: Reference) -> Option<(StampKind, Stamp)> {
    StampKind::ALL.iter().find_map(|&kind| Some((kind, read(kind, text, reference)?)))
}

/// Reads a timestamp of this family at the start of a text.
pub(super) fn read(kind: StampKind, text: &[u8], reference: Reference) -> Option<Stamp> {
    let mut cursor = Cursor { text, at: 0 };
    let parts = match kind {
        StampKind::Iso => cursor.iso(),
        StampKind::Month => cursor.month(),
        StampKind::DayMonth => cursor.day_month(),
        StampKind::YearLast => cursor.year_last(),
        StampKind::ShortYear => cursor.short_year(),
        StampKind::Compact => cursor.compact(),
        StampKind::MonthDay => cursor.month_day(),
        StampKind::Klog => cursor.klog(),
        StampKind::Epoch => return cursor.epoch(),
        StampKind::Uptime => return cursor.uptime(),
        StampKind::Clock => cursor.clock_alone(),
    }?;
    // What goes on like a number or a name was none.
    if cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    parts.resolve(cursor.at, reference)
}

#[derive(Debug, Default, Clone, Copy)]
struct Parts {
    year: Option<i64>,
    /// Month and day, from 1; `None`: a time alone.
    day: Option<(i64, i64)>,
    /// Of the day.
    ms: i64,
    offset_minutes: Option<i64>,
}

impl Parts {
    fn resolve(self, len: usize, reference: Reference) -> Option<Stamp> {
        let zoned = self.offset_minutes.is_some();
        let Some((month, day)) = self.day else {
            return Some(Stamp { ms: self.ms, len, zoned, yeared: false });
        };
        if !(1..=12).contains(&month) || day < 1 {
            return None;
        }
        let has_day = |year: i64| day <= days_of(year, month);
        let at = |year: i64| {
            days_from_civil(year, month, day) * DAY_MS + self.ms - self.offset_minutes.unwrap_or(0) * 60_000
        };
        let ms = match self.year {
            Some(year) if YEARS.contains(&year) && has_day(year) => at(year),
            Some(_) => return None,
            // The last year that has the day and in which it isn't in the future.
            None => {
                let years = (reference.year - LEAP_YEARS_APART..=reference.year).rev();
                let mut known = years.filter(|&year| has_day(year)).map(at);
                known.find(|&ms| ms <= reference.ms + AHEAD_MS)?
            }
        };
        Some(Stamp { ms, len, zoned, yeared: self.year.is_some() })
    }
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar
/// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// How many days a month has.
fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn year_of(ms: i64) -> i64 {
    let days = ms.div_euclid(DAY_MS);
    let guess = 1970 + days.div_euclid(365);
    (guess - 2..=guess + 1).rev().find(|&year| days_from_civil(year, 1, 1) <= days).unwrap_or(1970)
}

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let byte = self.peek()?;
        bytes.contains(&byte).then(|| {
            self.at += 1;
            byte
        })
    }

    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.text.get(self.at..self.at + count)?;
        let mut value = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
        }
        self.at += count;
        Some(value)
    }

    /// One or two digits, perhaps behind a space that pads them.
    fn short(&mut self) -> Option<i64> {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        self.digits(2).or_else(|| self.digits(1))
    }

    fn month_name(&mut self) -> Option<i64> {
        let name = self.text.get(self.at..self.at + 3)?;
        let found = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(*month))?;
        self.at += 3;
        Some(found as i64 + 1)
    }

    /// `15:16:01`, with a fraction in any form; milliseconds of the day.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        let between = self.one_of(b":.")?;
        let minute = self.digits(2)?;
        self.skip(between)?;
        self.seconds(hour, minute)
    }

    fn seconds(&mut self, hour: i64, minute: i64) -> Option<i64> {
        let second = self.digits(2)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        Some(((hour * 60 + minute) * 60 + second) * 1000 + self.fraction())
    }

    /// Digits behind `.`, `,` or `:` as milliseconds; nothing is taken where there are none.
    fn fraction(&mut self) -> i64 {
        let start = self.at;
        if self.one_of(b".,:").is_none() {
            return 0;
        }
        let (mut value, mut count) = (0, 0);
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if count < 3 {
                value = value * 10 + i64::from(digit - b'0');
            }
            count += 1;
            self.at += 1;
        }
        match count {
            0 => {
                self.at = start;
                0
            }
            1 => value * 100,
            2 => value * 10,
            _ => value,
        }
    }

    /// `Z`, `+02:00`, ` -0700`, ` UTC`: minutes east of UTC.
    fn zone(&mut self) -> Option<i64> {
        let start = self.at;
        let zone = self.zone_here();
        if zone.is_none() {
            self.at = start;
        }
        zone
    }

    fn zone_here(&mut self) -> Option<i64> {
        if self.skip(b'Z').is_some() {
            return Some(0);
        }
        let _ = self.skip(b' ');
        for name in [b"UTC", b"GMT"] {
            if self.text[self.at..].starts_with(name) {
                self.at += 3;
                return Some(0);
            }
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2)?;
        let _ = self.skip(b':');
        let minutes = self.digits(2).unwrap_or(0);
        (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }

    fn with(&mut self, year: Option<i64>, month: i64, day: i64) -> Option<Parts> {
        let ms = self.clock()?;
        let ms = self.half_day(ms);
        let offset_minutes = self.zone();
        Some(Parts { year, day: Some((month, day)), ms, offset_minutes })
    }

    /// ` PM` and ` AM`.
    fn half_day(&mut self, ms: i64) -> i64 {
        let half = 12 * 3_600_000;
        let rest = &self.text[self.at..];
        let (pm, am) = (rest.starts_with(b" PM"), rest.starts_with(b" AM"));
        if !pm && !am {
            return ms;
        }
        self.at += 3;
        match (ms >= half, pm) {
            (false, true) => ms + half,
            (true, false) => ms - half,
            _ => ms,
        }
    }

    fn iso(&mut self) -> Option<Parts> {
        let year = self.digits(4)?;
        let between = self.one_of(b"-/.")?;
        let month = self.digits(2)?;
        self.skip(between)?;
        let day = self.digits(2)?;
        self.one_of(b" T_-")?;
        let _ = self.skip(b' ');
        self.with(Some(year), month, day)
    }

    fn month(&mut self) -> Option<Parts> {
        // A day of the week before it says nothing.
        if self.text.get(3) == Some(&b' ') && self.text[..3].iter().all(u8::is_ascii_alphabetic) {
            let here = self.at;
            if self.month_name().is_none() {
                self.at += 4;
            } else {
                self.at = here;
            }
        }
        let month = self.month_name()?;
        self.skip(b' ')?;
        let day = self.short()?;
        let comma = self.skip(b',').is_some();
        self.skip(b' ')?;
        if comma {
            let year = self.digits(4)?;
            self.skip(b' ')?;
            let hour = self.digits(2).or_else(|| self.digits(1))?;
            self.skip(b':')?;
            let minute = self.digits(2)?;
            self.skip(b':')?;
            let ms = self.seconds(hour, minute)?;
            let ms = self.half_day(ms);
            return Some(Parts { year: Some(year), day: Some((month, day)), ms, offset_minutes: None });
        }
        // `Jun 14 2024 15:16:01` (Cisco and others) has its year before the time.
        let before = (self.text.get(self.at + 4) == Some(&b' ')).then(|| self.digits(4)).flatten();
        if before.is_some() {
            self.skip(b' ')?;
        }
        let mut parts = self.with(before, month, day)?;
        if before.is_none() {
            parts.year = self.trailing_year();
        }
        Some(parts)
    }

    /// ` 2005`, also behind a zone's name (` CEST 2005`).
    fn trailing_year(&mut self) -> Option<i64> {
        let start = self.at;
        let year = (|| {
            self.skip(b' ')?;
            if self.peek()?.is_ascii_uppercase() {
                while self.peek()?.is_ascii_uppercase() {
                    self.at += 1;
                }
                self.skip(b' ')?;
            }
            let year = self.digits(4)?;
            let ends = !self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
            (ends && YEARS.contains(&year)).then_some(year)
        })();
        if year.is_none() {
            self.at = start;
        }
        year
    }

    fn day_month(&mut self) -> Option<Parts> {
        let day = self.digits(2).or_else(|| self.digits(1))?;
        let between = self.one_of(b"/- ")?;
        let month = self.month_name()?;
        self.skip(between)?;
        let year = self.digits(4)?;
        self.one_of(b": ")?;
        self.with(Some(year), month, day)
    }

    fn year_last(&mut self) -> Option<Parts> {
        let first = self.digits(2).or_else(|| self.digits(1))?;
        let between = self.one_of(b"./-")?;
        let second = self.digits(2).or_else(|| self.digits(1))?;
        self.skip(between)?;
        let year = self.digits(4)?;
        let _ = self.skip(b',');
        self.one_of(b" T-")?;
        // With dots and dashes the day is first; with slashes the month is, where it can be.
        let day_first = between != b'/' || first > 12;
        let (day, month) = if day_first { (first, second) } else { (second, first) };
        if self.text.get(self.at + 1) == Some(&b':') {
            let hour = self.digits(1)?;
            self.skip(b':')?;
            let minute = self.digits(2)?;
            self.skip(b':')?;
            let ms = self.seconds(hour, minute)?;
            let ms = self.half_day(ms);
            return Some(Parts { year: Some(year), day: Some((month, day)), ms, offset_minutes: None });
        }
        self.with(Some(year), month, day)
    }

    fn short_year(&mut self) -> Option<Parts> {
        let year = self.digits(2)?;
        self.skip(b'/')?;
        let month = self.digits(2)?;
        self.skip(b'/')?;
        let day = self.digits(2)?;
        self.skip(b' ')?;
        self.with(Some(2000 + year), month, day)
    }

    fn compact(&mut self) -> Option<Parts> {
        let run = self.text.iter().take(15).take_while(|byte| byte.is_ascii_digit()).count();
        let year = match run {
            6 => 2000 + self.digits(2)?,
            8 => self.digits(4)?,
            _ => return None,
        };
        let (month, day) = (self.digits(2)?, self.digits(2)?);
        let between = self.one_of(b" T-_")?;
        if run == 8 && self.text.get(self.at + 2) == Some(&b':') {
            return self.with(Some(year), month, day);
        }
        if run == 6 && between != b' ' {
            return None;
        }
        let (hour, minute) = (self.digits(2)?, self.digits(2)?);
        let ms = self.seconds(hour, minute)?;
        Some(Parts { year: Some(year), day: Some((month, day)), ms, offset_minutes: self.zone() })
    }

    fn month_day(&mut self) -> Option<Parts> {
        let month = self.digits(2)?;
        let between = self.one_of(b"-./")?;
        let day = self.digits(2)?;
        let _ = between;
        self.skip(b' ')?;
        self.with(None, month, day)
    }

    fn klog(&mut self) -> Option<Parts> {
        self.one_of(b"IWEFD")?;
        let (month, day) = (self.digits(2)?, self.digits(2)?);
        self.skip(b' ')?;
        self.with(None, month, day)
    }

    fn clock_alone(&mut self) -> Option<Parts> {
        let ms = self.clock()?;
        Some(Parts { ms, ..Parts::default() })
    }

    fn epoch(&mut self) -> Option<Stamp> {
        let run = self.text.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
        let ms = match run {
            10 => self.digits(10)? * 1000 + self.fraction(),
            13 | 16 | 19 => {
                let ms = self.digits(13)?;
                self.at = run;
                ms
            }
            _ => return None,
        };
        let ends = !self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let sane = YEARS.contains(&year_of(ms)) && ms > 1_000_000_000_000 / 2;
        (ends && sane).then_some(Stamp { ms, len: self.at, zoned: true, yeared: true })
    }

    /// Kernel messages: brackets are part of it.
    fn uptime(&mut self) -> Option<Stamp> {
        self.skip(b'[')?;
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        let run = self.text[self.at..].iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
        let seconds = if run > 9 { return None } else { self.digits(run)? };
        (self.peek() == Some(b'.')).then_some(())?;
        let before = self.at;
        let ms = seconds * 1000 + self.fraction();
        let digits = self.at - before;
        self.skip(b']')?;
        (digits >= 4).then_some(Stamp { ms, len: self.at, zoned: false, yeared: false })
    }
}

/// A moment for a person: `2015-07-29 17:41:44`; a time alone where no day is known.
pub fn show(ms: i64, dated: bool) -> String {
    if !dated {
        let seconds = ms.div_euclid(1000);
        return format!("+{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
#[path = "stamp_tests.rs"]
mod tests;
