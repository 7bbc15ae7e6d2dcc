//! What of a log matters for a support question: an order of its templates.
//!
//! Every part of a score says one thing and is bounded, so that none of them drowns the
//! others; the weights are stated here, in one place.

use std::collections::{HashMap, HashSet};

use super::level::Level;
use super::model::{LogDigest, Template};

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Focus {
    /// Its words, in lower case.
    words: Vec<String>,
    /// A moment that it names, in milliseconds, or of a day.
    moment: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    At(i64),
    /// A time of day: on any day.
    OfDay(i64),
}

/// Weights of what a score adds up.
mod weight {
    /// By level, from trace to fatal.
    pub(super) const SEVERITY: [f64; 7] = [-0.5, -0.4, 0.0, 0.3, 2.5, 5.0, 6.5];
    /// For what was seen once in a long log, falling with the logarithm of the count.
    pub(super) const RARITY: f64 = 2.0;
    /// For what a program says that says next to nothing else in a long log.
    pub(super) const STRANGER: f64 = 1.5;
    /// For what is seen for the first time in the last part of the log.
    pub(super) const NEW: f64 = 1.0;
    /// For what comes in bursts.
    pub(super) const BURST: f64 = 1.0;
    /// Close to the last error, and to the time that a question names.
    pub(super) const NEAR_ERROR: f64 = 0.8;
    pub(super) const NEAR_MOMENT: f64 = 3.0;
    /// The most that a question's words add.
    pub(super) const WORDS: f64 = 4.0;
    pub(super) const TRACE: f64 = 1.5;
    pub(super) const CHANGE: f64 = 1.0;
}

const DAY_MS: i64 = 86_400_000;

impl Focus {
    /// Reads a question: its words, and a time if it names one (`at 02:14`, `2024-01-02 03:04`).
    pub fn of(question: &str) -> Self {
        let words = terms(question).into_iter().filter(|word| !is_common(word)).collect();
        Self { words, moment: moment(question) }
    }
}

/// Words that say nothing of what is asked.
fn is_common(word: &str) -> bool {
    const COMMON: [&str; 48] = [
        "the", "a", "an", "is", "are", "was", "were", "do", "does", "did", "what", "why", "when", "where",
        "who", "how", "which", "it", "this", "that", "there", "in", "on", "at", "of", "to", "for", "from",
        "with", "and", "or", "not", "my", "our", "we", "i", "you", "can", "since", "last", "happened",
        "happens", "log", "logs", "please", "be", "has", "have",
    ];
    COMMON.contains(&word) || word.len() < 2
}

/// The words of a text, in lower case.
pub(super) fn terms(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn moment(question: &str) -> Option<Moment> {
    let reference = super::stamp::Reference::at(0);
    let starts = std::iter::once(0).chain(question.match_indices(' ').map(|(at, _)| at + 1));
    for start in starts {
        let rest = question[start..].trim_start_matches(['(', '"', '\'']);
        // A time of day is often written without seconds, and so is a date's.
        let word = rest.find([' ', ',', '?', '.', ')', ';']).map_or(rest, |end| &rest[..end]);
        if word.len() == 5 && word.as_bytes().get(2) == Some(&b':') {
            let full = format!("{word}:00");
            if let Some((_, stamp)) = super::stamp::find(full.as_bytes(), reference) {
                return Some(Moment::OfDay(stamp.ms));
            }
        }
        let dated =
            rest.get(..16).filter(|date| date.as_bytes()[13] == b':').map(|date| format!("{date}:00"));
        let texts = [Some(rest.to_owned()), dated];
        for (kind, stamp) in
            texts.iter().flatten().filter_map(|text| super::stamp::find(text.as_bytes(), reference))
        {
            if stamp.yeared {
                return Some(Moment::At(stamp.ms));
            }
            if !kind.is_dated() {
                return Some(Moment::OfDay(stamp.ms));
            }
        }
    }
    None
}

/// The templates' places in `digest.templates`, what matters most first.
pub fn rank(digest: &LogDigest, focus: &Focus) -> Vec<usize> {
    let context = Context::of(digest, focus);
    let mut order: Vec<(usize, f64)> =
        digest.templates.iter().enumerate().map(|(at, template)| (at, context.score(template))).collect();
    order.sort_by(|(one_at, one), (other_at, other)| other.total_cmp(one).then(one_at.cmp(other_at)));
    order.into_iter().map(|(at, _)| at).collect()
}

struct Context<'a> {
    digest: &'a LogDigest,
    focus: &'a Focus,
    span_ms: i64,
    last_error_ms: Option<i64>,
    /// Entries of each component.
    says: HashMap<&'a str, u64>,
    words: Bm25,
}

