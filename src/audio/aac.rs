//! HE-AAC, as far as a decoder of AAC-LC hears it: its core, which any file of it has at half
//! the rate. What lies above is for music.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;

const LOW_COMPLEXITY: u64 = 2;
const SPECTRAL_BAND_REPLICATION: u64 = 5;
const PARAMETRIC_STEREO: u64 = 29;
/// The index of a rate that is written out.
const WRITTEN_OUT: u64 = 15;

/// The parameters of the core, where a codec is HE-AAC and says so at the start.
pub(super) fn core(parameters: &AudioCodecParameters) -> Option<AudioCodecParameters> {
    let config = parameters.extra_data.as_deref().filter(|_| parameters.codec == CODEC_ID_AAC)?;
    let mut core = parameters.clone();
    core.extra_data = Some(core_config(config)?.into_boxed_slice());
    Some(core)
}

/// The AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) of the core: object type, rate and
/// channels, and that its frames are the ordinary ones.
fn core_config(config: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes: config, at: 0 };
    let outer = bits.take(5)?;
    let rate = bits.rate()?;
    let channels = bits.take(4)?;
    let _ = bits.rate()?;
    let inner = bits.take(5)?;
    let extended = matches!(outer, SPECTRAL_BAND_REPLICATION | PARAMETRIC_STEREO);
    (extended && inner == LOW_COMPLEXITY).then(|| {
        let (rate, length) = rate;
        // Three bits more, all 0, end it: frames of 1024 samples, no other core, no extension.
        let written = ((LOW_COMPLEXITY << length | rate) << 4 | channels) << 3;
        let length = 5 + length + 4 + 3;
        (written << (64 - length)).to_be_bytes()[..length.div_ceil(8)].to_vec()
    })
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u64> {
        let bit = |at: usize| Some(u64::from(self.bytes.get(at / 8)? >> (7 - at % 8) & 1));
        let value = (self.at..self.at + count).try_fold(0, |value, at| Some(value << 1 | bit(at)?));
        self.at += count;
        value
    }

    /// A rate as it is written, and its length in bits.
    fn rate(&mut self) -> Option<(u64, usize)> {
        match self.take(4)? {
            WRITTEN_OUT => Some((WRITTEN_OUT << 24 | self.take(24)?, 28)),
            index => Some((index, 4)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_of_he_aac_is_low_complexity_at_its_own_rate() {
        // 24 kHz, stereo, extended to 48 kHz, low complexity.
        assert_eq!(core_config(&[0x2b, 0x11, 0x88, 0x00]), Some(vec![0x13, 0x10]));
        // Parametric stereo over a mono core.
        assert_eq!(core_config(&[0xeb, 0x09, 0x88, 0x00]), Some(vec![0x13, 0x08]));
        // Low complexity is what it is.
        assert_eq!(core_config(&[0x12, 0x10, 0x56, 0xe5, 0x00]), None);
        assert_eq!(core_config(&[0x2b]), None);
    }
}
