//! A part of a picture at its full resolution: what the model gets to look at closely.

use super::{IntakeError, Options, image};

/// A whole edge, in the unit of a [`Region`].
pub const WHOLE: u32 = 1000;

/// The least edge of a part in pixels: there is nothing to be seen in less.
pub const LEAST_EDGE: u32 = 8;

/// A part of a picture, in thousandths of its width and height, from its upper left corner:
/// the convention in which Qwen-VL and Gemini say where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Its left edge.
    pub left: u32,
    /// Its upper edge.
    pub top: u32,
    /// Its right edge.
    pub right: u32,
    /// Its lower edge.
    pub bottom: u32,
}

impl Region {
    /// All of a picture.
    pub const WHOLE: Self = Self { left: 0, top: 0, right: WHOLE, bottom: WHOLE };
}

/// A part that was cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crop {
    /// It, as an opaque PNG.
    pub png: Vec<u8>,
    /// Pixels left of it.
    pub left: u32,
    /// Pixels above it.
    pub top: u32,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Width and height of the whole picture, upright, in pixels.
    pub of: (u32, u32),
}

/// Why a part can't be cut out. Each is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum CropError {
    /// An edge beyond the picture.
    #[error("{name}: the region ends at {edge}, and the picture ends at {WHOLE} thousandths.")]
    Outside {
        /// The picture.
        name: String,
        /// The edge.
        edge: u32,
    },
    /// Left is not left of right, or top not above bottom.
    #[error("{0}: the region is empty: left must be less than right, and top less than bottom.")]
    Empty(String),
    /// Too little to see anything.
    #[error(
        "{name}: the region has {width} x {height} pixels, and at least {LEAST_EDGE} x {LEAST_EDGE} are needed. Take a larger one."
    )]
    TooSmall {
        /// The picture.
        name: String,
        /// Width of the region in pixels.
        width: u32,
        /// Height of the region in pixels.
        height: u32,
    },
    /// It is no picture.
    #[error("{0} is not a picture.")]
    NotAPicture(String),
    /// The picture can't be decoded, or is too large to be.
    #[error(transparent)]
    Picture(#[from] IntakeError),
}

/// Cuts a part out of the original bytes of a picture, turned upright. It isn't scaled.
///
/// # Errors
///
/// The region is none, or the picture can't be decoded within the bounds.
pub fn crop(name: &str, bytes: &[u8], region: Region, options: &Options) -> Result<Crop, CropError> {
    let Region { left, top, right, bottom } = region;
    if let Some(edge) = [left, top, right, bottom].into_iter().find(|edge| *edge > WHOLE) {
        return Err(CropError::Outside { name: name.to_owned(), edge });
    }
    if left >= right || top >= bottom {
        return Err(CropError::Empty(name.to_owned()));
    }
    let format = image::format_of(bytes).ok_or_else(|| CropError::NotAPicture(name.to_owned()))?;
    let picture = image::decode(name, bytes, format, options)?.picture;
    let of = (picture.width(), picture.height());
    let (left, width) = pixels(left, right, of.0);
    let (top, height) = pixels(top, bottom, of.1);
    if (width < LEAST_EDGE || height < LEAST_EDGE) && region != Region::WHOLE {
        return Err(CropError::TooSmall { name: name.to_owned(), width, height });
    }
    let png = image::png(name, &picture.crop_imm(left, top, width, height))?;
    Ok(Crop { png, left, top, width, height, of })
}

/// Where thousandths begin in pixels, and how many pixels they cover: every pixel that they
/// touch.
fn pixels(from: u32, to: u32, of: u32) -> (u32, u32) {
    let (from, to, of, whole) = (u64::from(from), u64::from(to), u64::from(of), u64::from(WHOLE));
    let start = from * of / whole;
    let end = (to * of).div_ceil(whole).min(of);
    // Both are at most `of`, which came from a `u32`.
    (start as u32, (end - start) as u32)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ::image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn png(picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    /// Every pixel holds its own place.
    fn numbered(width: u32, height: u32) -> Vec<u8> {
        png(&RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 7])).into())
    }

    fn region(left: u32, top: u32, right: u32, bottom: u32) -> Region {
        Region { left, top, right, bottom }
    }

    #[test]
    fn a_part_keeps_its_pixels_as_they_are() {
        let options = Options { max_edge: 16, ..Options::default() };
        let crop = crop("p", &numbered(200, 100), region(250, 500, 375, 1000), &options).unwrap();
        assert_eq!((crop.left, crop.top, crop.width, crop.height, crop.of), (50, 50, 25, 50, (200, 100)));
        let part = ::image::load_from_memory(&crop.png).unwrap().to_rgb8();
        assert_eq!(part.dimensions(), (25, 50));
        assert_eq!((part.get_pixel(0, 0).0, part.get_pixel(24, 49).0), ([50, 50, 7], [74, 99, 7]));
    }

    #[test]
    fn what_is_no_region_is_said() {
        let picture = numbered(200, 100);
        let said = |region| crop("shot.png", &picture, region, &Options::default()).unwrap_err().to_string();
        assert!(said(region(0, 0, 1001, 10)).contains("ends at 1001"));
        assert!(said(region(500, 0, 500, 10)).contains("empty"));
        assert!(said(region(0, 30, 10, 20)).contains("empty"));
        assert_eq!(
            said(region(0, 0, 35, 1000)),
            "shot.png: the region has 7 x 100 pixels, and at least 8 x 8 are needed. Take a larger one."
        );
        let few = Options { max_pixels: 100, ..Options::default() };
        let error = crop("p", &picture, Region::WHOLE, &few).unwrap_err();
        assert!(matches!(error, CropError::Picture(IntakeError::TooManyPixels { .. })), "{error}");
        let none = crop("p", b"text", Region::WHOLE, &Options::default()).unwrap_err();
        assert!(matches!(none, CropError::NotAPicture(_)));
        assert!(crop("p", &picture[..60], Region::WHOLE, &Options::default()).is_err());
    }

    #[test]
    fn transparent_parts_are_white_and_a_small_whole_is_fine() {
        let picture = png(&RgbaImage::from_pixel(4, 4, Rgba([0, 0, 0, 0])).into());
        let crop = crop("p", &picture, Region::WHOLE, &Options::default()).unwrap();
        let whole = ::image::load_from_memory(&crop.png).unwrap().to_rgb8();
        assert_eq!((crop.width, whole.get_pixel(0, 0).0), (4, [255; 3]));
    }

    #[test]
    fn every_pixel_that_is_touched_is_in() {
        for of in [8, 9, 100, 999, 1000, 4001] {
            assert_eq!(pixels(0, WHOLE, of), (0, of));
            let (start, length) = pixels(333, 667, of);
            assert!(u64::from(start) * 1000 <= 333 * u64::from(of));
            assert!(u64::from(start + length) * 1000 >= 667 * u64::from(of) && start + length <= of);
        }
    }
}
