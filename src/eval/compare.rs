//! Two models side by side, over the items that both were asked: is the difference more than
//! chance?

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::item::Kind;
use super::outcome::Outcome;
use super::statistics::{Paired, holm, median};

/// A difference less likely than this between equally good models is more than chance.
const LEVEL: f64 = 0.05;

/// Two models, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first model, as it was named.
    pub first: String,
    /// The second model.
    pub second: String,
    /// All items that both were asked.
    pub all: Compared,
    /// By kind, in the order of [`Kind::ALL`].
    pub kinds: Vec<ComparedKind>,
    /// Outcomes of the first without a partner: left out.
    pub left_out_first: u64,
    /// Outcomes of the second without a partner.
    pub left_out_second: u64,
    /// The expected calibration error of each, over those items.
    pub ece: (Option<f64>, Option<f64>),
}

/// A kind, compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ComparedKind {
    /// The kind.
    pub kind: Kind,
    /// Its items.
    #[serde(flatten)]
    pub compared: Compared,
}

/// Items, compared one by one. An item without an answer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Who is right how often.
    #[serde(flatten)]
    pub paired: Paired,
    /// The share of right ones of the second less that of the first, -1 to 1.
    pub difference: f64,
    /// The probability of so great a difference by chance (McNemar, exact).
    pub p: f64,
    /// The same, corrected for how many kinds are compared (Holm); over all items nothing is.
    pub corrected_p: f64,
    /// Whether the corrected probability is below 0.05.
    pub more_than_chance: bool,
    /// The median seconds of each, where it answered.
    pub seconds: (Option<f64>, Option<f64>),
}

/// Compares two models by what came of the same items: those of one name and kind. A name that
/// comes again in a list is left out there.
pub fn compare(first: (&str, &[Outcome]), second: (&str, &[Outcome])) -> Comparison {
    let pairs = pairs(first.1, second.1);
    let mut kinds: BTreeMap<Kind, Vec<Pair>> = BTreeMap::new();
    for pair in &pairs {
        kinds.entry(pair.0.kind).or_default().push(*pair);
    }
    let mut kinds: Vec<ComparedKind> = kinds
        .into_iter()
        .map(|(kind, pairs)| ComparedKind { kind, compared: Compared::of(&pairs) })
        .collect();
    let corrected = holm(&kinds.iter().map(|kind| kind.compared.p).collect::<Vec<_>>());
    for (kind, p) in kinds.iter_mut().zip(corrected) {
        kind.compared.correct(p);
    }
    let ece = |outcomes: Vec<&Outcome>| {
        let words: Vec<(f32, bool)> = outcomes.into_iter().flat_map(|one| &one.words).copied().collect();
        Calibration::of(&words).map(|calibration| calibration.ece)
    };
    Comparison {
        first: first.0.to_owned(),
        second: second.0.to_owned(),
        all: Compared::of(&pairs),
        kinds,
        left_out_first: (first.1.len() - pairs.len()) as u64,
        left_out_second: (second.1.len() - pairs.len()) as u64,
        ece: (ece(pairs.iter().map(|pair| pair.0).collect()), ece(pairs.iter().map(|pair| pair.1).collect())),
    }
}

/// What came of one item, of both models.
type Pair<'a> = (&'a Outcome, &'a Outcome);

fn pairs<'a>(first: &'a [Outcome], second: &'a [Outcome]) -> Vec<Pair<'a>> {
    let mut partners: HashMap<(&str, Kind), &Outcome> = HashMap::new();
    for outcome in second {
        partners.entry((&outcome.id, outcome.kind)).or_insert(outcome);
    }
    first.iter().filter_map(|one| Some((one, partners.remove(&(one.id.as_str(), one.kind))?))).collect()
}

impl Compared {
    fn of(pairs: &[Pair]) -> Self {
        let mut paired = Paired::default();
        for (first, second) in pairs {
            paired.push(first.right(), second.right());
        }
        let seconds = |outcomes: Vec<&Outcome>| {
            let answered = outcomes.into_iter().filter(|outcome| outcome.error.is_none());
            median(&answered.map(|outcome| outcome.seconds).collect::<Vec<_>>())
        };
        let mut compared = Self {
            paired,
            difference: paired.difference(),
            p: paired.p(),
            corrected_p: 1.0,
            more_than_chance: false,
            seconds: (
                seconds(pairs.iter().map(|pair| pair.0).collect()),
                seconds(pairs.iter().map(|pair| pair.1).collect()),
            ),
        };
        compared.correct(compared.p);
        compared
    }

    fn correct(&mut self, p: f64) {
        self.corrected_p = p;
        self.more_than_chance = p < LEVEL;
    }

    /// The share that the first and the second have right, 0 to 1; 0 of none.
    pub fn shares(&self) -> (f64, f64) {
        let of = self.paired.of().max(1) as f64;
        let both = self.paired.both;
        ((both + self.paired.only_first) as f64 / of, (both + self.paired.only_second) as f64 / of)
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
