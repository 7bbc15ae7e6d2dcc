//! Sound as text: 32-bit floats, little-endian, in base64 (RFC 4648, with padding).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BYTES: usize = size_of::<f32>();

/// Writes samples as the text of [`super::Request::Frames`].
pub fn encode(samples: &[f32]) -> String {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

/// Reads them again. What is no finite number is silence.
///
/// # Errors
///
/// It is no base64, or no whole number of samples.
pub fn decode(text: &str) -> Result<Vec<f32>, String> {
    let bytes = STANDARD.decode(text).map_err(|error| format!("The sound is no base64: {error}."))?;
    let (samples, rest) = bytes.as_chunks::<BYTES>();
    match rest.is_empty() {
        true => Ok(samples
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .map(|sample| if sample.is_finite() { sample } else { 0.0 })
            .collect()),
        false => Err("The sound is no whole number of samples.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_no_sound_is_said() {
        let samples = [0.0, -1.0, 0.25, f32::NAN];
        assert_eq!(decode(&encode(&samples)), Ok(vec![0.0, -1.0, 0.25, 0.0]));
        assert!(decode("AAAA").is_err());
        assert!(decode("%").is_err());
    }
}
