//! How loud it is.

use std::time::Duration;

/// The loudest of so much counts: a meter that follows speech.
pub(super) const WINDOW: Duration = Duration::from_millis(50);

/// Full scale is 0 dBFS; what lies this much below it is the meter's foot.
const FOOT: f32 = -60.0;

/// The peak of samples in dBFS: 0 at full scale, minus infinity for nothing at all.
pub(super) fn dbfs(samples: &[f32]) -> f32 {
    20.0 * samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs())).log10()
}

/// A level in dBFS on a meter of 0 to 1.
pub(super) fn meter(dbfs: f32) -> f32 {
    (1.0 - dbfs / FOOT).clamp(0.0, 1.0)
}

/// What a level sounds like, for a person who looks for a fault.
pub(super) fn words(dbfs: f32) -> &'static str {
    match dbfs {
        level if level == f32::NEG_INFINITY => "silence: is it muted?",
        level if level < -75.0 => "next to silence: is it muted, or turned down?",
        level if level < -30.0 => "a quiet room",
        level if level < -1.0 => "it hears something",
        _ => "too loud: turn it down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_goes_from_the_foot_to_full_scale() {
        assert_eq!(meter(dbfs(&[])), 0.0);
        assert_eq!(meter(dbfs(&[0.0, 0.0])), 0.0);
        assert_eq!(meter(dbfs(&[0.1, -1.0])), 1.0);
        assert!((meter(dbfs(&[0.031_62])) - 0.5).abs() < 0.001);
    }

    #[test]
    fn a_level_is_said_in_words() {
        assert_eq!(words(dbfs(&[0.0])), "silence: is it muted?");
        assert_eq!(words(dbfs(&[0.02])), "a quiet room");
        assert_eq!(words(dbfs(&[0.3])), "it hears something");
        assert_eq!(words(dbfs(&[1.0])), "too loud: turn it down");
    }
}
