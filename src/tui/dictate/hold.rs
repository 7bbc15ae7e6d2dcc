//! The key that is tapped to start and stop, or held while one talks.

use std::time::{Duration, Instant};

use crossterm::event::KeyEventKind;

/// A press that is released later than this was a hold: its release stops the recording.
const HELD: Duration = Duration::from_millis(400);

/// Presses that follow each other faster are one key held down in a terminal that reports
/// no releases.
const REPEATED: Duration = Duration::from_millis(150);

/// What is known of the key.
#[derive(Debug, Default)]
pub(super) struct Hold {
    /// When the press came that is not released yet, and whether it started a recording.
    down: Option<(Instant, bool)>,
    last: Option<Instant>,
}

impl Hold {
    /// The key was pressed; `records`: a recording runs. True: it means something.
    pub(super) fn press(&mut self, kind: KeyEventKind, records: bool, at: Instant) -> bool {
        let since = self.last.replace(at).map(|last| at.saturating_duration_since(last));
        if kind != KeyEventKind::Press || since.is_some_and(|since| since < REPEATED) {
            return false;
        }
        self.down = Some((at, !records));
        true
    }

    /// The key came without Ctrl. True: it is held on, and only Ctrl was let go: it types nothing.
    pub(super) fn holds_on(&mut self, kind: KeyEventKind, at: Instant) -> bool {
        let recent = self.last.is_some_and(|last| at.saturating_duration_since(last) < REPEATED);
        let holds_on = self.is_down() && (recent || kind == KeyEventKind::Repeat);
        if holds_on {
            self.last = Some(at);
        }
        holds_on
    }

    /// The key was released. True: it was held, and what it started is to stop.
    pub(super) fn release(&mut self, at: Instant) -> bool {
        self.last = None;
        let held = |(since, started): (Instant, bool)| started && at.saturating_duration_since(since) >= HELD;
        self.down.take().is_some_and(held)
    }

    /// Whether the key is down, as far as the terminal says.
    pub(super) fn is_down(&self) -> bool {
        self.down.is_some()
    }
}

#[cfg(test)]
mod tests {
    use KeyEventKind::{Press, Repeat};

    use super::*;

    #[test]
    fn a_tap_stays_on_and_a_hold_ends_with_its_release() {
        let mut hold = Hold::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(hold.press(Press, false, at(0)) && !hold.release(at(399)));
        // The press that stops is held as long as one likes.
        assert!(hold.press(Press, true, at(2000)) && !hold.release(at(5000)));
        assert!(hold.press(Press, false, at(6000)));
        assert!(!hold.press(Repeat, true, at(6500)) && !hold.press(Repeat, true, at(6530)));
        assert!(hold.is_down() && hold.release(at(7000)) && !hold.release(at(7001)));
        // After a release, a press is one however soon it comes.
        assert!(hold.press(Press, false, at(7010)));
    }

    #[test]
    fn held_on_without_ctrl_it_types_nothing() {
        let mut hold = Hold::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!hold.holds_on(Press, at(0)));
        hold.press(Press, false, at(0));
        assert!((1..20).all(|n| hold.holds_on(Press, at(33 * n))));
        assert!(!hold.holds_on(Press, at(1000)) && hold.holds_on(Repeat, at(1000)));
        hold.release(at(1010));
        assert!(!hold.holds_on(Press, at(1020)) && !hold.holds_on(Repeat, at(1020)));
    }

    #[test]
    fn held_where_no_release_is_reported_it_stops_once_and_does_not_flicker() {
        let mut hold = Hold::default();
        let start = Instant::now();
        let repeats = (0..60).map(|n| 500 + 33 * n);
        let presses: Vec<bool> = [0]
            .into_iter()
            .chain(repeats)
            .map(|ms| hold.press(Press, false, start + Duration::from_millis(ms)))
            .collect();
        assert_eq!(presses.iter().filter(|meant| **meant).count(), 2);
    }
}
