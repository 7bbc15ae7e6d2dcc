//! Reads the families of timestamps, byte by byte and without allocation.

use super::{Parts, Stamp, YEARS, year_of};

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl Cursor<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
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

    /// `3:04:05 PM`: an hour of one digit or two.
    fn with_short_hour(&mut self, year: i64, month: i64, day: i64) -> Option<Parts> {
        let hour = self.digits(2).or_else(|| self.digits(1))?;
        self.skip(b':')?;
        let minute = self.digits(2)?;
        self.skip(b':')?;
        let ms = self.seconds(hour, minute)?;
        let ms = self.half_day(ms);
        Some(Parts { year: Some(year), day: Some((month, day)), ms, offset_minutes: None })
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

    pub(super) fn iso(&mut self) -> Option<Parts> {
        let year = self.digits(4)?;
        let between = self.one_of(b"-/.")?;
        let month = self.digits(2)?;
        self.skip(between)?;
        let day = self.digits(2)?;
        self.one_of(b" T_-")?;
        let _ = self.skip(b' ');
        self.with(Some(year), month, day)
    }

    pub(super) fn month(&mut self) -> Option<Parts> {
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
            return self.with_short_hour(year, month, day);
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

    pub(super) fn day_month(&mut self) -> Option<Parts> {
        let day = self.digits(2).or_else(|| self.digits(1))?;
        let between = self.one_of(b"/- ")?;
        let month = self.month_name()?;
        self.skip(between)?;
        let year = self.digits(4)?;
        self.one_of(b": ")?;
        self.with(Some(year), month, day)
    }

    pub(super) fn year_last(&mut self) -> Option<Parts> {
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
            return self.with_short_hour(year, month, day);
        }
        self.with(Some(year), month, day)
    }

    pub(super) fn short_year(&mut self) -> Option<Parts> {
        let year = self.digits(2)?;
        self.skip(b'/')?;
        let month = self.digits(2)?;
        self.skip(b'/')?;
        let day = self.digits(2)?;
        self.skip(b' ')?;
        self.with(Some(2000 + year), month, day)
    }

    pub(super) fn compact(&mut self) -> Option<Parts> {
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

    pub(super) fn month_day(&mut self) -> Option<Parts> {
        let month = self.digits(2)?;
        let between = self.one_of(b"-./")?;
        let day = self.digits(2)?;
        let _ = between;
        self.skip(b' ')?;
        self.with(None, month, day)
    }

    pub(super) fn klog(&mut self) -> Option<Parts> {
        self.one_of(b"IWEFD")?;
        let (month, day) = (self.digits(2)?, self.digits(2)?);
        self.skip(b' ')?;
        self.with(None, month, day)
    }

    pub(super) fn clock_alone(&mut self) -> Option<Parts> {
        let ms = self.clock()?;
        Some(Parts { ms, ..Parts::default() })
    }

    pub(super) fn epoch(&mut self) -> Option<Stamp> {
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
    pub(super) fn uptime(&mut self) -> Option<Stamp> {
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
