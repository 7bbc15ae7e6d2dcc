//! Timestamps: the families that programs write, read without allocation.
//!
//! What a timestamp doesn't say (year, zone) is inferred from a [`Reference`] and said by
//! who shows it; nothing is guessed here twice.

mod cursor;

use cursor::Cursor;
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
mod tests;
