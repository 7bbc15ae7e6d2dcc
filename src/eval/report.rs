//! What a suite found out about a model: counts with their intervals, measures of each kind,
//! calibration and time. As JSON by serde; as text and Markdown in `show`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::item::{Kind, Verdict};
use super::outcome::Outcome;
use super::statistics::{chance_p, mean_interval, median, wilson};

/// How many errors are kept word by word; all are counted.
const MOST_FAILURES: usize = 10;

/// A model, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The model, as it was named.
    pub model: String,
    /// All items.
    pub all: Tally,
    /// The kinds that were asked, in the order of [`Kind::ALL`].
    pub kinds: Vec<OfKind>,
    /// Whether the words it was unsure of are the wrong ones. `None` where no words are known.
    pub calibration: Option<Calibration>,
    /// The first errors.
    pub failures: Vec<Failure>,
}

/// A kind of items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfKind {
    /// The kind.
    pub kind: Kind,
    /// All of its items.
    #[serde(flatten)]
    pub tally: Tally,
    /// Its parts, in the order of the suite.
    pub groups: Vec<OfGroup>,
}

/// A part of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfGroup {
    /// Its name.
    pub group: String,
    /// Its items.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Items, counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The items.
    pub count: u64,
    /// Those that are right. An item without an answer is wrong.
    pub right: u64,
    /// Their share, 0 to 1; 0 of none.
    pub share: f64,
    /// The share's 95 % interval (Wilson): from
    pub from: f64,
    /// to.
    pub to: f64,
    /// The share that guessing would get right, on average.
    pub chance: f64,
    /// The probability of so many right by guessing; `None` where guessing gets nothing right.
    pub chance_p: Option<f64>,
    /// Items without an answer, since the model failed.
    pub errors: u64,
    /// What its kind is measured in beside that; of items with an answer.
    pub measures: Vec<Measure>,
    /// How long an answer took; `None` without answers.
    pub seconds: Option<Seconds>,
}

/// How long answers took, in seconds. Items without an answer are left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// The middle one.
    pub median: f64,
    /// The mean with its 95 % interval: mean, from, to. `None` of one.
    pub mean: Option<(f64, f64, f64)>,
}

/// A measure over all items of a kind: what is long counts more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What is measured.
    pub measure: MeasureName,
    /// The share. Error rates may be above 1, since words can be added.
    pub value: f64,
    /// What was counted; `None` for a mean.
    pub hits: Option<u64>,
    /// Out of how many: characters, words, facts, documents; for a mean, items.
    pub of: u64,
}

/// What is measured beside right and wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureName {
    /// Wrong characters of the texts that were to be read.
    CharacterErrorRate,
    /// Wrong words of speech.
    WordErrorRate,
    /// Identifiers of speech that weren't heard.
    IdentifiersMissed,
    /// Facts that a caption names.
    FactsNamed,
    /// Facts that a caption makes up, of those that it could.
    FactsInvented,
    /// Right arguments of calls.
    ArgumentsRight,
    /// Calls of the right tool.
    ToolsRight,
    /// Right documents among the first five.
    RecallAtFive,
    /// The mean nDCG of the first ten documents.
    NdcgAtTen,
}

impl MeasureName {
    /// Its name in text.
    pub const fn words(self) -> &'static str {
        match self {
            Self::CharacterErrorRate => "character error rate",
            Self::WordErrorRate => "word error rate",
            Self::IdentifiersMissed => "identifiers missed",
            Self::FactsNamed => "facts named",
            Self::FactsInvented => "facts invented",
            Self::ArgumentsRight => "arguments right",
            Self::ToolsRight => "tools right",
            Self::RecallAtFive => "recall@5",
            Self::NdcgAtTen => "nDCG@10",
        }
    }

    /// What [`Verdict::of`] and [`Verdict::second`] count for a kind.
    const fn of(kind: Kind) -> (Self, Option<Self>) {
        match kind {
            Kind::Speech => (Self::WordErrorRate, Some(Self::IdentifiersMissed)),
            Kind::Caption => (Self::FactsNamed, Some(Self::FactsInvented)),
            Kind::ToolCall | Kind::ToolAside => (Self::ArgumentsRight, Some(Self::ToolsRight)),
            Kind::Retrieval | Kind::PictureSearch => (Self::RecallAtFive, None),
            _ => (Self::CharacterErrorRate, None),
        }
    }
}

