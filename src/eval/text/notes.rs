//! Made-up notes to search in, and what is searched for in them.
//!
//! A note is a topic of a product (`topics.txt`). Other notes share its product, others its topic;
//! some notes were written again, and the old one says nearly the same. What is searched for has
//! words of the note, or means the same in others.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::eval::{Rng, Words};

/// Notes of a folder.
const NOTES: std::ops::RangeInclusive<u32> = 60..=200;

/// Products that notes of a folder are about.
const PRODUCTS: usize = 12;

/// Of the notes, those of which there is an old one too.
const WRITTEN_AGAIN: f32 = 0.15;

/// What names of products are made of; no two names of three of these sound the same.
const SYLLABLES: [&str; 24] = [
    "bal", "cor", "dun", "fen", "gar", "hol", "jin", "kel", "lum", "mor", "nav", "pel", "quo", "ras", "sil",
    "tam", "ulv", "ver", "wex", "yar", "zan", "bri", "osk", "ith",
];

/// What notes are about.
struct Topic {
    title: &'static str,
    says: Vec<&'static str>,
    same_words: Vec<&'static str>,
    other_words: Vec<&'static str>,
}

static TOPICS: LazyLock<Vec<Topic>> =
    LazyLock::new(|| include_str!("topics.txt").split("\n\n").filter_map(Topic::read).collect());

impl Topic {
    fn read(text: &'static str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let title = lines.next()?;
        let lines: Vec<&str> = lines.collect();
        let marked = |mark: &str| lines.iter().filter_map(|line| line.strip_prefix(mark)).collect();
        Some(Self { title, says: marked("- "), same_words: marked("= "), other_words: marked("~ ") })
    }
}

/// A folder of notes.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Names of files in the folder, with what is in them.
    pub(super) files: Vec<(PathBuf, String)>,
    /// What is about the same: the product and the topic, with its files, the best first.
    subjects: Vec<Subject>,
}

#[derive(Debug)]
struct Subject {
    product: String,
    topic: usize,
    files: Vec<PathBuf>,
}

/// What is searched for, and the files that answer it, the best first.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) words: String,
    /// Whether it has words of the note.
    pub(super) group: &'static str,
    pub(super) right: Vec<PathBuf>,
}

impl Notes {
    /// Makes some up.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let wanted = rng.range(NOTES) as usize;
        let products = products(rng);
        let pairs: Vec<(usize, usize)> = (0..products.len())
            .flat_map(|product| (0..TOPICS.len()).map(move |topic| (product, topic)))
            .collect();
        let mut notes = Self::default();
        for (product, topic) in rng.sample(&pairs, wanted) {
            if notes.files.len() + 1 >= wanted {
                break;
            }
            notes.add(&products[product], topic, rng);
        }
        notes
    }

    fn add(&mut self, product: &str, topic: usize, rng: &mut Rng) {
        let mut files = vec![self.put(product, topic, false, rng)];
        if rng.chance(WRITTEN_AGAIN) {
            files.push(self.put(product, topic, true, rng));
        }
        self.subjects.push(Subject { product: product.to_owned(), topic, files });
    }

    /// Writes a note; its file.
    fn put(&mut self, product: &str, topic: usize, old: bool, rng: &mut Rng) -> PathBuf {
        let Topic { title, says, .. } = &TOPICS[topic];
        let mut words = Words::new(rng);
        let by = words.filled("Written by {user} on {date}.");
        let mut text = format!("# {product}: {title}\n\n{by}\n");
        if old {
            text.push_str("\nThis note is old: it was written again.\n");
        }
        for said in says {
            let said = words.filled(&said.replace("$p", product));
            text.push_str(&format!("\n{said}\n"));
        }
        let file = PathBuf::from(format!("{:03}-{}.md", self.files.len() + 1, words.word()));
        self.files.push((file.clone(), text));
        file
    }

    /// Searches for its notes, each another; fewer where there are no more.
    pub(super) fn searches(&self, several: usize, rng: &mut Rng) -> Vec<Search> {
        let mut all: Vec<(usize, usize)> =
            (0..self.subjects.len()).flat_map(|subject| (0..4).map(move |form| (subject, form))).collect();
        rng.shuffle(&mut all);
        all.truncate(several);
        all.into_iter()
            .filter_map(|(subject, form)| self.search(&self.subjects[subject], form, rng))
            .collect()
    }

    fn search(&self, subject: &Subject, form: usize, rng: &mut Rng) -> Option<Search> {
        let topic = &TOPICS[subject.topic];
        let forms = topic.same_words.iter().map(|words| (words, "same words"));
        let forms: Vec<_> =
            forms.chain(topic.other_words.iter().map(|words| (words, "other words"))).collect();
        let &(words, group) = forms.get(form)?;
        let words = chosen(&words.replace("$p", &subject.product), rng);
        Some(Search { words, group, right: subject.files.clone() })
    }
}

