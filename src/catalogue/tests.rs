//! The entries, and the files that they name.

use super::*;

fn built_in() -> Catalogue {
    let (catalogue, errors) = Catalogue::load(Path::new("/nonexistent"));
    assert!(errors.is_empty(), "{errors:?}");
    catalogue
}

#[test]
fn every_file_of_models_is_built_in() {
    let mut there: Vec<String> = std::fs::read_dir("models")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    there.sort();
    let mut known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(there, known);
    let catalogue = built_in();
    for (spec, (file, _)) in catalogue.list().iter().zip(BUILT_IN) {
        assert_eq!(format!("{}.toml", spec.name), file);
        assert!(!spec.good_for.is_empty() && spec.licence.is_some(), "{file}");
    }
}

#[test]
fn every_entry_says_what_to_download_and_what_it_takes() {
    for spec in built_in().list().iter().filter(|spec| spec.task == Task::Chat) {
        assert!(spec.context.is_some() && spec.image_tokens.is_some(), "{}", spec.name);
        assert!(spec.memory_mib.is_some(), "{}", spec.name);
        let whole = |source: &ModelSource| source.model.is_some() && source.mmproj.is_some();
        assert!(spec.files.starter || spec.source.as_ref().is_some_and(whole), "{}", spec.name);
    }
}

#[test]
fn the_starters_memory_is_what_the_check_before_loading_counts() {
    const MIB: u64 = 1024 * 1024;
    let cache = tempfile::tempdir().unwrap();
    let catalogue = built_in();
    let ready = catalogue.ready("starter", cache.path()).unwrap();
    let header = gguf::read_model(&ready.model).unwrap();
    let mmproj = gguf::read_projector(&ready.mmproj.unwrap()).unwrap();
    let spec = catalogue.find("starter").unwrap();
    let bytes = header.tensor_bytes + mmproj.tensor_bytes + header.kv_bytes(spec.context.unwrap());
    let said = spec.memory_mib.unwrap() - 256;
    assert!((bytes / MIB..bytes / MIB + 20).contains(&said), "{} MiB and the buffers", bytes / MIB);
}

#[test]
fn the_starter_is_unpacked_whole_and_again_after_damage() {
    let cache = tempfile::tempdir().unwrap();
    let ready = built_in().ready("starter", cache.path()).unwrap();
    assert!(ready.starter && !ready.system_prompt);
    assert_eq!(built_in().verify("starter", cache.path()).unwrap().len(), 2);

    std::fs::write(&ready.model, b"cut off").unwrap();
    built_in().verify("starter", cache.path()).unwrap();
}

#[test]
fn a_model_that_is_not_here_says_how_to_get_it() {
    let error = built_in().ready("qwen3-vl-4b", Path::new("/tmp")).unwrap_err().to_string();
    assert!(error.contains("huggingface.co/Qwen/Qwen3-VL-4B-Instruct-GGUF"), "{error}");
    let error = built_in().ready("qwen3-vl-4", Path::new("/tmp")).unwrap_err().to_string();
    assert!(error.contains("did you mean `qwen3-vl-4b`"), "{error}");
}

#[test]
fn files_are_added_under_a_name_and_checked_first() {
    let dir = tempfile::tempdir().unwrap();
    let [model, mmproj] = starter::unpack(dir.path()).unwrap();
    let own = dir.path().join("own");
    let (spec, _) = built_in().add(&own, "qwen3-vl-4b", &model, None).unwrap();
    assert_eq!((spec.title.as_str(), spec.files.mmproj.as_ref()), ("Qwen3-VL 4B Instruct", Some(&mmproj)));

    let (catalogue, errors) = Catalogue::load(&own);
    assert!(errors.is_empty());
    assert_eq!(catalogue.ready("qwen3-vl-4b", dir.path()).unwrap().model, model);

    let wrong = |name: &str, model: &Path, mmproj: Option<&Path>| {
        built_in().add(&own, name, model, mmproj).unwrap_err().to_string()
    };
    assert!(wrong("x", &mmproj, None).contains("is a projector"));
    assert!(wrong("x", &model, Some(&model)).contains("is a language model"));
    assert!(wrong("../x", &model, None).contains("can't be a model's name"));
    // The same projector, said to be of a model of another width.
    let key = b"clip.vision.projection_dim";
    let mut bytes = std::fs::read(&mmproj).unwrap();
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 4;
    bytes[at..at + 4].copy_from_slice(&(512 + 64_u32).to_le_bytes());
    let other = dir.path().join("other.gguf");
    std::fs::write(&other, bytes).unwrap();
    assert!(wrong("x", &model, Some(&other)).contains("belongs to another model"));
    let cut = dir.path().join("cut.gguf");
    std::fs::write(&cut, &std::fs::read(&model).unwrap()[..10_000]).unwrap();
    assert!(wrong("x", &cut, None).contains("cut off"));
}

