//! Whether the words that a model was unsure of are the wrong ones.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// How many bins of equal width confidences are counted in, as is usual for the error.
const BINS: usize = 10;

/// With fewer words, or fewer wrong ones, a threshold would be an accident of the suite.
const LEAST_WORDS: usize = 50;
const LEAST_WRONG: usize = 5;

/// How confidences and what was right go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The words.
    pub count: u64,
    /// Those that are wrong.
    pub wrong: u64,
    /// The expected calibration error: how far, on average over words, the confidence of a bin is
    /// from its share of right words (C. Guo et al., On calibration of modern neural networks, 2017).
    pub ece: f64,
    /// The probability that a wrong word is less sure than a right one, ties counting half: the area
    /// under the curve of the detector (J. Hanley, B. McNeil, 1982). 0.5 is blind.
    pub auroc: Option<f64>,
    /// Where marking words as unsure finds the wrong ones best.
    pub marks: Option<Marks>,
    /// Ten bins, the least sure first; for display.
    pub bins: Vec<Bin>,
}

/// The words of a range of confidences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// More than this,
    pub above: f64,
    /// and at most this.
    pub to: f64,
    /// The words.
    pub count: u64,
    /// Their mean confidence; 0 of none.
    pub confidence: f64,
    /// The share of right ones; 0 of none.
    pub right: f64,
}

/// How well the wrong words are found by marking those below a confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    /// Words less sure than this are marked.
    pub below: f32,
    /// The share of marked words that are wrong.
    pub precision: f64,
    /// The share of wrong words that are marked.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
}

impl Calibration {
    /// Measures words: how sure (0 to 1), and whether right. `None` without words, and where all are
    /// wholly sure: a server that doesn't say how sure. Confidences that are no numbers are left out.
    pub fn of(words: &[(f32, bool)]) -> Option<Self> {
        let finite = words.iter().filter(|(confidence, _)| confidence.is_finite());
        let mut words: Vec<(f32, bool)> =
            finite.map(|(confidence, right)| (confidence.clamp(0.0, 1.0), *right)).collect();
        if words.iter().all(|(confidence, _)| *confidence == 1.0) {
            return None;
        }
        words.sort_by(|a, b| a.0.total_cmp(&b.0));
        let bins = bins(&words);
        let off = |bin: &Bin| bin.count as f64 * (bin.confidence - bin.right).abs();
        Some(Self {
            count: words.len() as u64,
            wrong: wrong(&words) as u64,
            ece: bins.iter().map(off).sum::<f64>() / words.len() as f64,
            auroc: auroc(&words),
            marks: marks(&words),
            bins,
        })
    }

    /// The confidence below which marking a word as unsure finds the wrong ones best (the best F1,
    /// of equals the lowest). `None` where there are too few words or wrong ones to tell.
    pub fn threshold(&self) -> Option<f32> {
        self.marks.map(|marks| marks.below)
    }
}

fn wrong(words: &[(f32, bool)]) -> usize {
    words.iter().filter(|(_, right)| !right).count()
}

fn bins(words: &[(f32, bool)]) -> Vec<Bin> {
    let edge = |at: usize| at as f64 / BINS as f64;
    let mut bins: Vec<Bin> =
        (0..BINS).map(|at| Bin { above: edge(at), to: edge(at + 1), ..Bin::default() }).collect();
    for (confidence, right) in words {
        // In singles, 0.7 times 10 is 7: what stands on an edge belongs to the bin below.
        let at = (confidence * BINS as f32).ceil() as usize;
        let bin = &mut bins[at.saturating_sub(1).min(BINS - 1)];
        bin.count += 1;
        bin.confidence += f64::from(*confidence);
        bin.right += f64::from(u8::from(*right));
    }
    for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
        bin.confidence /= bin.count as f64;
        bin.right /= bin.count as f64;
    }
    bins
}

/// Of sorted words.
fn auroc(words: &[(f32, bool)]) -> Option<f64> {
    let wrong = wrong(words) as f64;
    let right = words.len() as f64 - wrong;
    if wrong == 0.0 || right == 0.0 {
        return None;
    }
    let mut surer = right;
    let mut pairs = 0.0;
    for tied in words.chunk_by(|a, b| a.0 == b.0) {
        let tied_wrong = tied.iter().filter(|(_, right)| !right).count() as f64;
        let tied_right = tied.len() as f64 - tied_wrong;
        surer -= tied_right;
        pairs += tied_wrong * (surer + tied_right / 2.0);
    }
    Some(pairs / (wrong * right))
}

