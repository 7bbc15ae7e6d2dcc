//! `percept models pull`, through the door: a server that imitates the Hugging Face hub, with the
//! starter's files as what there is to get.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::common::{Home, Ran};
use super::server::{Mischief, Page, Server};
use super::sha256;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const REPOSITORY: &str = "acme/Tiny-GGUF";

fn starter(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/starter").join(name)).unwrap()
}

/// A hub with one repository of such files; each lies on a storage server of its own.
struct Hub {
    hub: Server,
    storage: Server,
    home: Home,
}

impl Hub {
    fn with(files: &[(&str, Vec<u8>)]) -> Self {
        let (hub, storage) = (Server::start(), Server::start());
        let mut siblings = Vec::new();
        for (at, (name, bytes)) in files.iter().enumerate() {
            let sum = sha256(bytes);
            hub.put(
                &format!("/{REPOSITORY}/resolve/{COMMIT}/{name}"),
                Page::Redirect(format!("{}/{at}?signature=1", storage.url)),
            );
            storage.put(&format!("/{at}"), Page::File(bytes.clone(), format!("\"{sum}\"")));
            siblings.push(serde_json::json!({
                "rfilename": name, "size": bytes.len(), "blobId": COMMIT,
                "lfs": {"sha256": sum, "size": bytes.len(), "pointerSize": 135},
            }));
        }
        let listing = serde_json::json!({
            "id": REPOSITORY, "sha": COMMIT, "gated": false,
            "cardData": {"license": "apache-2.0"}, "siblings": siblings,
        });
        hub.put(&format!("/api/models/{REPOSITORY}/revision/main"), Page::Text(listing.to_string()));
        Self { hub, storage, home: Home::new() }
    }