#[test]
fn a_bad_entry_is_named_and_the_rest_still_loads() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.toml"), "name = 'bad'\nlicense = 'x'").unwrap();
    let (catalogue, errors) = Catalogue::load(dir.path());
    assert_eq!(catalogue.list().len(), BUILT_IN.len());
    let error = errors[0].to_string();
    assert!(error.contains("bad.toml") && error.contains("license"), "{error}");
}

/// A file that begins as whisper.cpp's do, with the number that tells them apart.
fn ggml(folder: &Path, name: &str, number: u32) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, [b"lmgg".as_slice(), &number.to_le_bytes(), b"and so on"].concat()).unwrap();
    path
}

#[test]
fn models_that_hear_are_registered_and_the_largest_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(built_in().speech(None, None), Err(CatalogueError::NoSpeech)));
    let base = ggml(dir.path(), "ggml-base.bin", 51_865);
    let small = ggml(dir.path(), "ggml-small.bin", 51_865);
    let vad = ggml(dir.path(), "silero.bin", 10);
    let entries = dir.path().join("models");
    for (name, file) in [("whisper-small", &small), ("whisper-base", &base), ("silero-vad", &vad)] {
        built_in().add(&entries, name, file, None).unwrap();
    }
    let (catalogue, errors) = Catalogue::load(&entries);
    assert!(errors.is_empty(), "{errors:?}");
    let ready = catalogue.speech(None, None).unwrap();
    assert_eq!(
        (ready.name.as_str(), &ready.model, &ready.vad),
        ("whisper-small", &small, &Some(vad.clone()))
    );
    assert_eq!(catalogue.speech(Some("whisper-base"), None).unwrap().model, base);
    assert_eq!(catalogue.speech(base.to_str(), vad.to_str()).unwrap().name, "ggml-base");
    assert_eq!(catalogue.verify("silero-vad", dir.path()).unwrap()[0].architecture, "silero-vad");
}

#[test]
fn what_hears_does_not_answer_and_what_is_no_model_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let base = ggml(dir.path(), "ggml-base.bin", 51_865);
    let catalogue = built_in();
    let said = |error: CatalogueError| error.to_string();
    let error = said(catalogue.ready("whisper-base", dir.path()).unwrap_err());
    assert!(error.contains("whisper-base hears, it can't answer"), "{error}");
    let error = said(catalogue.speech(Some("starter"), None).unwrap_err());
    assert!(error.contains("starter answers, it can't hear"), "{error}");
    let error = said(catalogue.speech(Some("whisper-base"), None).unwrap_err());
    assert!(error.contains("percept models pull whisper-base"), "{error}");
    let error = said(catalogue.speech(Some("whisper-bas"), None).unwrap_err());
    assert!(error.contains("did you mean `whisper-base`?"), "{error}");
    let error = said(catalogue.speech(base.to_str(), base.to_str()).unwrap_err());
    assert!(error.contains("no voice activity model"), "{error}");
    let error = said(catalogue.add(dir.path(), "silero-vad", &base, None).unwrap_err());
    assert!(error.contains("silero-vad tells speech from noise, it can't hear"), "{error}");
    let text = dir.path().join("ggml.bin");
    std::fs::write(&text, "words").unwrap();
    let error = said(catalogue.speech(text.to_str(), None).unwrap_err());
    assert!(error.contains("ggml.bin can't be used: it is no Whisper model"), "{error}");
}

