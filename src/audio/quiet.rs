//! Where a long sound is best cut.

use crate::wire::SAMPLE_RATE;

/// The stretches that are compared: a tenth of a second, in samples.
const STRETCH: usize = SAMPLE_RATE as usize / 10;

/// The middle of the quietest tenth of a second among the last `within` samples, as a place in the
/// sound; its end, where it is too short for one.
pub fn quietest(sound: &[f32], within: usize) -> usize {
    let from = sound.len().saturating_sub(within);
    let energy = |place: &[f32]| place.iter().map(|sample| sample * sample).sum::<f32>();
    let places = sound[from..].chunks_exact(STRETCH).enumerate();
    let quiet = places.min_by(|left, right| energy(left.1).total_cmp(&energy(right.1)));
    quiet.map_or(sound.len(), |(at, _)| from + at * STRETCH + STRETCH / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: usize = 10 * SAMPLE_RATE as usize;

    #[test]
    fn a_long_sound_is_cut_in_its_last_quiet_place() {
        let mut sound = vec![0.5; WITHIN * 2];
        sound[..STRETCH].fill(0.0);
        let hush = WITHIN + 20 * STRETCH;
        sound[hush..hush + STRETCH].fill(0.01);
        assert_eq!(quietest(&sound, WITHIN), hush + STRETCH / 2);
        assert_eq!(quietest(&[0.1; 3], WITHIN), 3);
    }
}
