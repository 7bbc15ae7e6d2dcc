//! Two lists become one: reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009). It looks
//! at ranks alone, so that scores of different kinds needn't be compared.

use rustc_hash::FxHashMap;

use super::{PassageId, Ranked};

/// A passage of the fused list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fused {
    pub(super) id: PassageId,
    /// The sum of its reciprocal ranks; where there is one list, its score there.
    pub(super) score: f32,
    pub(super) lexical: Option<Ranked>,
    pub(super) semantic: Option<Ranked>,
}

/// A list as it was found: the best first.
pub(super) type List = Vec<(PassageId, f32)>;

/// Fuses what was found by words and by meaning; a way that wasn't searched is `None`.
/// Equals stand in the order of their numbers, so that the same question has the same answer.
pub(super) fn fuse(lexical: Option<&List>, semantic: Option<&List>, k: f32) -> Vec<Fused> {
    let mut found: FxHashMap<PassageId, Fused> = FxHashMap::default();
    let both = lexical.is_some() && semantic.is_some();
    let mut add = |list: &List, place: fn(&mut Fused) -> &mut Option<Ranked>| {
        for (at, (id, score)) in list.iter().enumerate() {
            let rank = at.saturating_add(1);
            let new = Fused { id: *id, score: 0.0, lexical: None, semantic: None };
            let fused = found.entry(*id).or_insert(new);
            fused.score += if both { 1.0 / (k + rank as f32) } else { *score };
            *place(fused) = Some(Ranked { rank, score: *score });
        }
    };
    if let Some(list) = lexical {
        add(list, |fused| &mut fused.lexical);
    }
    if let Some(list) = semantic {
        add(list, |fused| &mut fused.semantic);
    }
    let mut fused: Vec<Fused> = found.into_values().collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ids: &[i64]) -> List {
        ids.iter().zip(0_u8..).map(|(id, n)| (PassageId(*id), 9.0 - f32::from(n))).collect()
    }

    #[test]
    fn what_both_found_stands_above_what_one_found() {
        let fused = fuse(Some(&list(&[1, 2, 3])), Some(&list(&[4, 3, 5])), 60.0);
        let ids: Vec<i64> = fused.iter().map(|fused| fused.id.0).collect();
        assert_eq!(ids, [3, 1, 4, 2, 5]);
        assert_eq!(fused[0].score, 1.0 / 63.0 + 1.0 / 62.0);
        assert_eq!(fused[0].lexical, Some(Ranked { rank: 3, score: 7.0 }));
        assert_eq!(fused[0].semantic, Some(Ranked { rank: 2, score: 8.0 }));
        assert_eq!(fused[1].semantic, None);
    }

    #[test]
    fn one_list_keeps_its_order_and_scores() {
        let fused = fuse(Some(&list(&[7, 5])), None, 60.0);
        assert_eq!(
            fused.iter().map(|fused| (fused.id.0, fused.score)).collect::<Vec<_>>(),
            [(7, 9.0), (5, 8.0)]
        );
    }
}
