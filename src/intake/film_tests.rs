use super::*;

/// A film of the fixtures; `None`, with a word, where there is no ffmpeg.
fn film(name: &str) -> Option<std::path::PathBuf> {
    if find("ffmpeg").is_none() {
        assert!(std::env::var_os("PERCEPT_REQUIRE_PROGRAMS").is_none(), "ffmpeg isn't installed");
        println!("skipped: ffmpeg isn't installed");
        return None;
    }
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio").join(name))
}

static GO: AtomicBool = AtomicBool::new(false);

#[test]
fn the_pictures_of_a_film_are_its_scenes_and_no_larger_than_wanted() {
    let Some(path) = film("film.mp4") else { return };
    let pictures_of = |edge| pictures((&path, &path), 8, edge, &GO).unwrap();
    let pictures = pictures_of(1280);
    let shapes: Vec<_> =
        pictures.iter().map(|picture| (picture.at_ms, picture.width, picture.height)).collect();
    assert_eq!(shapes, [(0, 160, 90), (1500, 160, 90)]);
    let pixel =
        |picture: &Picture| image::load_from_memory(&picture.bytes).unwrap().to_rgb8().get_pixel(5, 5).0;
    let [red, green, blue] = pixel(&pictures[0]);
    assert!(blue > 90 && red < 60 && green < 90, "the first scene is blue: {red} {green} {blue}");
    assert_ne!(pixel(&pictures[0]), pixel(&pictures[1]));
    let small: Vec<_> = pictures_of(80).iter().map(|picture| (picture.width, picture.height)).collect();
    assert_eq!(small, [(80, 45), (80, 45)]);
}

#[test]
fn a_film_is_known_by_its_pictures() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio");
    let films: Vec<_> =
        ["film.mp4", "silent.mp4", "film.avi", "speech.m4a", "speech.webm", "speech.mka", "speech.mp3"]
            .into_iter()
            .filter(|name| has_pictures(&data.join(name)))
            .collect();
    assert_eq!(films, ["film.mp4", "silent.mp4", "film.avi"]);
}

#[test]
fn the_sound_that_percept_cannot_read_is_extracted() {
    let Some(path) = film("film.avi") else { return };
    let file = sound((&path, &path), &GO).unwrap();
    let look = audio::look(file.path(), &GO, &mut |_| {}).unwrap();
    assert!((1900..=2100).contains(&look.duration_ms), "{}", look.duration_ms);
    assert!(look.waveform.iter().any(|peak| *peak > 20));
    assert_eq!(look.notes, [""; 0]);
    // It is called by its name, wherever it lies.
    let silent = sound((&film("silent.mp4").unwrap(), Path::new("standard input")), &GO).unwrap_err();
    assert!(silent.starts_with("ffmpeg can't read standard input: "), "{silent}");
}

#[test]
fn what_is_stopped_gives_no_pictures() {
    let Some(path) = film("film.mp4") else { return };
    let why = pictures((&path, &path), 8, 1280, &AtomicBool::new(true)).unwrap_err();
    assert!(why.ends_with("it was stopped."), "{why}");
}

#[test]
fn a_playlist_that_names_other_files_is_no_film() {
    let Some(secret) = film("film.mp4") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    for list in ["ffconcat version 1.0\nfile 'SECRET'\n", "#EXTM3U\n#EXTINF:3,\nSECRET\n#EXT-X-ENDLIST\n"] {
        let list = list.replace("SECRET", &secret.display().to_string());
        std::fs::write(&path, &list).unwrap();
        assert!(!has_pictures(&path));
        assert!(pictures((&path, &path), 8, 1280, &GO).unwrap_err().ends_with("is no film."));
        // One behind the head of a film is not read as a list either.
        let head = std::fs::read(&secret).unwrap()[..32].to_vec();
        std::fs::write(&path, [&head[..], list.as_bytes()].concat()).unwrap();
        assert!(pictures((&path, &path), 8, 1280, &GO).unwrap_err().contains("ffmpeg can't read"));
    }
}

#[test]
fn scenes_are_read_in_any_pieces_and_a_fade_is_one() {
    let printed = "frame:0 pts:0 pts_time:0\nlavfi.scene_score=0.0\nframe:1 pts:1 pts_time:2.4999\n\
                   lavfi.scene_score=0.5\nframe:2 pts:2 pts_time:2.6\nlavfi.scene_score=0.4\n\
                   frame:3 pts:3 pts_time:9\nlavfi.scene_score=0.05\nframe:4 pts:4 pts_time:nan\nlavfi.scene_score=x\n";
    for size in [1, 7, 1000] {
        let mut scenes = Scenes::default();
        printed.as_bytes().chunks(size).for_each(|piece| scenes.take(piece));
        assert_eq!((scenes.seen, scenes.starts.as_slice()), (5, &[0, 2499][..]));
    }
}

#[test]
fn of_many_scenes_the_first_and_the_last_and_some_between_are_taken() {
    let all: Vec<u64> = (0..100).collect();
    assert_eq!(evenly(&all, 4), [0, 33, 66, 99]);
    assert_eq!(evenly(&all, 1), [0]);
    assert_eq!(evenly(&all, 0), [0; 0]);
    assert_eq!(evenly(&all[..3], 8), [0, 1, 2]);
    assert_eq!(evenly(&[], 1), [0; 0]);
}

#[test]
fn a_film_without_pictures_has_none_and_that_is_no_failure() {
    let Some(speech) = film("speech.wav") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [("voice.wma", "asf"), ("voice.flv", "flv"), ("voice.ts", "mpegts")] {
        let path = folder.path().join(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(&speech)
            .args(["-ar", "22050", "-f", format])
            .arg(&path);
        assert!(ffmpeg.status().unwrap().success());
        assert!(has_pictures(&path), "{name}: which it is turns out later");
        assert_eq!(pictures((&path, &path), 8, 1280, &GO), Ok(Vec::new()), "{name}");
    }
}

#[test]
fn a_picture_that_can_not_be_decoded_is_left_out() {
    let picture = |at_ms| Picture { at_ms, width: 1, height: 1, bytes: vec![1] };
    let why = || "ffmpeg can't read it.".to_owned();
    let broken = || Err(why());
    let of = |all: Vec<_>| readable(all.into_iter(), &GO);
    let good = vec![picture(1), picture(3)];
    assert_eq!(of(vec![Ok(Some(picture(1))), broken(), Ok(None), Ok(Some(picture(3)))]), Ok(good));
    assert_eq!(of(vec![broken(), Ok(None), broken()]), Err(why()));
    assert_eq!(of(vec![Ok(None)]), Ok(Vec::new()));
    // A film whose reading was stopped has not all its pictures.
    let stopped = readable([Ok(Some(picture(1))), broken()].into_iter(), &AtomicBool::new(true));
    assert_eq!(stopped, Err(why()));
}

#[test]
fn times_of_any_size_are_taken() {
    let mut scenes = Scenes::default();
    for time in ["1e300", "1e300", "-5", "inf", "NaN"] {
        scenes.take(format!("pts_time:{time}\nlavfi.scene_score=1\n").as_bytes());
    }
    assert_eq!((scenes.seen, scenes.starts.as_slice()), (5, &[u64::MAX; 3][..]));
}