/// A header without weights: `(key, type, value)`.
fn gguf_file(path: &Path, architecture: &str, numbers: &[(&str, u32)]) -> PathBuf {
    let string = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut bytes = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend((numbers.len() as u64 + 1).to_le_bytes());
    bytes.extend(
        [string("general.architecture"), 8_u32.to_le_bytes().to_vec(), string(architecture)].concat(),
    );
    for (key, value) in numbers {
        bytes.extend([string(&format!("{architecture}.{key}")), 4_u32.to_le_bytes().to_vec()].concat());
        bytes.extend(value.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    std::fs::write(path, bytes).unwrap();
    path.to_owned()
}

#[test]
fn models_that_find_vectors_are_told_by_their_headers() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, numbers: &[(&str, u32)]| gguf_file(&dir.path().join(name), "bert", numbers);
    assert!(matches!(built_in().embedding(None, dir.path()), Err(CatalogueError::NoEmbedding)));
    assert!(matches!(built_in().reranker(None, dir.path()), Err(CatalogueError::NoReranker)));
    let small =
        file("small.gguf", &[("pooling_type", 1), ("embedding_length", 384), ("context_length", 512)]);
    let rank = file("rank.gguf", &[("pooling_type", 4), ("embedding_length", 384)]);
    let entries = dir.path().join("models");
    for (name, path, task) in [("small", &small, Task::Embed), ("rank", &rank, Task::Rerank)] {
        assert_eq!(built_in().add(&entries, name, path, None).unwrap().0.task, task);
    }
    built_in().add(&entries, "nomic-embed-text-v1.5", &small, None).unwrap();
    let (catalogue, errors) = Catalogue::load(&entries);
    assert!(errors.is_empty(), "{errors:?}");
    let ready = catalogue.embedding(Some("small"), dir.path()).unwrap();
    assert_eq!((ready.dimensions, ready.most_tokens, ready.pictures), (384, 512, false));
    let nomic = catalogue.embedding(Some("nomic-embed-text-v1.5"), dir.path()).unwrap();
    assert_eq!(nomic.query_prefix, "search_query: ");
    assert_ne!(nomic.space, ready.space, "other prefixes make another space");
    assert_eq!(catalogue.embedding(small.to_str(), dir.path()).unwrap().space, ready.space);
    assert_eq!(catalogue.embedding(None, dir.path()).unwrap().name, "small");
    assert_eq!(catalogue.reranker(None, dir.path()).unwrap().dimensions, 1);
    assert_eq!(catalogue.verify("rank", dir.path()).unwrap()[0].architecture, "bert");

    // Moved it is the same, other weights are another one.
    let moved = dir.path().join("moved.gguf");
    std::fs::copy(&small, &moved).unwrap();
    assert_eq!(catalogue.embedding(moved.to_str(), dir.path()).unwrap().space, ready.space);
    let mut bytes = std::fs::read(&small).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&moved, bytes).unwrap();
    assert_ne!(catalogue.embedding(moved.to_str(), dir.path()).unwrap().space, ready.space);
}

#[test]
fn what_finds_vectors_does_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let [starter, _] = starter::unpack(dir.path()).unwrap();
    let small =
        gguf_file(&dir.path().join("s.gguf"), "bert", &[("pooling_type", 1), ("embedding_length", 8)]);
    let short = gguf_file(&dir.path().join("t.gguf"), "bert", &[("pooling_type", 1)]);
    let catalogue = built_in();
    let said = |error: CatalogueError| error.to_string();
    for (error, words) in [
        (
            said(catalogue.embedding(Some("starter"), dir.path()).unwrap_err()),
            "starter answers, it can't find vectors",
        ),
        (said(catalogue.embedding(starter.to_str(), dir.path()).unwrap_err()), "it can't find vectors"),
        (said(catalogue.reranker(small.to_str(), dir.path()).unwrap_err()), "finds vectors, it can't score"),
        (said(catalogue.ready("bge-m3", dir.path()).unwrap_err()), "bge-m3 finds vectors, it can't answer"),
        (said(catalogue.ready(small.to_str().unwrap(), dir.path()).unwrap_err()), "it can't answer"),
        (said(catalogue.embedding(Some("bge-m4"), dir.path()).unwrap_err()), "did you mean `bge-m3`"),
        (said(catalogue.embedding(Some("bge-m3"), dir.path()).unwrap_err()), "percept models pull bge-m3"),
        (said(catalogue.embedding(short.to_str(), dir.path()).unwrap_err()), "how long its vectors are"),
        (said(catalogue.add(dir.path(), "starter", &small, None).unwrap_err()), "starter answers"),
        (said(catalogue.add(dir.path(), "bge-reranker-v2-m3", &small, None).unwrap_err()), "scores passages"),
    ] {
        assert!(error.contains(words), "{error}");
    }
}
