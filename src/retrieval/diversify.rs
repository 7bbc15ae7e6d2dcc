//! The same thing isn't shown twice, and one file doesn't fill the list.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Hit;
use crate::document::Place;

/// Passages of one file that come before those of others may; more only where there is nothing
/// else to show.
const MOST_OF_A_FILE: usize = 3;

/// The best hits of a list that is sorted: the first of those with the same text, the better of
/// two that lie over each other, at most so many.
pub(super) fn diversify(hits: Vec<Hit>, most: usize) -> Vec<Hit> {
    let mut texts = FxHashSet::default();
    let mut files: FxHashMap<std::path::PathBuf, Vec<Place>> = FxHashMap::default();
    let (mut first, mut more) = (Vec::new(), Vec::new());
    for hit in hits {
        let passage = &hit.passage;
        // A picture without words is itself alone.
        let told = passage.text.trim();
        if !told.is_empty() && !texts.insert(told.to_owned()) {
            continue;
        }
        let places = files.entry(passage.path.clone()).or_default();
        if places.iter().any(|place| overlap(*place, passage.place)) {
            continue;
        }
        places.push(passage.place);
        if places.len() <= MOST_OF_A_FILE { &mut first } else { &mut more }.push(hit);
    }
    first.extend(more);
    first.truncate(most);
    first
}

/// Whether two places of a file share more than half of the smaller one.
fn overlap(a: Place, b: Place) -> bool {
    let shared = |(from, to): (u32, u32), (other_from, other_to): (u32, u32)| {
        let length = |from: u32, to: u32| to.saturating_add(1).saturating_sub(from);
        let smaller = length(from, to).min(length(other_from, other_to));
        length(from.max(other_from), to.min(other_to)).saturating_mul(2) > smaller
    };
    match (a, b) {
        (Place::Lines(from, to), Place::Lines(other_from, other_to))
        | (Place::Rows(from, to), Place::Rows(other_from, other_to))
            if from < to && other_from < other_to =>
        {
            shared((from, to), (other_from, other_to))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieval::{Passage, PassageId, PassageKind};

    fn hit(id: i64, path: &str, text: &str, place: Place) -> Hit {
        let passage = Passage {
            id: PassageId(id),
            path: path.into(),
            source: "/".into(),
            kind: PassageKind::Text,
            title: None,
            text: text.into(),
            heading: Vec::new(),
            place,
        };
        Hit { passage, score: 0.0, lexical: None, semantic: None }
    }

    fn left(hits: Vec<Hit>, most: usize) -> Vec<i64> {
        diversify(hits, most).iter().map(|hit| hit.passage.id.0).collect()
    }

    #[test]
    fn one_file_does_not_fill_the_list() {
        let at = |id, path| hit(id, path, &id.to_string(), Place::Page(u32::try_from(id).unwrap()));
        let hits = || vec![at(1, "/a"), at(2, "/a"), at(3, "/a"), at(4, "/a"), at(5, "/b")];
        assert_eq!(left(hits(), 9), [1, 2, 3, 5, 4]);
        assert_eq!(left(hits(), 4), [1, 2, 3, 5]);
    }

    #[test]
    fn the_same_text_is_shown_once() {
        let copy = |id, path, text| hit(id, path, text, Place::Whole);
        let hits = vec![copy(1, "/a", "x\n"), copy(2, "/b", "x"), copy(3, "/c", ""), copy(4, "/d", "")];
        assert_eq!(left(hits, 9), [1, 3, 4]);
    }

    #[test]
    fn of_places_that_lie_over_each_other_the_better_is_shown() {
        let lines = |id: i64, from, to| hit(id, "/a", &id.to_string(), Place::Lines(from, to));
        assert_eq!(
            left(vec![lines(1, 10, 20), lines(2, 12, 22), lines(3, 20, 30), lines(4, 21, 22)], 9),
            [1, 3]
        );
        // Pieces of one long line aren't the same.
        assert_eq!(left(vec![lines(1, 5, 5), lines(2, 5, 5)], 9), [1, 2]);
    }
}
