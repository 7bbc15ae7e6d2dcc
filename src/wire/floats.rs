//! Sound and vectors as text: 32-bit floats, little-endian, in base64 (RFC 4648, with padding).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BYTES: usize = size_of::<f32>();

/// Writes numbers as the text of [`super::Request::Frames`] and [`super::Event::Vectors`].
pub fn encode(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

/// Reads them again. What is no finite number is 0.
///
/// # Errors
///
/// It is no base64, or no whole number of numbers.
pub fn decode(text: &str) -> Result<Vec<f32>, String> {
    let bytes = STANDARD.decode(text).map_err(|error| format!("They are no base64: {error}."))?;
    let (numbers, rest) = bytes.as_chunks::<BYTES>();
    match rest.is_empty() {
        true => Ok(numbers
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .map(|number| if number.is_finite() { number } else { 0.0 })
            .collect()),
        false => Err("They are no whole count of 32-bit floats.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_none_is_said() {
        let samples = [0.0, -1.0, 0.25, f32::NAN];
        assert_eq!(decode(&encode(&samples)), Ok(vec![0.0, -1.0, 0.25, 0.0]));
        assert!(decode("AAAA").is_err());
        assert!(decode("%").is_err());
    }
}