/// Names that nothing has.
fn products(rng: &mut Rng) -> Vec<String> {
    let mut names = BTreeSet::new();
    while names.len() < PRODUCTS {
        let name: String = (0..3).map(|_| *rng.pick(&SYLLABLES)).collect();
        names.insert(name);
    }
    names.into_iter().collect()
}

/// A text in which one of each `[a|b]` is chosen.
fn chosen(text: &str, rng: &mut Rng) -> String {
    let (mut made, mut rest) = (String::new(), text);
    while let Some((before, (choices, after))) =
        rest.split_once('[').and_then(|(before, rest)| Some((before, rest.split_once(']')?)))
    {
        let choices: Vec<&str> = choices.split('|').collect();
        made.push_str(before);
        made.push_str(rng.one_of(&choices).copied().unwrap_or_default());
        rest = after;
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> BTreeSet<String> {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3);
        words.map(|word| word.trim_end_matches('s').to_owned()).collect()
    }

    #[test]
    fn each_topic_is_whole() {
        assert!(TOPICS.len() >= 20);
        for topic in TOPICS.iter() {
            let sizes = (topic.says.len(), topic.same_words.len(), topic.other_words.len());
            assert_eq!(sizes, (3, 2, 2), "{}", topic.title);
            let queries = topic.same_words.iter().chain(&topic.other_words);
            assert!(queries.clone().all(|query| query.contains("$p")), "{}", topic.title);
        }
    }

    #[test]
    fn a_search_has_words_of_its_note_or_has_not() {
        for topic in TOPICS.iter() {
            let note = words(&format!("{} {}", topic.title, topic.says.join(" ")));
            for query in &topic.same_words {
                assert!(words(query).intersection(&note).count() >= 2, "{}: {query}", topic.title);
            }
            for query in &topic.other_words {
                let shared: Vec<String> = words(query).intersection(&note).cloned().collect();
                assert!(shared.is_empty(), "{}: {query}: {shared:?}", topic.title);
            }
        }
    }

    #[test]
    fn the_right_files_are_there_and_about_it() {
        for seed in 0..10 {
            let mut rng = Rng::new(seed);
            let notes = Notes::new(&mut rng);
            assert!((55..=200).contains(&notes.files.len()), "{}", notes.files.len());
            let names: BTreeSet<&PathBuf> = notes.files.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), notes.files.len());
            let searches = notes.searches(40, &mut rng);
            assert_eq!(searches.len(), 40);
            let asked: BTreeSet<&str> = searches.iter().map(|search| search.words.as_str()).collect();
            assert_eq!(asked.len(), 40, "each is another");
            for search in &searches {
                assert!(!search.words.contains(['[', '$', '{']), "{}", search.words);
                let text_of = |name: &PathBuf| &notes.files.iter().find(|(file, _)| file == name).unwrap().1;
                let product = text_of(&search.right[0]).lines().next().unwrap()[2..]
                    .split(':')
                    .next()
                    .unwrap()
                    .to_owned();
                assert!(search.words.contains(&product));
                assert!(search.right.iter().all(|file| text_of(file).contains(&product)));
                let old: Vec<bool> =
                    search.right.iter().map(|file| text_of(file).contains("This note is old")).collect();
                assert!(old == [false] || old == [false, true], "the newer one is the better");
            }
        }
    }
}