/// Of sorted words. Each confidence that occurs is tried, and 1.
fn marks(words: &[(f32, bool)]) -> Option<Marks> {
    let wrong = wrong(words);
    if words.len() < LEAST_WORDS || wrong < LEAST_WRONG {
        return None;
    }
    // F1 is 2 · found / (marked + wrong): compared as fractions, ties are exact.
    let mut best: Option<(f32, u128, u128)> = None;
    let (mut marked, mut found) = (0usize, 0usize);
    let mut try_below = |below: f32, marked: usize, found: usize| {
        let (hits, of) = (2 * found as u128, (marked + wrong) as u128);
        let order =
            best.map_or(hits.cmp(&0), |(_, best_hits, best_of)| (hits * best_of).cmp(&(best_hits * of)));
        if order == Ordering::Greater {
            best = Some((below, hits, of));
        }
    };
    for tied in words.chunk_by(|a, b| a.0 == b.0) {
        try_below(tied[0].0, marked, found);
        marked += tied.len();
        found += tied.iter().filter(|(_, right)| !right).count();
    }
    if words.last().is_some_and(|last| last.0 < 1.0) {
        try_below(1.0, marked, found);
    }
    let (below, hits, of) = best?;
    let (found, marked) = (hits as f64 / 2.0, (of - wrong as u128) as f64);
    Some(Marks {
        below,
        precision: found / marked,
        recall: found / wrong as f64,
        f1: hits as f64 / of as f64,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn many(number: usize, confidence: f32, right: bool) -> Vec<(f32, bool)> {
        vec![(confidence, right); number]
    }

    #[test]
    fn the_error_is_the_mean_distance_of_bins() {
        // 10 words of 0.9 of which 8 are right: 0.1 off. 10 of 0.3, 5 right: 0.2 off.
        let words =
            [many(8, 0.9, true), many(2, 0.9, false), many(5, 0.3, true), many(5, 0.3, false)].concat();
        let calibration = Calibration::of(&words).unwrap();
        assert!((calibration.ece - 0.15).abs() < 1e-6, "{}", calibration.ece);
        assert_eq!((calibration.count, calibration.wrong), (20, 7));
        assert_eq!(calibration.bins[8].count, 10);
        assert_eq!(calibration.bins[2].count, 10);
        assert_eq!(calibration.threshold(), None, "too few words");
        assert_eq!(Calibration::of(&[(f32::NAN, true)]), None);
    }

    #[test]
    fn edges_belong_to_the_bin_below() {
        let words: Vec<_> = (0..=10).map(|tenth| (tenth as f32 / 10.0, true)).collect();
        let counts: Vec<u64> = Calibration::of(&words).unwrap().bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_detector_is_blind_perfect_or_the_wrong_way_round() {
        let auroc = |words: &[(f32, bool)]| Calibration::of(words).unwrap().auroc;
        assert_eq!(auroc(&[(0.2, false), (0.9, true)]), Some(1.0));
        assert_eq!(auroc(&[(0.9, false), (0.2, true)]), Some(0.0));
        assert_eq!(auroc(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(auroc(&[(0.2, false), (0.4, true), (0.4, false), (0.9, true)]), Some(0.875));
        assert_eq!(auroc(&[(0.5, true)]), None);
    }

    #[test]
    fn the_threshold_marks_the_wrong_words() {
        let words =
            [many(6, 0.2, false), many(40, 0.9, true), many(4, 0.4, true), many(2, 0.95, false)].concat();
        let marks = Calibration::of(&words).unwrap().marks.unwrap();
        assert_eq!(marks.below, 0.4);
        assert_eq!((marks.precision, marks.recall), (1.0, 0.75));
        assert!((marks.f1 - 12.0 / 14.0).abs() < 1e-12);
        let all_right = [many(60, 0.9, true), many(4, 0.1, false)].concat();
        assert_eq!(Calibration::of(&all_right).unwrap().threshold(), None, "too few are wrong");
        let nothing_said = [many(60, 1.0, true), many(10, 1.0, false)].concat();
        assert_eq!(Calibration::of(&nothing_said), None);
    }

    #[test]
    fn of_equal_thresholds_the_lower_is_taken() {
        // Below 0.2: 3 of 3 found. Below 1: 6 of 12, of 6 wrong in all: both have F1 of 2/3.
        let words =
            [many(3, 0.1, false), many(6, 0.2, true), many(3, 0.5, false), many(48, 1.0, true)].concat();
        assert_eq!(Calibration::of(&words).unwrap().threshold(), Some(0.2));
    }

    proptest! {
        #[test]
        fn measures_agree_with_their_definitions(
            words in prop::collection::vec((0u8..=20, any::<bool>()), 50..120),
        ) {
            let words: Vec<(f32, bool)> = words.into_iter().map(|(c, right)| (f32::from(c) / 20.0, right)).collect();
            prop_assume!(words.iter().any(|word| word.0 < 1.0));
            let calibration = Calibration::of(&words).unwrap();
            prop_assert!((0.0..=1.0).contains(&calibration.ece));
            prop_assert_eq!(calibration.bins.iter().map(|bin| bin.count).sum::<u64>(), words.len() as u64);
            let (mut pairs, mut of) = (0.0, 0.0);
            for (wrong, _) in words.iter().filter(|word| !word.1) {
                for (right, _) in words.iter().filter(|word| word.1) {
                    of += 1.0;
                    pairs += if wrong < right { 1.0 } else if wrong == right { 0.5 } else { 0.0 };
                }
            }
            if let Some(auroc) = calibration.auroc {
                prop_assert!((auroc - pairs / of).abs() < 1e-9);
            }
            if let Some(marks) = calibration.marks {
                let f1 = |below: f32| {
                    let marked = words.iter().filter(|word| word.0 < below);
                    let found = marked.clone().filter(|word| !word.1).count();
                    let wrong = words.iter().filter(|word| !word.1).count();
                    2.0 * found as f64 / (marked.count() + wrong) as f64
                };
                prop_assert!((f1(marks.below) - marks.f1).abs() < 1e-12);
                prop_assert!((0..=40).all(|at| f1(at as f32 / 40.0) <= marks.f1 + 1e-12));
            }
        }
    }
}