    fn tiny() -> Self {
        Self::with(&[
            ("README.md", b"read me".to_vec()),
            ("Tiny-F16.gguf", starter("starter-f16.gguf")),
            ("mmproj-Tiny-F16.gguf", starter("mmproj-starter-f16.gguf")),
        ])
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.percept("", arguments);
        command.env("HF_ENDPOINT", &self.hub.url).env("HF_HOME", self.home.path("hf"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    fn root(&self) -> PathBuf {
        self.home.path("hf/hub/models--acme--Tiny-GGUF")
    }

    fn model(&self) -> PathBuf {
        self.root().join("snapshots").join(COMMIT).join("Tiny-F16.gguf")
    }
}

#[test]
fn a_repository_becomes_a_model_in_the_cache_of_others() {
    let hub = Hub::tiny();
    let ran = hub.run(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    for said in ["apache-2.0", "9.0 MiB", "Checked: length, SHA-256", "percept -m Tiny-F16", "mmproj-Tiny"] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    assert!(std::fs::read(hub.model()).unwrap() == starter("starter-f16.gguf"));
    let sum = sha256(&starter("starter-f16.gguf"));
    assert!(hub.root().join("blobs").join(&sum).is_file(), "blobs have their checksum as name");
    assert_eq!(std::fs::read_to_string(hub.root().join("refs/main")).unwrap(), COMMIT);
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(hub.model()).unwrap(),
        Path::new("../../blobs").join(&sum),
        "links are relative: the cache can be moved"
    );
    let ran = hub.run(&["ask", "-m", "Tiny-F16", "why?"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");

    // Again: nothing is downloaded.
    let before = hub.storage.requests().len();
    let ran = hub.run(&["models", "pull", "hf:acme/Tiny-GGUF:F16"]);
    assert!(ran.out.contains("here already"), "{ran:?}");
    assert_eq!(hub.storage.requests().len(), before);

    // Without the network, from the cache.
    let ran = Ran::from(
        hub.command(&["models", "pull", "hf:acme/Tiny-GGUF"]).env("HF_HUB_OFFLINE", "1").output().unwrap(),
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = Ran::from(
        hub.command(&["models", "pull", "hf:acme/Other"]).env("HF_HUB_OFFLINE", "1").output().unwrap(),
    );
    assert!(ran.code == Some(1) && ran.err.contains("downloads are off"), "{ran:?}");

    // A byte that turned over in a tensor shows itself.
    let ran = hub.run(&["models", "verify", "Tiny-F16"]);
    assert_eq!((ran.code, ran.out.matches(", SHA-256\n").count()), (Some(0), 2), "{ran:?}");
    let mut bytes = starter("starter-f16.gguf");
    let last = bytes.last_mut().unwrap();
    *last ^= 1;
    std::fs::write(hub.root().join("blobs").join(&sum), &bytes).unwrap();
    let ran = hub.run(&["models", "verify", "Tiny-F16"]);
    assert!(ran.code == Some(1) && ran.err.contains("is not what was downloaded"), "{ran:?}");

    let ran = hub.run(&["models", "rm", "--yes", "Tiny-F16"]);
    assert!(ran.out.contains("2 files deleted, 11.3 MiB free again"), "{ran:?}");
    assert!(!hub.model().exists() && !hub.root().join("blobs").join(&sum).exists());
}

#[test]
fn killed_in_the_middle_it_asks_for_the_rest_only() {
    let hub = Hub::tiny();
    hub.storage.state.lock().unwrap().slow = Some((16 * 1024, Duration::from_millis(10)));
    let mut child = hub.command(&["models", "pull", "hf:acme/Tiny-GGUF"]).spawn().unwrap();
    let sum = sha256(&starter("starter-f16.gguf"));
    let journal = hub.root().join("blobs").join(format!("{sum}.percept.json"));
    let done = || -> u64 {
        let text = std::fs::read(&journal).unwrap_or_default();
        let journal: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        journal["done"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_u64).sum()
    };
    let begun = Instant::now();
    while done() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "something is written down");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = done();
    assert!(!hub.model().exists(), "no half of a file has the name");
    hub.storage.state.lock().unwrap().slow = None;
    let before = hub.storage.asked();
    let ran = hub.run(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(std::fs::read(hub.model()).unwrap() == starter("starter-f16.gguf"));
    let all = (starter("starter-f16.gguf").len() + starter("mmproj-starter-f16.gguf").len()) as u64;
    assert_eq!(hub.storage.asked() - before, all - kept, "only the rest");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_came_and_says_so() {
    let hub = Hub::tiny();
    hub.storage.state.lock().unwrap().slow = Some((16 * 1024, Duration::from_millis(10)));
    let child = hub.command(&["models", "pull", "hf:acme/Tiny-GGUF"]).spawn().unwrap();
    while hub.storage.state.lock().unwrap().sent < 100_000 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(ran.err.contains("are kept, and the same command goes on from there"), "{ran:?}");
}

#[test]
fn a_wrong_file_is_never_registered() {
    let hub = Hub::tiny();
    hub.storage.will(Mischief::WrongBytes);
    let ran = hub.run(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    assert!(ran.code == Some(1) && ran.err.contains("is not the right file"), "{ran:?}");
    assert!(!hub.model().exists());
    assert!(!hub.run(&["models", "list"]).out.contains("Tiny"));

    // From a plain address there is no checksum, but what is no model is still none.
    hub.storage.put("/page.gguf", Page::File(b"<html>log in</html>".to_vec(), "\"x\"".to_owned()));
    let ran = hub.run(&["models", "pull", &format!("{}/page.gguf", hub.storage.url)]);
    assert!(ran.code == Some(1) && ran.err.contains("not a GGUF file"), "{ran:?}");
    assert!(!hub.home.path("data/models/page.gguf").exists(), "it is deleted");
    hub.storage.put("/tiny.gguf", Page::File(starter("starter-f16.gguf"), "\"x\"".to_owned()));
    let ran = hub.run(&["models", "pull", "--name", "mine", &format!("{}/tiny.gguf", hub.storage.url)]);
    assert!(ran.code == Some(0) && ran.out.contains("no checksum is known"), "{ran:?}");
    assert!(hub.run(&["models", "show", "mine"]).out.contains("architecture"));
}

#[test]
fn several_quantisations_ask_for_one_or_take_the_usual_one() {
    let file = starter("starter-f16.gguf");
    let hub = Hub::with(&[("T-Q8_0.gguf", file.clone()), ("T-Q5_K_M.gguf", file.clone())]);
    let ran = hub.run(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    assert!(
        ran.code == Some(1) && ran.err.contains("percept models pull hf:acme/Tiny-GGUF:T-Q8_0.gguf"),
        "{ran:?}"
    );
    let hub = Hub::with(&[("T-Q8_0.gguf", file.clone()), ("T-Q4_K_M.gguf", file)]);
    let ran = hub.run(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    assert!(ran.code == Some(0) && ran.out.contains("Q4_K_M is taken"), "{ran:?}");
}

#[test]
fn the_token_is_sent_to_the_hub_and_shown_nowhere() {
    let hub = Hub::tiny();
    hub.hub.state.lock().unwrap().wants_token = Some("hf_secret".to_owned());
    let ran = hub.run(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    assert!(ran.code == Some(1) && ran.err.contains("set HF_TOKEN"), "{ran:?}");
    let mut command = hub.command(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    let ran = Ran::from(command.env("HF_TOKEN", "hf_secret").output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(hub.storage.requests().iter().all(|request| request.token().is_none()));
    assert!(!format!("{ran:?}").contains("hf_secret"));
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let hub = Hub::tiny();
    let mut command = hub.command(&["models", "pull", "hf:acme/Tiny-GGUF"]);
    command.env("HF_ENDPOINT", "http://hub.invalid").env("HTTP_PROXY", &hub.hub.url);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(hub.hub.requests()[0].target.starts_with("http://hub.invalid/api/models/"));
}

#[test]
fn models_of_other_programs_are_found_and_used_where_they_lie() {
    let home = Home::new();
    let put = |path: &str, bytes: &[u8]| {
        let path = home.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let model = starter("starter-f16.gguf");
    let sum = sha256(&model);
    put(&format!(".ollama/models/blobs/sha256-{sum}"), &model);
    put(
        ".ollama/models/manifests/registry.ollama.ai/library/tiny/latest",
        format!(
            r#"{{"layers":[{{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:{sum}"}}]}}"#
        )
        .as_bytes(),
    );
    put(
        ".ollama/models/manifests/registry.ollama.ai/library/evil/latest",
        br#"{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:../../../x"}]}"#,
    );
    put(".lmstudio/models/acme/Tiny-GGUF/tiny.gguf", &model);
    put(".lmstudio/models/acme/Tiny-GGUF/mmproj-tiny.gguf", &starter("mmproj-starter-f16.gguf"));
    put(".cache/llama.cpp/acme_Tiny_tiny.gguf", &model);
    put(".cache/huggingface/hub/models--acme--Tiny/snapshots/abc/tiny.gguf", &model);
    let listed = home.run("", &["models", "list"]).out;
    let names = [
        "ollama:tiny:latest",
        "lmstudio:acme/Tiny-GGUF/tiny.gguf",
        "llama.cpp:acme_Tiny_tiny",
        "hf:acme/Tiny:tiny.gguf",
    ];
    for name in names {
        assert!(listed.contains(name), "{name}: {listed}");
        let ran = home.run("", &["ask", "-m", name, "why?"]);
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
    }
    assert!(!listed.contains("evil") && !listed.contains("mmproj"), "{listed}");
    let shown = home.run("", &["models", "show", "ollama:tiny:latest"]).out;
    assert!(shown.contains("architecture") && shown.contains("F16"), "{shown}");
    assert_eq!(home.run("", &["ask", "-m", "hf:acme/Tiny", "why?"]).code, Some(0), "the only one of it");
}
