//! A linear map that brings queries nearer to what answers them.

use crate::retrieval::vectors::{dot, length};

/// A square matrix `W`: a query `x` becomes `x·W`, of length 1. Passages stay as they are, so
/// that it can be put in and taken out without a vector being made anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    dimensions: usize,
    /// Row by row.
    weights: Vec<f32>,
}

impl Adapter {
    /// The one that changes nothing.
    pub(super) fn identity(dimensions: usize) -> Self {
        let mut weights = vec![0.0; dimensions.saturating_mul(dimensions)];
        weights.iter_mut().step_by(dimensions.saturating_add(1)).for_each(|weight| *weight = 1.0);
        Self { dimensions, weights }
    }

    /// The rows of the matrix.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.weights.chunks_exact(self.dimensions.max(1))
    }

    /// The rows of the matrix, to change.
    pub(super) fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, f32> {
        self.weights.chunks_exact_mut(self.dimensions.max(1))
    }

    /// The query as it is searched for; one of other dimensions is left as it is.
    pub fn apply(&self, query: &mut Vec<f32>) {
        if query.len() != self.dimensions {
            return;
        }
        let mut mapped = self.map(query);
        let length = length(&mapped);
        if length > 0.0 && length.is_finite() {
            mapped.iter_mut().for_each(|number| *number /= length);
            *query = mapped;
        }
    }

    /// `x·W`.
    pub(super) fn map(&self, query: &[f32]) -> Vec<f32> {
        let mut mapped = vec![0.0; self.dimensions];
        for (number, row) in query.iter().zip(self.rows()) {
            add_scaled(&mut mapped, *number, row);
        }
        mapped
    }

    /// It as it is kept: f32, little-endian, row by row.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect()
    }

    /// Reads it again; `None`: these are no adapter of so many dimensions.
    pub fn from_bytes(bytes: &[u8], dimensions: usize) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<4>();
        let weights: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let is_one = rest.is_empty()
            && Some(weights.len()) == dimensions.checked_mul(dimensions)
            && weights.iter().all(|weight| weight.is_finite());
        is_one.then_some(Self { dimensions, weights })
    }
}

/// Adds `scale` times `other`.
pub(super) fn add_scaled(vector: &mut [f32], scale: f32, other: &[f32]) {
    for (number, other) in vector.iter_mut().zip(other) {
        *number += scale * other;
    }
}

/// The place of the right passage among all, from 1, for a query as it is mapped. What is as
/// near as the right one stands before it: to tell nothing apart is no success.
pub(super) fn place(mapped: &[f32], right: usize, passages: &[&[f32]]) -> usize {
    let score = passages.get(right).map_or(f32::NEG_INFINITY, |right| dot(mapped, right));
    let before =
        passages.iter().enumerate().filter(|(at, other)| *at != right && dot(mapped, other) >= score);
    before.count().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_changes_nothing_and_a_map_keeps_length_one() {
        let mut query = vec![0.6, 0.8];
        Adapter::identity(2).apply(&mut query);
        assert_eq!(query, [0.6, 0.8]);
        let swap = Adapter { dimensions: 2, weights: vec![0.0, 2.0, 2.0, 0.0] };
        swap.apply(&mut query);
        assert!((query[0] - 0.8).abs() < 1e-6 && (query[1] - 0.6).abs() < 1e-6, "{query:?}");
        let mut other = vec![1.0];
        swap.apply(&mut other);
        assert_eq!(other, [1.0]);
        let mut nothing = vec![0.5, 0.5];
        Adapter { dimensions: 2, weights: vec![0.0; 4] }.apply(&mut nothing);
        assert_eq!(nothing, [0.5, 0.5]);
    }

    #[test]
    fn what_is_kept_is_read_again_and_what_is_none_is_not() {
        let swap = Adapter { dimensions: 2, weights: vec![0.0, 2.0, 2.0, 0.5] };
        let bytes = swap.to_bytes();
        assert_eq!(Adapter::from_bytes(&bytes, 2), Some(swap));
        assert_eq!(Adapter::from_bytes(&bytes, 3), None);
        assert_eq!(Adapter::from_bytes(&bytes[..15], 2), None);
        assert_eq!(Adapter::from_bytes(&f32::NAN.to_le_bytes(), 1), None);
        assert_eq!(Adapter::from_bytes(&[], usize::MAX), None);
    }

    #[test]
    fn what_is_as_near_stands_before_the_right_one() {
        let passages: [&[f32]; 3] = [&[1.0, 0.0], &[0.0, 1.0], &[1.0, 0.0]];
        assert_eq!(place(&[1.0, 0.0], 0, &passages), 2);
        assert_eq!(place(&[0.0, 1.0], 1, &passages), 1);
        assert_eq!(place(&[1.0, 0.0], 1, &passages), 3);
    }
}