/// Why an item has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The item.
    pub id: String,
    /// The error.
    pub error: String,
}

impl Report {
    /// Counts what came of a model's items.
    pub fn of(model: &str, outcomes: &[Outcome]) -> Self {
        let mut kinds: BTreeMap<Kind, Vec<&Outcome>> = BTreeMap::new();
        for outcome in outcomes {
            kinds.entry(outcome.kind).or_default().push(outcome);
        }
        let words: Vec<(f32, bool)> = outcomes.iter().flat_map(|outcome| &outcome.words).copied().collect();
        let failure =
            |outcome: &Outcome| Some(Failure { id: outcome.id.clone(), error: outcome.error.clone()? });
        Self {
            model: model.to_owned(),
            all: Tally::of(None, &outcomes.iter().collect::<Vec<_>>()),
            kinds: kinds.into_iter().map(|(kind, outcomes)| OfKind::of(kind, &outcomes)).collect(),
            calibration: Calibration::of(&words),
            failures: outcomes.iter().filter_map(failure).take(MOST_FAILURES).collect(),
        }
    }
}

impl OfKind {
    fn of(kind: Kind, outcomes: &[&Outcome]) -> Self {
        let mut groups: Vec<(&str, Vec<&Outcome>)> = Vec::new();
        for outcome in outcomes {
            let Some(name) = outcome.group.as_deref() else { continue };
            match groups.iter_mut().find(|(group, _)| *group == name) {
                Some((_, all)) => all.push(outcome),
                None => groups.push((name, vec![outcome])),
            }
        }
        let group = |(name, outcomes): (&str, Vec<&Outcome>)| OfGroup {
            group: name.to_owned(),
            tally: Tally::of(Some(kind), &outcomes),
        };
        Self { kind, tally: Tally::of(Some(kind), outcomes), groups: groups.into_iter().map(group).collect() }
    }
}

impl Tally {
    /// Counts items; those of several kinds have no measures in common.
    fn of(kind: Option<Kind>, outcomes: &[&Outcome]) -> Self {
        let count = outcomes.len() as u64;
        let right = outcomes.iter().filter(|outcome| outcome.right()).count() as u64;
        let (from, to) = wilson(right, count);
        let chance = outcomes.iter().map(|outcome| outcome.chance).sum::<f64>() / count.max(1) as f64;
        let answered: Vec<&Outcome> =
            outcomes.iter().copied().filter(|outcome| outcome.error.is_none()).collect();
        let verdicts: Vec<Verdict> = answered.iter().map(|outcome| outcome.verdict).collect();
        let seconds: Vec<f64> = answered.iter().map(|outcome| outcome.seconds).collect();
        Self {
            count,
            right,
            share: right as f64 / count.max(1) as f64,
            from,
            to,
            chance,
            chance_p: (chance > 0.0).then(|| chance_p(right, count, chance)),
            errors: count - answered.len() as u64,
            measures: kind.map(|kind| measures(kind, &verdicts)).unwrap_or_default(),
            seconds: median(&seconds).map(|median| Seconds { median, mean: mean_interval(&seconds) }),
        }
    }
}

fn measures(kind: Kind, verdicts: &[Verdict]) -> Vec<Measure> {
    let (first, second) = MeasureName::of(kind);
    let rate = |measure, counts: fn(&Verdict) -> Option<(u32, u32)>| {
        let counts = verdicts.iter().filter_map(counts);
        let (hits, of) =
            counts.fold((0u64, 0u64), |sum, one| (sum.0 + u64::from(one.0), sum.1 + u64::from(one.1)));
        (of > 0).then(|| Measure { measure, value: hits as f64 / of as f64, hits: Some(hits), of })
    };
    let ndcgs: Vec<f64> = verdicts.iter().filter_map(|verdict| verdict.ndcg).collect();
    let ndcg = (!ndcgs.is_empty()).then(|| Measure {
        measure: MeasureName::NdcgAtTen,
        value: ndcgs.iter().sum::<f64>() / ndcgs.len() as f64,
        hits: None,
        of: ndcgs.len() as u64,
    });
    let second = second.and_then(|measure| rate(measure, |verdict| verdict.second));
    [ndcg, rate(first, |verdict| verdict.of), second].into_iter().flatten().collect()
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
