//! Times that a person or a model names: absolute, of a day, or before the log's end.

use super::model::LogDigest;
use super::stamp::{Reference, find};

/// What is accepted, for messages.
const FORMS: &str = "2024-01-31 02:14, 2024-01-31, 02:14:05 (on the log's last day), or 90s, 15m, 2h, 3d \
                     before the log's end";

/// The longest length of time: a hundred years.
const LONGEST_MS: i64 = 36_525 * DAY_MS;

const DAY_MS: i64 = 86_400_000;

/// Reads a length of time: `90s`, `15m`, `2h`, `3d`; milliseconds.
pub fn length(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.len() - text.chars().next_back()?.len_utf8());
    let unit = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let length = number.trim().parse::<i64>().ok().filter(|&number| number > 0)?.checked_mul(unit)?;
    (length <= LONGEST_MS).then_some(length)
}

/// Reads a moment of a log: its first and its last millisecond, since a day, a minute and a
/// second are meant whole.
///
/// # Errors
///
/// A sentence that names the accepted forms, or says that the log has no times.
pub fn moment(digest: &LogDigest, text: &str) -> Result<(i64, i64), String> {
    let text = text.trim();
    let Some((_, end)) = digest.span else {
        return Err("This log has no times that are known: leave the time out.".to_owned());
    };
    if let Some(before) = length(text.trim_start_matches('-')) {
        let ms = end.saturating_sub(before);
        return Ok((ms, ms));
    }
    let reference = Reference::at(end);
    let colons = text.matches(':').count();
    let (full, unit) = match (text.len(), colons) {
        // A date alone is all of it; seconds may be left out.
        (10, 0) => (format!("{text} 00:00:00"), DAY_MS),
        (5 | 16, 1) => (format!("{text}:00"), 60_000),
        _ => (text.to_owned(), 1000),
    };
    let Some((kind, stamp)) = find(full.as_bytes(), reference).filter(|(_, stamp)| stamp.len == full.len())
    else {
        return Err(format!("`{text}` is no time that is known here. Write {FORMS}."));
    };
    let ms = match kind.is_dated() || !digest.dated {
        true => stamp.ms,
        false => end.div_euclid(DAY_MS) * DAY_MS + stamp.ms,
    };
    // Milliseconds that were written are meant exactly.
    let unit = if ms % 1000 == 0 { unit } else { 1 };
    Ok((ms, ms + unit - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_absolute_of_a_day_or_before_the_end() {
        let end = 1_704_164_640_000; // 2024-01-02 03:04:00
        let digest = LogDigest { span: Some((0, end)), dated: true, ..LogDigest::default() };
        for (text, ms, unit) in [
            ("2024-01-02", 1_704_153_600_000, 86_400_000),
            ("2024-01-02 03:04", end, 60_000),
            ("2024-01-02T03:04:00Z", end, 1000),
            ("2024-01-02 03:04:00.250", end + 250, 1),
            ("02:14", 1_704_153_600_000 + 134 * 60_000, 60_000),
            ("02:14:05", 1_704_153_600_000 + 134 * 60_000 + 5_000, 1000),
            ("15m", end - 900_000, 1),
            ("-2h", end - 7_200_000, 1),
            ("Jan  2 03:04:00", end, 1000),
        ] {
            assert_eq!(moment(&digest, text), Ok((ms, ms + unit - 1)), "{text}");
        }
        for text in
            ["", "yesterday", "25:00", "m", "99999999999999999d", "36526d", "é", "2024-01-02 03:04 or so"]
        {
            assert!(moment(&digest, text).is_err(), "{text}");
        }
        let error = moment(&LogDigest::default(), "02:14").unwrap_err();
        assert!(error.contains("no times"));
    }
}
