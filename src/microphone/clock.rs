//! Which sample of a device belongs to a moment. Samples come in bursts and late, by the
//! device's buffers and by whatever else the machine does; they never come early. So of the
//! last seconds the arrival that was least late says when sample 0 was.
//!
//! Two spans of [`SPAN`] are looked at in turn, so that a device whose clock runs a little
//! slower or faster, or that dropped samples, is followed.

use std::time::{Duration, Instant};

/// After so long an arrival counts no more at the latest two spans later.
const SPAN: Duration = Duration::from_secs(2);

/// Tells positions, in samples since the beginning, from moments.
#[derive(Debug)]
pub(super) struct Clock {
    rate: f64,
    began: Instant,
    /// The least of arrival less position, in seconds, of this span and of the one before it.
    this: Option<f64>,
    last: Option<f64>,
    /// When this span began, in seconds.
    span: f64,
}

impl Clock {
    /// A clock of a device with `rate` frames a second.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        Self { rate: f64::from(rate), began: now, this: None, last: None, span: 0.0 }
    }

    /// `frames` have come since the beginning, the last of them by `now`.
    pub(super) fn heard(&mut self, frames: u64, now: Instant) {
        let now = self.seconds(now);
        if now - self.span > SPAN.as_secs_f64() {
            (self.last, self.this, self.span) = (self.this, None, now);
        }
        #[expect(clippy::cast_precision_loss, reason = "frames of a day fit in 2^53 many times")]
        let offset = now - frames as f64 / self.rate;
        self.this = Some(self.this.map_or(offset, |least| least.min(offset)));
    }

    /// The position of a moment, in seconds since the beginning; `None` before anything came.
    pub(super) fn position(&self, moment: Instant) -> Option<f64> {
        let least = match (self.this, self.last) {
            (Some(this), Some(last)) => this.min(last),
            (this, last) => this.or(last)?,
        };
        Some((self.seconds(moment) - least).max(0.0))
    }

    fn seconds(&self, moment: Instant) -> f64 {
        moment.saturating_duration_since(self.began).as_secs_f64()
    }
}
