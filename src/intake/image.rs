//! Pictures: recognised by their first bytes, measured before they are decoded, turned
//! upright, and made into a PNG where the model's worker can't read the original.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::{IntakeError, Options};
use crate::attachment::Medium;

/// Memory that a decoder may take for one pixel: 16-bit RGBA, and as much again beside it.
const DECODER_BYTES_PER_PIXEL: u64 = 16;

/// The format that the content starts like, if it is one that is read here.
pub(super) fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(bytes).ok()?;
    let known = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ];
    // A text may begin with `BM`; a bitmap has the size of its header there.
    let bitmap = |bytes: &[u8]| {
        bytes.get(14..18).is_some_and(|size| matches!(size, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
    };
    (known.contains(&format) && (format != ImageFormat::Bmp || bitmap(bytes))).then_some(format)
}

/// A picture that was measured, decoded and turned upright.
pub(super) struct Upright {
    pub(super) picture: DynamicImage,
    /// Whether its pixels lie as the file has them.
    as_stored: bool,
}

/// Measures a picture by its header, and decodes it if it is within bounds.
pub(super) fn decode(
    name: &str,
    bytes: &[u8],
    format: ImageFormat,
    options: &Options,
) -> Result<Upright, IntakeError> {
    let broken = |error| broken(name, format, error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(options.max_pixels.saturating_mul(DECODER_BYTES_PER_PIXEL));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > options.max_pixels {
        let most_millions = options.max_pixels / 1_000_000;
        return Err(IntakeError::TooManyPixels { name: name.to_owned(), width, height, most_millions });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(Upright { picture, as_stored: orientation == Orientation::NoTransforms })
}

/// The picture as an opaque PNG.
pub(super) fn png(name: &str, picture: &DynamicImage) -> Result<Vec<u8>, IntakeError> {
    let mut png = Vec::new();
    let written = on_white(picture).write_to(&mut Cursor::new(&mut png), ImageFormat::Png);
    written.map_err(|error| broken(name, ImageFormat::Png, error))?;
    Ok(png)
}

fn broken(name: &str, format: ImageFormat, error: image::ImageError) -> IntakeError {
    IntakeError::BrokenPicture { name: name.to_owned(), format: word_for(format).to_owned(), error }
}

/// Decodes a picture; returns what it is, and the view where one is needed.
pub(super) fn look_at(
    name: &str,
    bytes: &[u8],
    format: ImageFormat,
    options: &Options,
) -> Result<(Medium, Option<Vec<u8>>), IntakeError> {
    let Upright { mut picture, as_stored } = decode(name, bytes, format, options)?;
    let medium = Medium::Image {
        width: picture.width(),
        height: picture.height(),
        format: word_for(format).to_owned(),
        view: None,
    };
    let readable = matches!(format, ImageFormat::Png | ImageFormat::Jpeg);
    let small = picture.width().max(picture.height()) <= options.max_edge;
    let opaque = is_opaque(&picture);
    if readable && small && opaque && as_stored {
        return Ok((medium, None));
    }
    if !small {
        let edge = options.max_edge;
        picture = picture.resize(edge, edge, image::imageops::FilterType::Lanczos3);
    }
    Ok((medium, Some(png(name, &picture)?)))
}

fn is_opaque(picture: &DynamicImage) -> bool {
    !picture.color().has_alpha() || picture.to_rgba8().pixels().all(|pixel| pixel.0[3] == u8::MAX)
}

/// Transparent parts become white, as they look in most viewers: without their alpha
/// channel, they would have whatever colour lies hidden in them.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        let blend = |c: u32| ((c * a + 255 * (255 - a) + 127) / 255) as u8;
        Rgb([blend(r), blend(g), blend(b)])
    })
}

fn word_for(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "png",
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::WebP => "webp",
        ImageFormat::Gif => "gif",
        ImageFormat::Bmp => "bmp",
        _ => "tiff",
    }
}