impl<'a> Context<'a> {
    fn of(digest: &'a LogDigest, focus: &'a Focus) -> Self {
        let loud = digest.templates.iter().filter(|template| template.severity() >= Level::Error);
        let last_error_ms = loud.filter_map(|template| Some(template.span?.1)).max();
        let span_ms = digest.span.map_or(0, |(from, to)| to - from).max(1);
        let mut says: HashMap<&str, u64> = HashMap::new();
        for template in &digest.templates {
            *says.entry(&template.component).or_default() += template.count;
        }
        Self { digest, focus, span_ms, last_error_ms, says, words: Bm25::of(digest, &focus.words) }
    }

    fn score(&self, template: &Template) -> f64 {
        let severity = template.gravity();
        let loud = severity >= Level::Warn;
        let entries = (self.digest.entries.max(2)) as f64;
        let rarity = 1.0 - (template.count as f64).ln() / entries.ln();
        let mut score = weight::SEVERITY[severity as usize];
        score += weight::RARITY * rarity * if loud { 1.0 } else { 0.5 };
        score += weight::STRANGER * self.strangeness(template);
        score += weight::NEW * self.newness(template);
        score += weight::BURST * self.burst(template);
        score += weight::NEAR_ERROR * self.nearness(template, self.last_error_ms);
        score += weight::NEAR_MOMENT * self.at_moment(template);
        score += self.words.score(template).min(weight::WORDS);
        score += if template.trace.is_empty() { 0.0 } else { weight::TRACE };
        score + if template.change { weight::CHANGE } else { 0.0 }
    }

    /// 1 where its program is heard of once or twice in a long log.
    fn strangeness(&self, template: &Template) -> f64 {
        const LONG: u64 = 500;
        let says = self.says.get(template.component.as_str()).copied().unwrap_or_default();
        let strange = !template.component.is_empty() && says <= 2 && self.digest.entries >= LONG;
        if strange { 1.0 } else { 0.0 }
    }

    /// From 0 (there from the start) to 1 (seen first at the end).
    fn newness(&self, template: &Template) -> f64 {
        let part = match (template.span, self.digest.span) {
            (Some((first, _)), Some((from, _))) => (first - from) as f64 / self.span_ms as f64,
            _ => {
                let lines = self.digest.sources.get(template.first.source).map_or(1, |source| source.lines);
                template.first.line as f64 / lines.max(1) as f64
            }
        };
        ((part - 0.5) * 2.0).clamp(0.0, 1.0)
    }

    /// From 0 (as steady as the log) to 1 (all at once, many times).
    fn burst(&self, template: &Template) -> f64 {
        const MANY: f64 = 5.0;
        let Some((start, peak)) = template.timeline.peak() else { return 0.0 };
        let width = template.timeline.width_ms();
        let volume: u64 = self
            .digest
            .volume
            .counts()
            .filter(|(at, _)| *at + self.digest.volume.width_ms() > start && *at < start + width)
            .map(|(_, count)| count)
            .sum();
        // What would be expected of this template in the interval, at the log's own rate.
        let expected = volume as f64 * template.count as f64 / self.digest.entries.max(1) as f64;
        let times = peak as f64 / expected.max(1.0);
        if (peak as f64) < MANY { 0.0 } else { ((times - 1.0) / MANY).clamp(0.0, 1.0) }
    }

