//! Pictures as files, and what becomes of them on their way.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageError, RgbImage};

/// A picture as JPEG of a quality from 1 to 100.
///
/// # Errors
///
/// The picture has no pixels, or more than JPEG can hold.
pub fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image)?;
    Ok(bytes.into_inner())
}

/// A picture as PNG.
///
/// # Errors
///
/// The picture has no pixels.
pub fn png(image: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}
