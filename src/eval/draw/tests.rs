use super::*;
use crate::eval::item::Answer;

const SCENES: [(Scene, (u16, u16)); 13] = [
    (Scene::Crops, (160, 60)),
    (Scene::Lines, (160, 20)),
    (Scene::Lines, (320, 40)),
    (Scene::Terminal, (320, 100)),
    (Scene::Terminal, (640, 400)),
    (Scene::Dialog, (320, 140)),
    (Scene::Dialog, (1280, 800)),
    (Scene::Chart, (320, 140)),
    (Scene::Table, (400, 200)),
    (Scene::Code, (400, 200)),
    (Scene::Count, (320, 200)),
    (Scene::Spatial, (320, 200)),
    (Scene::State, (320, 200)),
];

fn drawn(scene: Scene, size: (u16, u16), seed: u64) -> Drawing {
    draw(scene, size, Text::default(), &mut Rng::new(seed))
}

#[test]
fn a_seed_gives_the_same_picture_and_another_seed_another_one() {
    for (scene, size) in SCENES {
        let (one, same, other) = (drawn(scene, size, 5), drawn(scene, size, 5), drawn(scene, size, 6));
        assert_eq!(one.image.dimensions(), (u32::from(size.0), u32::from(size.1)));
        assert!(one.image == same.image && one.questions == same.questions && one.glyphs == same.glyphs);
        assert!(one.image != other.image, "{scene:?}");
    }
}

#[test]
fn what_is_asked_for_stands_in_the_picture_where_it_is_said_to() {
    for (scene, size) in SCENES {
        for seed in 0..40 {
            let drawing = drawn(scene, size, seed);
            let all: String = drawing.glyphs.iter().map(|glyph| glyph.character).collect();
            for glyph in &drawing.glyphs {
                let inside = (0.0..f32::from(size.0)).contains(&glyph.x);
                assert!(inside && (0.0..f32::from(size.1)).contains(&glyph.y), "{scene:?} {seed}: {glyph:?}");
            }
            let questions = drawing.questions.iter().chain(&drawing.caption);
            for Question { ask, says, answer, guess: _ } in questions {
                assert!(says.is_ascii() && ask.is_ascii() && !says.is_empty(), "{scene:?} {seed}: {says:?}");
                match answer {
                    Answer::Text { is, not } => {
                        let spelled: String = is.split(' ').collect();
                        assert!(all.contains(&spelled), "{scene:?} {seed}: {is:?} isn't in {all:?}");
                        assert!(not.iter().all(|other| !is.contains(other)), "{is:?} {not:?}");
                    }
                    Answer::Choice { is, among } => {
                        assert!(
                            among.contains(is) && is.split('|').any(|name| name == says),
                            "{is} {among:?}"
                        );
                    }
                    Answer::Number(number) => assert!((0..=100).contains(number)),
                    Answer::Facts { named, invented } => {
                        assert!(named.iter().all(|fact| says.contains(fact.as_str())), "{says} {named:?}");
                        assert!(invented.iter().all(|fact| !says.contains(fact.as_str())), "{says}");
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn a_picture_has_ink_of_its_own_at_each_character() {
    let drawing = drawn(Scene::Terminal, (320, 140), 3);
    let back = *drawing.image.get_pixel(319, 139);
    let inked = drawing.glyphs.iter().filter(|glyph| {
        let (x, y) = (glyph.x as u32, glyph.y as u32);
        let near = |x: u32, y: u32| drawing.image.get_pixel_checked(x, y).is_some_and(|pixel| *pixel != back);
        (x.saturating_sub(3)..x + 4).any(|x| (y.saturating_sub(5)..y + 6).any(|y| near(x, y)))
    });
    assert!(inked.count() * 10 > drawing.glyphs.len() * 9);
}

#[test]
fn half_of_what_may_be_absent_is_absent() {
    let mut rng = Rng::new(4);
    let scenes = [Scene::Dialog, Scene::Terminal, Scene::Chart];
    let absent = (0..200).filter(|at| absent(scenes[at % 3], (320, 140), &mut rng).1.is_absent()).count();
    assert!((70..=130).contains(&absent), "{absent}");
}
