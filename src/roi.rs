//! The region of interest of a picture: where its text is.
//!
//! A model that was trained on small pictures reads a window on a large screen no better than the
//! budget of its projector lets it: scaled down, the letters are gone. Where the text is all in one
//! place, that place can be cut out instead. No model is asked for it: letters are many sharp edges
//! close together, and those are counted.

use image::{RgbImage, imageops};

/// The side of the squares in which edges are counted, in pixels.
const CELL: u32 = 10;

/// Neighbouring pixels are an edge if their luma differs by so much: more than the noise of JPEG and
/// the steps of a gradient.
const EDGE: i32 = 40;

/// So many hundredths of all edges are in a region that holds the text.
const MOST: u64 = 90;

/// How much the region may be scaled down, in hundredths: as desktops scale windows up on screens
/// of many pixels.
const SCALES: [u32; 4] = [100, 125, 150, 200];

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Roi {
    /// Pixels left of it.
    left: u32,
    /// Pixels above it.
    top: u32,
    /// Its width.
    width: u32,
    /// Its height.
    height: u32,
}

/// Returns the part of a picture that has its text and fits into a window of so many pixels in
/// width and height, cut out, scaled down to at most half if it must be. `None`: the picture fits
/// as it is, has nothing to read, or its text is all over it.
pub fn cut(picture: &RgbImage, window: (u32, u32)) -> Option<RgbImage> {
    let Roi { left, top, width, height } = of_text(picture, window)?;
    let part = imageops::crop_imm(picture, left, top, width, height).to_image();
    let fit = |side: u32, other: u32, most: u32, other_most: u32| {
        // The side that the other one leaves it, as neither may be longer than the window's.
        let scaled = u64::from(side) * u64::from(other_most) / u64::from(other.max(1));
        u32::try_from(scaled).unwrap_or(most).min(most).min(side).max(1)
    };
    let (wide, high) = (fit(width, height, window.0, window.1), fit(height, width, window.1, window.0));
    match (wide, high) == (width, height) {
        true => Some(part),
        false => Some(imageops::resize(&part, wide, high, imageops::FilterType::Triangle)),
    }
}

/// Returns the region: the one with the most text among the smallest that hold nearly all of it.
fn of_text(picture: &RgbImage, (wide, high): (u32, u32)) -> Option<Roi> {
    let (width, height) = picture.dimensions();
    if width <= wide && height <= high || wide < CELL || high < CELL {
        return None;
    }
    let edges = Edges::of(picture);
    let all = edges.within(0, 0, edges.columns, edges.rows);
    if all == 0 {
        return None;
    }
    SCALES.into_iter().find_map(|scale| {
        let side = |of_window: u32, of_picture: u32| (of_window * scale / 100).min(of_picture);
        let (wide, high) = (side(wide, width), side(high, height));
        let (column, row, held) = edges.best(wide / CELL, high / CELL);
        (held * 100 >= all * MOST).then(|| Roi {
            left: (column * CELL).min(width - wide),
            top: (row * CELL).min(height - high),
            width: wide,
            height: high,
        })
    })
}

/// How many edges there are, in squares of [`CELL`] pixels.
struct Edges {
    columns: u32,
    rows: u32,
    /// Of all squares above and left of each corner: `(rows + 1) * (columns + 1)`, row by row.
    sums: Vec<u64>,
}

impl Edges {
    fn of(picture: &RgbImage) -> Self {
        let (columns, rows) = (picture.width().div_ceil(CELL), picture.height().div_ceil(CELL));
        let mut cells = vec![0_u64; columns as usize * rows as usize];
        for (y, line) in picture.rows().enumerate() {
            let mut before = None;
            for (x, pixel) in line.enumerate() {
                let luma = luma(pixel.0);
                if before.is_some_and(|before: i32| (luma - before).abs() >= EDGE) {
                    cells[y / CELL as usize * columns as usize + x / CELL as usize] += 1;
                }
                before = Some(luma);
            }
        }
        let stride = columns as usize + 1;
        let mut sums = vec![0; stride * (rows as usize + 1)];
        for (row, cells) in cells.chunks(columns as usize).enumerate() {
            let mut line = 0;
            for (column, cell) in cells.iter().enumerate() {
                line += cell;
                sums[(row + 1) * stride + column + 1] = sums[row * stride + column + 1] + line;
            }
        }
        Self { columns, rows, sums }
    }

    /// The edges in so many columns and rows from a square on.
    fn within(&self, column: u32, row: u32, columns: u32, rows: u32) -> u64 {
        let sum = |column: u32, row: u32| {
            let (column, row) = (column.min(self.columns), row.min(self.rows));
            self.sums[row as usize * (self.columns as usize + 1) + column as usize]
        };
        let (right, bottom) = (column + columns, row + rows);
        sum(right, bottom) + sum(column, row) - sum(column, bottom) - sum(right, row)
    }

