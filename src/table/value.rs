//! What a value looks like, and what a column of such values is.
//!
//! Nothing is guessed: what does not come back as it was written stays text. `00123` is no
//! number, `1,5` and `$12` are none, and neither is an integer that 64 bits don't hold.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers of 64 bits.
    Integer,
    /// Numbers with a point or an exponent.
    Real,
    /// `true` and `false`, in any case; they stay as they are written.
    Boolean,
    /// `2026-03-01`.
    Date,
    /// `2026-03-01 14:05:09`, also with `T`, fractions of a second and an offset.
    DateTime,
    /// Objects and arrays.
    Json,
    /// Anything.
    Text,
}

/// What stands for "there is none" in a column of numbers or dates.
const MISSING: [&str; 9] = ["NA", "N/A", "n/a", "null", "NULL", "None", "NaN", "-", "\\N"];

/// The most digits of a real number: more are lost in 64 bits.
const MOST_DIGITS: usize = 17;

/// The most digits of an integer among real numbers that is still exact.
const MOST_EXACT: usize = 15;

impl Kind {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Json => "JSON",
            Self::Text => "text",
        }
    }

    /// The type of the column in SQLite.
    pub(super) fn affinity(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Boolean | Self::Date | Self::DateTime | Self::Json | Self::Text => "TEXT",
        }
    }

    /// Whether its values are compared as numbers.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Real)
    }
}

/// What one value looks like; white space around a number is no matter.
pub(super) fn kind_of(value: &str) -> Kind {
    let value = value.trim();
    match value.as_bytes() {
        [b'0'..=b'9' | b'-', ..] => match () {
            () if is_integer(value) => Kind::Integer,
            () if is_real(value) => Kind::Real,
            () => date(value).unwrap_or(Kind::Text),
        },
        [b't' | b'T' | b'f' | b'F', ..] if is_boolean(value) => Kind::Boolean,
        [b'{', .., b'}'] | [b'[', .., b']'] if is_json(value) => Kind::Json,
        _ => Kind::Text,
    }
}

/// Whether it says that there is no value.
pub(super) fn is_missing(value: &str) -> bool {
    MISSING.contains(&value.trim())
}

