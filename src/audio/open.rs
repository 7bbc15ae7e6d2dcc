//! Opens a file of sound: what it is, its first track that can be decoded, and the decoder.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::LazyLock;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known,
};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::resample::{HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS};
use super::source::{Allowance, Source};
use super::{AudioError, Container, HEAD_BYTES, aac, mend};

/// All decoders: symphonia's own, and libopus for what it has none for.
static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    codecs
});

/// Runs demuxers and decoders on a thread of their own; `None` if one panics. They are other
/// people's code on bytes from anywhere, and arithmetic that overflows in one of their many
/// parsers panics. What was read so far must not go with it, and percept doesn't either, which
/// ends when its main thread panics.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().name("decoder".to_owned()).spawn_scoped(scope, work);
        worker.ok()?.join().ok()
    })
}

/// Opens a file, and its first track that can be decoded.
pub(super) fn open(path: &Path, allowance: Allowance) -> Result<Opened, AudioError> {
    let opened = apart(|| {
        let (container, demuxer) = demuxer(path, allowance)?;
        let found = decodable(path, demuxer.tracks())?;
        Ok((container, demuxer, found))
    });
    opened.unwrap_or_else(|| Err(damaged(path, "reading it failed".to_owned())))
}

/// A file that can be read: what it is, what takes it apart, and its track.
pub(super) type Opened = (Container, Box<dyn FormatReader>, Decodable);

/// Opens a file and finds out what it holds.
fn demuxer(path: &Path, allowance: Allowance) -> Result<(Container, Box<dyn FormatReader>), AudioError> {
    let io = |error| AudioError::Io { path: path.to_owned(), error };
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(AudioError::NotAFile(path.to_owned()));
    }
    if metadata.len() == 0 {
        return Err(AudioError::Empty(path.to_owned()));
    }
    let mut file = File::open(path).map_err(io)?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(io)?;
    file.rewind().map_err(io)?;
    let format = |what: &str| AudioError::Format { path: path.to_owned(), what: what.to_owned() };
    let container = Container::of(&head).ok_or_else(|| AudioError::Unknown(path.to_owned()))?;
    if !container.is_readable() {
        return Err(format(container.name()));
    }
    let seekable = !mend::is_stream(container, &head, metadata.len());
    let head = mend::mended(container, head);
    let source = Source::new(file, head, metadata.len(), allowance).seekable(seekable);
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    let (formats, tags) = (FormatOptions::default(), MetadataOptions::default());
    let demuxer = symphonia::default::get_probe().probe(&Hint::new(), stream, formats, tags);
    Ok((container, demuxer.map_err(|error| damaged(path, error.to_string()))?))
}

/// Whether a file has a track of pictures that move, as far as it can be read.
pub fn has_video(path: &Path) -> bool {
    let is_video = |track: &Track| matches!(track.codec_params, Some(CodecParameters::Video(_)));
    let found =
        apart(|| demuxer(path, Allowance::new()).map(|(_, demuxer)| demuxer.tracks().iter().any(is_video)));
    matches!(found, Some(Ok(true)))
}

fn damaged(path: &Path, why: String) -> AudioError {
    AudioError::Damaged { path: path.to_owned(), why }
}

/// A track with what decodes it.
pub(super) struct Decodable {
    pub(super) track: Track,
    pub(super) decoder: Box<dyn AudioDecoder>,
    /// What is to be said of it.
    pub(super) note: Option<String>,
}

/// The first track of sound that can be decoded, or why none can.
pub(super) fn decodable(path: &Path, tracks: &[Track]) -> Result<Decodable, AudioError> {
    let mut refused = None;
    for track in tracks {
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else { continue };
        match decoder(path, parameters) {
            Ok((decoder, note)) => return Ok(Decodable { track: track.clone(), decoder, note }),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| AudioError::Silent(path.to_owned())))
}

fn decoder(
    path: &Path,
    parameters: &AudioCodecParameters,
) -> Result<(Box<dyn AudioDecoder>, Option<String>), AudioError> {
    check(parameters)?;
    let core = aac::core(parameters);
    let options = AudioDecoderOptions::default();
    match CODECS.make_audio_decoder(core.as_ref().unwrap_or(parameters), &options) {
        Ok(decoder) => {
            let note = core.and_then(|_| band_note(decoder.codec_params().sample_rate?));
            Ok((decoder, note))
        }
        Err(Error::Unsupported(_)) => {
            Err(AudioError::Codec { path: path.to_owned(), codec: name(parameters.codec) })
        }
        Err(error) => Err(damaged(path, error.to_string())),
    }
}

/// A decoder's buffers are as large as the file says, so what no recording has is refused first.
fn check(parameters: &AudioCodecParameters) -> Result<(), AudioError> {
    if let Some(rate) = parameters.sample_rate.filter(|rate| !(LOWEST_RATE..=HIGHEST_RATE).contains(rate)) {
        return Err(AudioError::Rate(rate));
    }
    match parameters.channels.as_ref().map(|channels| channels.count()) {
        Some(count) if count == 0 || count > MOST_CHANNELS => Err(AudioError::Channels(count)),
        _ => Ok(()),
    }
}

/// Said where the core of HE-AAC is narrower than what Whisper hears.
fn band_note(core_rate: u32) -> Option<String> {
    (core_rate < crate::wire::SAMPLE_RATE).then(|| {
        let most = f64::from(core_rate) / 2000.0;
        format!("Its sound is HE-AAC, of which only what lies below {most:.1} kHz is heard.")
    })
}

/// What a codec is called.
fn name(codec: AudioCodecId) -> String {
    use well_known as id;
    let name = match codec {
        id::CODEC_ID_MP1 => "MPEG layer 1",
        id::CODEC_ID_MP2 => "MPEG layer 2",
        id::CODEC_ID_AAC => "AAC of more than two channels or of a rare profile",
        id::CODEC_ID_OPUS => "Opus of more than two channels",
        id::CODEC_ID_AC3 => "AC-3",
        id::CODEC_ID_EAC3 => "E-AC-3",
        id::CODEC_ID_AC4 => "AC-4",
        id::CODEC_ID_DCA => "DTS",
        id::CODEC_ID_TRUEHD => "TrueHD",
        id::CODEC_ID_WMA => "Windows Media Audio",
        id::CODEC_ID_SPEEX => "Speex",
        id::CODEC_ID_MUSEPACK => "Musepack",
        id::CODEC_ID_WAVPACK => "WavPack",
        id::CODEC_ID_MONKEYS_AUDIO => "Monkey's Audio",
        id::CODEC_ID_TTA => "True Audio",
        other => return format!("a codec with the number {other}"),
    };
    name.to_owned()
}
