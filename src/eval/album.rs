//! Folders of pictures, and searches in them: a text that is about one of them.

use std::io;
use std::path::{Path, PathBuf};

use super::draw::{self, Drawing, Text};
use super::generate::{SIZES, TOLD_APART, keep};
use super::item::{Answer, Item, Kind};
use super::rng::Rng;

/// Pictures in a folder, whatever the number of searches: finding one among fewer is easier.
const PICTURES: usize = 200;

/// Searches in a folder; more of them have more folders.
const SEARCHES: usize = 50;

/// Makes searches, and the folders that they are in.
pub(super) fn searches(seed: u64, count: usize, folder: &Path) -> io::Result<Vec<Item>> {
    let kind = Kind::PictureSearch;
    let base = Rng::new(seed).fork(kind.name());
    let mut items = Vec::with_capacity(count);
    while items.len() < count {
        let name = format!("pictures-{seed}-{:04}", items.len() / SEARCHES + 1);
        let album = album(&mut base.fork(&name), &folder.join(&name))?;
        for (picture, about) in album.into_iter().step_by(PICTURES / SEARCHES).take(count - items.len()) {
            items.push(Item {
                id: format!("{}-{seed}-{:04}", kind.name(), items.len() + 1),
                kind,
                group: None,
                attach: vec![PathBuf::from(&name)],
                question: about,
                answer: Answer::Documents(vec![picture]),
                guess: None,
            });
        }
    }
    Ok(items)
}

/// Draws pictures into a folder; each with a text that is about no other.
fn album(rng: &mut Rng, folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    std::fs::create_dir_all(folder)?;
    let mut album: Vec<(PathBuf, String)> = Vec::with_capacity(PICTURES);
    while album.len() < PICTURES {
        let scene = *rng.pick(&TOLD_APART);
        let drawing = draw::draw(scene, SIZES[0], Text::default(), rng);
        if !album.iter().any(|(_, about)| same(about, &drawing)) && drawing.about.len() > 3 {
            let file = keep(&drawing, rng, folder, &format!("{:03}", album.len() + 1))?;
            album.push((file, drawing.about));
        }
    }
    Ok(album)
}

/// Whether a text might be about a drawing too.
pub(super) fn same(about: &str, drawing: &Drawing) -> bool {
    about.contains(&drawing.about) || drawing.about.contains(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_as_many_pictures_whatever_is_asked_and_a_seed_draws_the_same() {
        let made = |count: usize| {
            let folder = tempfile::tempdir().unwrap();
            let items = searches(7, count, folder.path()).unwrap();
            let pictures = std::fs::read_dir(folder.path().join(&items[0].attach[0])).unwrap().count();
            for item in &items {
                let Answer::Documents(right) = &item.answer else { panic!("{item:?}") };
                assert!(folder.path().join(&item.attach[0]).join(&right[0]).is_file(), "{item:?}");
                assert!(item.question.len() > 3);
            }
            (items, pictures)
        };
        let (few, pictures) = made(2);
        assert_eq!((few.len(), pictures), (2, PICTURES));
        let (more, pictures) = made(SEARCHES + 1);
        assert_eq!((more.len(), pictures), (SEARCHES + 1, PICTURES));
        assert_eq!(more[..2], few[..]);
        assert_ne!(more[SEARCHES].attach, more[0].attach);
    }
}