    /// From 0 (far) to 1 (at it), by a hundredth of the log's span.
    fn nearness(&self, template: &Template, moment: Option<i64>) -> f64 {
        let (Some(moment), Some((first, last))) = (moment, template.span) else { return 0.0 };
        let scale = (self.span_ms / 100).max(10_000) as f64;
        let distance = (first - moment).abs().min((last - moment).abs()) as f64;
        (-distance / scale).exp()
    }

    fn at_moment(&self, template: &Template) -> f64 {
        match self.focus.moment {
            None => 0.0,
            Some(Moment::At(ms)) => self.nearness(template, Some(ms)),
            Some(Moment::OfDay(ms)) => {
                let Some((first, last)) = template.span else { return 0.0 };
                let near = |at: i64| {
                    let apart = (at.rem_euclid(DAY_MS) - ms).abs();
                    (-(apart.min(DAY_MS - apart)) as f64 / 300_000.0).exp()
                };
                near(first).max(near(last))
            }
        }
    }
}

/// BM25 (Robertson and Zaragoza, 2009) of a question against the templates' texts.
struct Bm25 {
    /// Words of the question with their inverse document frequency.
    words: HashMap<String, f64>,
    mean_length: f64,
}

impl Bm25 {
    const K1: f64 = 1.2;
    const B: f64 = 0.75;

    fn of(digest: &LogDigest, words: &[String]) -> Self {
        if words.is_empty() {
            return Self { words: HashMap::new(), mean_length: 1.0 };
        }
        let mut containing: HashMap<&str, usize> = HashMap::new();
        let mut length = 0;
        for template in &digest.templates {
            let terms = Self::document(template);
            length += terms.len();
            let distinct: HashSet<&String> = terms.iter().collect();
            for word in words.iter().filter(|word| distinct.contains(word)) {
                *containing.entry(word).or_default() += 1;
            }
        }
        let all = digest.templates.len().max(1) as f64;
        let idf = |word: &String| {
            let with = containing.get(word.as_str()).copied().unwrap_or(0) as f64;
            ((all - with + 0.5) / (with + 0.5) + 1.0).ln()
        };
        let words = words.iter().map(|word| (word.clone(), idf(word))).collect();
        Self { words, mean_length: (length as f64 / all).max(1.0) }
    }

    fn document(template: &Template) -> Vec<String> {
        terms(&format!("{} {}", template.example.text, template.component))
    }

    fn score(&self, template: &Template) -> f64 {
        if self.words.is_empty() {
            return 0.0;
        }
        let terms = Self::document(template);
        let long = 1.0 - Self::B + Self::B * terms.len() as f64 / self.mean_length;
        self.words
            .iter()
            .map(|(word, idf)| {
                let often = terms.iter().filter(|term| *term == word).count() as f64;
                idf * often * (Self::K1 + 1.0) / (often + Self::K1 * long)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_gives_words_and_a_moment() {
        let focus = Focus::of("Why did the payment fail at 02:14?");
        assert_eq!(focus.words, ["payment", "fail", "02", "14"]);
        assert_eq!(focus.moment, Some(Moment::OfDay((2 * 60 + 14) * 60_000)));
        assert_eq!(Focus::of("what about 2024-01-02 03:04?").moment, Some(Moment::At(1_704_164_640_000)));
        assert_eq!(Focus::of("at 10:00:01 it broke").moment, Some(Moment::OfDay(36_001_000)));
        assert_eq!(Focus::of("why 404?").moment, None);
        assert_eq!(Focus::of(""), Focus::default());
    }

    proptest::proptest! {
        #[test]
        fn any_question_can_be_asked(question in "\\PC{0,60}") {
            let _ = Focus::of(&question);
        }
    }
}