fn is_boolean(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

fn is_json(value: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok()
}

/// Digits without a leading zero, behind a minus at most.
fn is_plain(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.iter().all(u8::is_ascii_digit) && matches!(bytes, [b'0'] | [b'1'..=b'9', ..])
}

fn is_integer(value: &str) -> bool {
    value != "-0" && is_plain(value.strip_prefix('-').unwrap_or(value)) && value.parse::<i64>().is_ok()
}

fn is_real(value: &str) -> bool {
    let unsigned = value.strip_prefix('-').unwrap_or(value);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let has = fraction.is_some() || exponent.is_some();
    let of = |part: Option<&str>, signed: bool| {
        part.is_none_or(|part| digits(if signed { part.trim_start_matches(['+', '-']) } else { part }))
    };
    has && is_plain(whole)
        && of(fraction, false)
        && of(exponent, true)
        && whole.len() + fraction.map_or(0, str::len) <= MOST_DIGITS
        && value.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `2026-03-01`, with a time behind it or not.
fn date(value: &str) -> Option<Kind> {
    let (day, rest) = (value.get(..10)?, value.get(10..)?);
    let bytes = day.as_bytes();
    let number = |range: std::ops::Range<usize>| day.get(range)?.parse::<u32>().ok();
    let digits = bytes.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !digits || !(1..=12).contains(&number(5..7)?) || !(1..=31).contains(&number(8..10)?) {
        return None;
    }
    match rest.strip_prefix(['T', ' ']) {
        None => rest.is_empty().then_some(Kind::Date),
        Some(time) => is_time(time).then_some(Kind::DateTime),
    }
}

/// `31/12/2026`, `1.2.26`, also with a time behind it: the year is the last, and the other two
/// can't be told apart for certain.
pub(super) fn is_other_date(value: &str) -> bool {
    let day = value.trim().split([' ', 'T']).next().unwrap_or_default();
    ['/', '.', '-'].iter().any(|separator| {
        let parts: Vec<&str> = day.split(*separator).collect();
        let digits = |part: &&&str| part.bytes().all(|byte| byte.is_ascii_digit());
        matches!(parts.as_slice(), [a, b, year]
            if matches!((a.len(), b.len(), year.len()), (1..=2, 1..=2, 2 | 4)))
            && parts.iter().filter(digits).count() == 3
    })
}

/// `14:05`, `14:05:09`, `14:05:09.123`, and an offset: `Z`, `+02:00`, `+0200`.
fn is_time(time: &str) -> bool {
    let (clock, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => (time[..at].trim_end(), &time[at..]),
        None => (time, ""),
    };
    let two = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let hours = parts.next().is_some_and(two) && parts.next().is_some_and(two);
    let seconds = parts.next().is_none_or(two) && parts.next().is_none();
    let fraction = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let offset = match offset.strip_prefix(['+', '-']) {
        Some(offset) => {
            let digits = offset.replace(':', "");
            matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => matches!(offset, "" | "Z"),
    };
    hours && seconds && fraction && offset
}

/// How many values of a column look like what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    integers: u64,
    reals: u64,
    booleans: u64,
    dates: u64,
    date_times: u64,
    json: u64,
    texts: u64,
    /// Of the texts, those that say that there is no value.
    pub(super) missing: u64,
    /// An integer that a real number of 64 bits would not keep.
    wide: bool,
}

impl Tally {
    /// Counts a value; what it looks like.
    pub(super) fn add(&mut self, value: &str) -> Kind {
        let kind = kind_of(value);
        match kind {
            Kind::Integer => {
                self.integers += 1;
                self.wide |= value.trim().trim_start_matches('-').len() > MOST_EXACT;
            }
            Kind::Real => self.reals += 1,
            Kind::Boolean => self.booleans += 1,
            Kind::Date => self.dates += 1,
            Kind::DateTime => self.date_times += 1,
            Kind::Json => self.json += 1,
            Kind::Text => {
                self.texts += 1;
                self.missing += u64::from(is_missing(value));
            }
        }
        kind
    }

    /// How many values there are.
    fn all(&self) -> u64 {
        self.integers + self.reals + self.booleans + self.dates + self.date_times + self.json + self.texts
    }

    /// How many are numbers.
    pub(super) fn numbers(&self) -> u64 {
        self.integers + self.reals
    }

    /// What the column is: one kind for all of its values, but for those that are missing.
    pub(super) fn kind(&self) -> Kind {
        let all = self.all() - self.missing;
        match () {
            () if all == 0 => Kind::Text,
            () if self.integers == all => Kind::Integer,
            () if self.numbers() == all && !self.wide => Kind::Real,
            () if self.booleans == all => Kind::Boolean,
            () if self.dates == all => Kind::Date,
            () if self.dates + self.date_times == all => Kind::DateTime,
            () if self.json == all => Kind::Json,
            () => Kind::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_come_back_as_it_was_written_stays_text() {
        for (kind, values) in [
            (Kind::Integer, &["0", "-7", "9223372036854775807", " 12 "][..]),
            (Kind::Real, &["0.5", "-12.50", "1e5", "6.02E+23", "12.345678901234567"]),
            (Kind::Boolean, &["true", "FALSE", "True"]),
            (Kind::Date, &["2026-03-01", "0001-12-31"]),
            (
                Kind::DateTime,
                &["2026-03-01 14:05", "2026-03-01T14:05:09Z", "2026-03-01 14:05:09.123456 +02:00"],
            ),
            (Kind::Json, &["{\"a\": 1}", "[]"]),
            (
                Kind::Text,
                &[
                    "00123",
                    "-0",
                    "9223372036854775808",
                    "1,5",
                    "$12",
                    "12 %",
                    "+5",
                    ".5",
                    "5.",
                    "1e999",
                    "1e",
                    "0x10",
                    "2026-13-01",
                    "2026-3-1",
                    "01/02/2026",
                    "{a}",
                    "truely",
                    "",
                    "--1",
                    "2026-03-01 14",
                    "é026-03-01",
                    "0.123456789012345678",
                ],
            ),
        ] {
            for value in values {
                assert_eq!(kind_of(value), kind, "{value}");
            }
        }
    }

    #[test]
    fn days_that_are_not_written_year_first_are_known() {
        for value in ["31/12/2026", "1.2.26", "12-31-2026 10:00"] {
            assert!(is_other_date(value), "{value}");
        }
        for value in ["2026-12-31", "1.2.3.4", "1/2", "12.50", "a/b/2026", "", "//"] {
            assert!(!is_other_date(value), "{value}");
        }
    }

    #[test]
    fn a_column_is_of_one_kind() {
        let column = |values: &[&str]| {
            let mut tally = Tally::default();
            for value in values {
                tally.add(value);
            }
            tally.kind()
        };
        assert_eq!(column(&["1", "2", "N/A"]), Kind::Integer);
        assert_eq!(column(&["1", "2.5"]), Kind::Real);
        assert_eq!(column(&["1", "00123"]), Kind::Text);
        assert_eq!(column(&["1234567890123456", "2.5"]), Kind::Text);
        assert_eq!(column(&["2026-03-01", "2026-03-01 14:05"]), Kind::DateTime);
        assert_eq!(column(&["N/A"]), Kind::Text);
        assert_eq!(column(&["1", "true"]), Kind::Text);
        assert_eq!(column(&[]), Kind::Text);
    }
}