    /// Where a region of so many squares holds the most edges, and how many. Of the places that
    /// hold as many, the one in the middle: as much is to be seen on all sides of the text.
    fn best(&self, columns: u32, rows: u32) -> (u32, u32, u64) {
        let (last_column, last_row) = (self.columns.saturating_sub(columns), self.rows.saturating_sub(rows));
        let places = || (0..=last_row).flat_map(|row| (0..=last_column).map(move |column| (column, row)));
        let held = |&(column, row): &(u32, u32)| self.within(column, row, columns, rows);
        let most = places().map(|place| held(&place)).max().unwrap_or_default();
        let mut as_many = places().filter(|place| held(place) == most);
        let first = as_many.next().unwrap_or_default();
        let (mut right, mut bottom) = first;
        for (column, row) in as_many {
            (right, bottom) = (right.max(column), bottom.max(row));
        }
        let middle = (u32::midpoint(first.0, right), u32::midpoint(first.1, bottom));
        // Two texts that are as long, apart, have nothing in their middle.
        let place = if held(&middle) == most { middle } else { first };
        (place.0, place.1, most)
    }
}

/// ITU-R BT.601 luma, 0 to 255.
fn luma([red, green, blue]: [u8; 3]) -> i32 {
    (i32::from(red) * 299 + i32::from(green) * 587 + i32::from(blue) * 114) / 1000
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    const WINDOW: (u32, u32) = (400, 200);

    /// A picture with stripes of two pixels, as letters have, in some places.
    fn striped(width: u32, height: u32, places: &[Roi]) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let inside = |place: &&Roi| {
                (place.left..place.left + place.width).contains(&x)
                    && (place.top..place.top + place.height).contains(&y)
            };
            let is_ink = places.iter().find(inside).is_some_and(|place| (x - place.left) / 2 % 2 == 0);
            Rgb(if is_ink { [20; 3] } else { [240; 3] })
        })
    }

    const fn roi(left: u32, top: u32, width: u32, height: u32) -> Roi {
        Roi { left, top, width, height }
    }

    #[test]
    fn a_text_on_a_large_screen_is_cut_out_with_as_much_on_each_side() {
        let picture = striped(1280, 800, &[roi(700, 500, 300, 100)]);
        assert_eq!(of_text(&picture, WINDOW), Some(roi(650, 450, 400, 200)));
        assert_eq!(cut(&picture, WINDOW).unwrap().dimensions(), WINDOW);
        // At the edge there is no more.
        let picture = striped(1280, 800, &[roi(980, 700, 300, 100)]);
        assert_eq!(of_text(&picture, WINDOW).unwrap(), roi(880, 600, 400, 200));
    }

    #[test]
    fn a_larger_text_is_scaled_down_and_one_that_is_all_over_is_left_as_it_is() {
        let picture = striped(1280, 800, &[roi(100, 100, 560, 250)]);
        let found = of_text(&picture, WINDOW).unwrap();
        assert_eq!((found.width, found.height), (600, 300));
        assert_eq!(cut(&picture, WINDOW).unwrap().dimensions(), WINDOW);
        assert_eq!(of_text(&striped(1280, 800, &[roi(0, 0, 1280, 800)]), WINDOW), None);
        // Two windows far apart.
        assert_eq!(
            of_text(&striped(1280, 800, &[roi(0, 0, 300, 100), roi(900, 600, 300, 100)]), WINDOW),
            None
        );
    }

    #[test]
    fn what_fits_is_blank_or_is_no_window_is_left_as_it_is() {
        assert_eq!(of_text(&striped(400, 200, &[roi(0, 0, 100, 100)]), WINDOW), None);
        assert_eq!(of_text(&striped(1280, 800, &[]), WINDOW), None);
        assert_eq!(of_text(&striped(1280, 800, &[roi(0, 0, 100, 100)]), (0, 0)), None);
        assert_eq!(of_text(&RgbImage::new(0, 0), WINDOW), None);
    }

    #[test]
    fn a_low_wide_picture_keeps_its_proportions() {
        let picture = striped(760, 90, &[roi(0, 0, 760, 90)]);
        let (wide, high) = cut(&picture, WINDOW).unwrap().dimensions();
        assert_eq!((wide, high), (400, 47));
    }

    proptest! {
        #[test]
        fn whatever_the_picture_the_region_is_inside_and_the_cut_fits(
            width in 1_u32..900, height in 1_u32..500, wide in 0_u32..500, high in 0_u32..300,
            left in 0_u32..900, top in 0_u32..500, side in 0_u32..200,
        ) {
            let picture = striped(width, height, &[roi(left, top, side, side)]);
            if let Some(found) = of_text(&picture, (wide, high)) {
                prop_assert!(found.left + found.width <= width && found.top + found.height <= height);
                let cut = cut(&picture, (wide, high)).unwrap();
                prop_assert!(cut.width() <= wide && cut.height() <= high, "{:?}", cut.dimensions());
            }
        }
    }
}
