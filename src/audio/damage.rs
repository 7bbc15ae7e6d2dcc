//! What is wrong with a recording, in sentences that stay few however much is wrong.

use crate::text::clock;

/// Damage closer together than so much is one stretch: one lost packet seldom comes alone.
const CLOSE_MS: u64 = 1000;

/// Stretches that are told one by one; of more only the number and the length are told.
const MOST_TOLD: usize = 4;

/// Stretches of a recording that can't be heard, and how it ends.
#[derive(Debug, Default)]
pub(super) struct Damage {
    told: Vec<Stretch>,
    /// Those that are not told: how many, how long together.
    untold: (u64, u64),
    /// Sentences about the whole.
    whole: Vec<String>,
}

#[derive(Debug)]
struct Stretch {
    start_ms: u64,
    lost_ms: u64,
    end_ms: u64,
}

impl Damage {
    /// Notes that so much can't be heard. Calls come in the order of time.
    pub(super) fn stretch(&mut self, start_ms: u64, lost_ms: u64) {
        let end_ms = start_ms.saturating_add(lost_ms);
        let full = self.told.len() == MOST_TOLD;
        let (count, untold_ms) = self.untold;
        match self.told.last_mut() {
            Some(last) if count == 0 && start_ms <= last.end_ms.saturating_add(CLOSE_MS) => {
                last.lost_ms = last.lost_ms.saturating_add(lost_ms);
                last.end_ms = last.end_ms.max(end_ms);
            }
            _ if full => self.untold = (count + 1, untold_ms.saturating_add(lost_ms)),
            _ => self.told.push(Stretch { start_ms, lost_ms, end_ms }),
        }
    }

    /// Notes what concerns the recording as a whole.
    pub(super) fn whole(&mut self, sentence: String) {
        if !self.whole.contains(&sentence) {
            self.whole.push(sentence);
        }
    }

    /// All of it, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let told = self.told.iter().map(|stretch| {
            format!("{}: {} can't be heard.", clock(stretch.start_ms), seconds(stretch.lost_ms))
        });
        let (count, lost_ms) = self.untold;
        let untold = (count > 0).then(|| {
            let places = crate::text::counted(count, "more place", "more places");
            format!("At {places} {} can't be heard.", seconds(lost_ms))
        });
        told.chain(untold).chain(self.whole.iter().cloned()).collect()
    }
}

/// `1.2 s`; never nothing.
fn seconds(ms: u64) -> String {
    match ms {
        0..100 => "less than 0.1 s".to_owned(),
        _ => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_close_together_is_one_stretch_and_many_are_counted() {
        let mut damage = Damage::default();
        damage.stretch(31_000, 600);
        damage.stretch(31_700, 600);
        assert_eq!(damage.notes(), ["0:31: 1.2 s can't be heard."]);
        for minute in 1..8 {
            damage.stretch(minute * 60_000, 20);
        }
        damage.whole("It is cut off.".to_owned());
        damage.whole("It is cut off.".to_owned());
        let notes = damage.notes();
        assert_eq!(notes.len(), MOST_TOLD + 2);
        assert_eq!(notes[MOST_TOLD], "At 4 more places less than 0.1 s can't be heard.");
        assert_eq!(notes[MOST_TOLD + 1], "It is cut off.");
    }
}
