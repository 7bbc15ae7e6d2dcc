//! The picture that a call names.

use super::super::arguments::Arguments;
use super::super::scene::Scene;
use crate::attachment::{Attachment, Source};
use crate::tools::plain::line;

/// The attached picture that the parameter `picture` names, else the newest one that a
/// person attached.
///
/// # Errors
///
/// A sentence for the model that lists the names.
pub(super) fn named<'a>(arguments: &Arguments, scene: &Scene<'a>) -> Result<&'a Attachment, String> {
    let attachments: &'a [Attachment] = scene.attachments;
    let mut pictures = attachments.iter().rev().filter(|attachment| attachment.is_image());
    let Some(name) = arguments.text("picture").filter(|name| !name.is_empty()) else {
        let none = "No picture is attached. Use attach with the path of one first.";
        // What a tool cut out of it or fetched is asked for by its name.
        let given = pictures.clone().find(|picture| picture.source != Source::Tool);
        return given.or_else(|| pictures.next()).ok_or_else(|| none.to_owned());
    };
    if let Some(picture) = pictures.clone().find(|picture| picture.name == name) {
        return Ok(picture);
    }
    let shown = line(name);
    let names: Vec<String> = pictures.take(MOST_NAMES).map(|picture| line(&picture.name)).collect();
    Err(match names.is_empty() {
        true => format!("No picture {shown} is attached: none is. Use attach with its path first."),
        false => format!("No picture {shown} is attached. There are: {}.", names.join(", ")),
    })
}

/// The most names that are listed, the newest.
const MOST_NAMES: usize = 10;

/// Its original content.
///
/// # Errors
///
/// A sentence for the model.
pub(super) fn original(picture: &Attachment, scene: &Scene<'_>) -> Result<Vec<u8>, String> {
    let gone = |error| format!("{} can't be read: {error}", line(&picture.name));
    scene.blobs.read(&picture.id).map_err(gone)
}
