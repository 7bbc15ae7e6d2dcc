//! Numbers of vectors: f16 as they are kept, i8 as they are compared quickly.

use half::f16;
use half::slice::HalfFloatSliceExt as _;

/// The accumulators of a sum of products: floats are not reordered by the compiler, so that it
/// needs them side by side to use the lanes of the machine.
const LANES: usize = 8;

/// A vector as it is kept: f16, little-endian.
pub fn to_f16(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()).collect()
}

/// Reads a vector as it is kept into `vector`; `false`: the bytes are not one of its dimensions.
pub(in crate::retrieval) fn from_f16(bytes: &[u8], vector: &mut [f32]) -> bool {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != vector.len() {
        return false;
    }
    // In blocks, so that the machine's own conversion is used where it has one.
    let mut halves = [f16::ZERO; 64];
    for (pairs, numbers) in pairs.chunks(halves.len()).zip(vector.chunks_mut(halves.len())) {
        for (half, bytes) in halves.iter_mut().zip(pairs) {
            *half = f16::from_le_bytes(*bytes);
        }
        if let Some(halves) = halves.get(..numbers.len()) {
            halves.convert_to_f32_slice(numbers);
        }
    }
    true
}

/// The sum of products.
pub(in crate::retrieval) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// The Euclidean length.
pub(in crate::retrieval) fn length(vector: &[f32]) -> f32 {
    dot(vector, vector).sqrt()
}

/// The cosine of the angle between two vectors; 0 where one has no length.
pub(in crate::retrieval) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let lengths = length(a) * length(b);
    match lengths > 0.0 {
        true => dot(a, b) / lengths,
        false => 0.0,
    }
}

/// The code of a vector: its numbers as parts of its largest, from -127 to 127. Its direction
/// is kept (its length is not), which is all that a cosine asks for.
pub(super) fn encode(vector: &[f32], code: &mut Vec<i8>) {
    let largest = vector.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let scale = match largest > 0.0 && largest.is_finite() {
        true => f32::from(i8::MAX) / largest,
        false => 0.0,
    };
    // A cast of a float saturates, and what is no number becomes 0.
    code.extend(vector.iter().map(|number| (number * scale).round() as i8));
}

/// The sum of products of codes. It can't overflow: 2^31 / 127^2 is above 100,000 dimensions.
pub(super) fn dot_codes(a: &[i8], b: &[i8]) -> i32 {
    let products = a.iter().zip(b).map(|(a, b)| i32::from(i16::from(*a) * i16::from(*b)));
    // Checked for overflow, the sum wouldn't be done in lanes.
    products.fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], dimensions: usize) -> Option<Vec<f32>> {
        let mut vector = vec![0.0; dimensions];
        from_f16(bytes, &mut vector).then_some(vector)
    }

    #[test]
    fn a_blob_of_other_dimensions_is_no_vector() {
        assert_eq!(read(&to_f16(&[1.0, -0.5, 0.25]), 3), Some(vec![1.0, -0.5, 0.25]));
        assert_eq!(read(&to_f16(&[1.0, -0.5, 0.25]), 2), None);
        assert_eq!(read(&[0, 0, 0], 1), None);
        assert_eq!(read(&[], 0), Some(vec![]));
    }

    #[test]
    fn a_code_of_nothing_or_of_no_numbers_is_zero() {
        let mut code = Vec::new();
        encode(&[0.0, 0.0], &mut code);
        encode(&[f32::NAN, 1.0], &mut code);
        encode(&[f32::INFINITY, 1.0], &mut code);
        assert_eq!(code, [0, 0, 0, 127, 0, 0]);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_given(vector in prop::collection::vec(-1.0_f32..1.0, 0..200)) {
            let kept = read(&to_f16(&vector), vector.len()).unwrap();
            for (kept, given) in kept.iter().zip(&vector) {
                prop_assert!((kept - given).abs() <= 0.0005, "{kept} {given}");
            }
        }

        #[test]
        fn codes_keep_directions(vectors in prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 32..200)) {
            let (a, b): (Vec<f32>, Vec<f32>) = vectors.into_iter().unzip();
            let (mut x, mut y) = (Vec::new(), Vec::new());
            encode(&a, &mut x);
            encode(&b, &mut y);
            let lengths = (dot_codes(&x, &x) as f32).sqrt() * (dot_codes(&y, &y) as f32).sqrt();
            let of_codes = dot_codes(&x, &y) as f32 / lengths;
            prop_assert!((of_codes - cosine(&a, &b)).abs() < 0.02, "{of_codes}");
        }

        #[test]
        fn lanes_change_nothing(a in prop::collection::vec(-9.0_f32..9.0, 0..40)) {
            let plain: f32 = a.iter().map(|number| number * number).sum();
            prop_assert!((dot(&a, &a) - plain).abs() <= plain * 1e-5);
        }
    }
}
