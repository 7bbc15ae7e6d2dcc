//! `zoom`: a part of a picture at its full resolution, which the model gets as a picture of
//! its own.

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use super::picture;
use crate::attachment::{Attachment, Medium, Source};
use crate::intake::{self, Crop, Given, Region, WHOLE, crop};
use crate::tools::plain::line;

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let picture = picture::named(arguments, scene)?;
    let region = region(arguments)?;
    let bytes = picture::original(picture, scene)?;
    let name = line(&picture.name);
    let mut crop = crop(&name, &bytes, region, scene.intake).map_err(|error| line(&error.to_string()))?;
    let Region { left, top, right, bottom } = region;
    let part = format!("{name} [{left},{top}-{right},{bottom}]");
    let given = Given::Bytes { name: part, bytes: std::mem::take(&mut crop.png), source: Source::Tool };
    let taken = intake::take(&given, scene.intake).map_err(|error| line(&error.to_string()))?;
    let text = told(&name, &crop, &taken.attachment, scene.intake.max_edge);
    Ok(Found { text, taken: vec![taken], ..Found::default() })
}

fn region(arguments: &Arguments) -> Result<Region, String> {
    let edge = |name: &str| {
        let value = arguments.integer(name).unwrap_or_default();
        let edge = u32::try_from(value).ok().filter(|edge| *edge <= WHOLE);
        edge.ok_or_else(|| format!("zoom: `{name}` must be from 0 to {WHOLE}."))
    };
    Ok(Region { left: edge("left")?, top: edge("top")?, right: edge("right")?, bottom: edge("bottom")? })
}

fn told(name: &str, crop: &Crop, attachment: &Attachment, max_edge: u32) -> String {
    let Crop { left, top, width, height, of: (whole_width, whole_height), .. } = crop;
    let scaled = match &attachment.medium {
        Medium::Image { .. } if *width.max(height) > max_edge => {
            format!(" It is scaled down to {max_edge} pixels: zoom into a smaller part to see more.")
        }
        _ => String::new(),
    };
    format!(
        "{}: {width} x {height} pixels of {name} ({whole_width} x {whole_height}), {left} from its left edge and {top} from its top edge.{scaled}",
        line(&attachment.name)
    )
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::super::testing::Stage;
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 0]));
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn a_part_is_attached_at_its_own_resolution() {
        let mut stage = Stage::new();
        stage.attach("old.png", &png(50, 50));
        stage.attach("shot.png", &png(200, 100));
        stage.attach("notes.txt", b"text");
        let found = stage.call("zoom", r#"{"left": 500, "top": 0, "right": 1000, "bottom": 500}"#).unwrap();
        assert_eq!(
            found.text,
            "shot.png [500,0-1000,500]: 100 x 50 pixels of shot.png (200 x 100), 100 from its left edge and 0 from its top edge."
        );
        let [taken] = found.taken.as_slice() else { panic!("{:?}", found.taken) };
        assert_eq!(
            (taken.attachment.name.as_str(), &taken.attachment.source, &taken.view),
            ("shot.png [500,0-1000,500]", &Source::Tool, &None)
        );
        let part = image::load_from_memory(&taken.original).unwrap().to_rgb8();
        assert_eq!((part.dimensions(), part.get_pixel(0, 0).0), ((100, 50), [100, 0, 0]));
        let named = r#"{"picture": "old.png", "left": 0, "top": 0, "right": 1000, "bottom": 1000}"#;
        assert!(stage.text("zoom", named).contains("50 x 50 pixels of old.png"));
    }

    #[test]
    fn a_call_that_names_nothing_is_answered_with_what_there_is() {
        let mut stage = Stage::new();
        let all = r#"{"left": 0, "top": 0, "right": 1000, "bottom": 1000}"#;
        assert!(stage.error("zoom", all).starts_with("No picture is attached."));
        stage.attach("notes.txt", b"text");
        stage.attach("shot.png", &png(100, 100));
        let call = |picture: &str, right: i64| {
            format!(r#"{{"picture": "{picture}", "left": 0, "top": 0, "right": {right}, "bottom": 900}}"#)
        };
        for wrong in ["notes.txt", "other.png"] {
            let expected = format!("No picture {wrong} is attached. There are: shot.png.");
            assert_eq!(stage.error("zoom", &call(wrong, 900)), expected);
        }
        assert!(stage.error("zoom", &call("", 1001)).contains("at most 1000"));
        assert!(stage.error("zoom", &call("", -1)).contains("at least 0"));
        assert!(stage.error("zoom", &call("", 0)).contains("the region is empty"));
        assert!(stage.error("zoom", &call("", 70)).contains("at least 8 x 8"));
    }
}
