//! What is in a repository, and which of it is wanted. What the hub says comes from outside:
//! names and checksums become names of files here, and are checked for that.

use serde::Deserialize;
use serde_json::Value;

/// Which of several quantisations is taken: small enough, and close to the original.
const PREFERRED: &str = "Q4_K_M";

/// Which of several projectors is taken; they are small.
const PROJECTORS: [&str; 3] = ["q8_0", "f16", "bf16"];

/// The hub's answer, as far as it is of interest.
#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    /// The commit.
    pub(super) sha: String,
    #[serde(default)]
    gated: Value,
    #[serde(default, rename = "cardData")]
    card: Value,
    #[serde(default)]
    pub(super) siblings: Vec<Sibling>,
}

/// A file, as the hub has it.
#[derive(Debug, Deserialize)]
pub(super) struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Debug, Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

/// A file that can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    /// Its path in the repository.
    pub(super) path: String,
    /// Its length.
    pub(super) bytes: Option<u64>,
    /// Its checksum, for large files.
    pub(super) sha256: Option<String>,
    /// Its name among the cache's blobs: the checksum, else git's.
    pub(super) blob: String,
}

/// What is taken of a repository.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// The model; several where it is split, the first one first.
    pub(super) model: Vec<Remote>,
    /// Its projector.
    pub(super) mmproj: Option<Remote>,
    /// What the person should know of the choice.
    pub(super) note: Option<String>,
}

impl Listing {
    pub(super) fn commit(&self) -> Option<&str> {
        is_hex(&self.sha, &[40]).then_some(&*self.sha)
    }

    /// The licence, in the hub's words.
    pub(super) fn licence(&self) -> Option<String> {
        let text = |key: &str| self.card.get(key).and_then(Value::as_str).map(str::to_owned);
        let licence = text("license").or_else(|| {
            let all = self.card.get("license")?.as_array()?.iter().filter_map(Value::as_str);
            Some(all.collect::<Vec<_>>().join(", "))
        });
        match (licence, text("license_name")) {
            (Some(other), Some(name)) if other == "other" => Some(name),
            (licence, _) => licence,
        }
        .map(|licence| crate::text::one_line(&licence))
    }

    pub(super) fn is_gated(&self) -> bool {
        !matches!(self.gated, Value::Null | Value::Bool(false))
    }

    /// The files whose names can be used.
    pub(super) fn files(&self) -> Vec<Remote> {
        self.siblings.iter().filter_map(remote).collect()
    }
}

fn remote(sibling: &Sibling) -> Option<Remote> {
    let lfs = sibling.lfs.as_ref();
    let sha256 = lfs.and_then(|lfs| lfs.sha256.clone()).filter(|sha256| is_hex(sha256, &[64]));
    let git = sibling.blob.clone().filter(|blob| is_hex(blob, &[40, 64]));
    Some(Remote {
        path: Some(sibling.rfilename.clone()).filter(|path| is_path(path))?,
        bytes: lfs.and_then(|lfs| lfs.size).or(sibling.size),
        blob: sha256.clone().or(git)?,
        sha256,
    })
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a path from outside stays below where it is put.
pub(super) fn is_path(path: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.contains(['\\', ':'])
            && !part.contains(char::is_control)
    };
    path.split('/').all(part)
}

/// Chooses a model and its projector; an error says why none was, with those that there are.
pub(super) fn choose(
    files: &[Remote],
    wanted: Option<&str>,
    mmproj: Option<&str>,
) -> Result<Choice, (String, Vec<String>)> {
    let models: Vec<&Remote> = files.iter().filter(|file| is_model(&file.path)).collect();
    let names = || models.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    let (first, note) = match wanted {
        Some(wanted) => (named(files, &models, wanted), None),
        None => preferred(&models),
    };
    let Some(first) = first else {
        let why = match (wanted, models.is_empty()) {
            (Some(wanted), true) => format!("has no file `{wanted}`, and no GGUF"),
            (None, true) => {
                "has no GGUF: percept can't use its files. Look for a repository with GGUF in its name"
                    .to_owned()
            }
            (Some(wanted), false) => format!("has no file `{wanted}`. There are"),
            (None, false) => "has several models; choose one:".to_owned(),
        };
        return Err((why, names()));
    };
    let mmproj = match mmproj {
        Some(mmproj) => {
            let missing = || (format!("has no file `{mmproj}` any more. There are"), names());
            Some(files.iter().find(|file| file.path == mmproj).ok_or_else(missing)?.clone())
        }
        None => projector(files),
    };
    Ok(Choice { model: parts(files, first), mmproj: mmproj.filter(|_| first.path.ends_with(".gguf")), note })
}

/// Whether it may be the model that is meant: a GGUF, no projector, and no later part of one.
pub(super) fn is_model(path: &str) -> bool {
    let name = path.to_lowercase();
    let later = split(path).is_some_and(|(_, part, _)| part != 1);
    name.ends_with(".gguf") && !name.contains("mmproj") && !later
}

fn named<'a>(files: &'a [Remote], models: &[&'a Remote], wanted: &str) -> Option<&'a Remote> {
    if let Some(exact) = files.iter().find(|file| file.path == wanted) {
        return Some(exact);
    }
    let mut fitting = models.iter().filter(|file| has_word(&file.path, wanted));
    fitting.next().copied().filter(|_| fitting.next().is_none())
}

/// Whether a name has such a part between marks: `Q4_K_M` in `x-Q4_K_M.gguf`.
fn has_word(path: &str, word: &str) -> bool {
    let (path, word) = (path.to_lowercase(), word.to_lowercase());
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
    path.match_indices(&word)
        .any(|(at, _)| edge(path[..at].chars().next_back()) && edge(path[at + word.len()..].chars().next()))
}

fn preferred<'a>(models: &[&'a Remote]) -> (Option<&'a Remote>, Option<String>) {
    if let [only] = models {
        return (Some(only), None);
    }
    let mut fitting = models.iter().filter(|file| has_word(&file.path, PREFERRED));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => {
            let note = format!(
                "there are {} quantisations, and {PREFERRED} is taken; hf:OWNER/REPO:FILE takes another",
                models.len()
            );
            (Some(one), Some(note))
        }
        _ => (None, None),
    }
}

fn projector(files: &[Remote]) -> Option<Remote> {
    let all: Vec<&Remote> = files
        .iter()
        .filter(|file| file.path.to_lowercase().contains("mmproj") && file.path.ends_with(".gguf"))
        .collect();
    let liked = PROJECTORS.iter().find_map(|kind| all.iter().find(|file| has_word(&file.path, kind)));
    liked.or(all.first()).map(|file| (*file).clone())
}

/// `NAME-00001-of-00003.gguf`: the name, which part, of how many.
fn split(path: &str) -> Option<(&str, u32, u32)> {
    let (rest, of) = path.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (name, part) = rest.rsplit_once('-')?;
    (part.len() == 5 && of.len() == 5).then_some(())?;
    Some((name, part.parse().ok()?, of.parse().ok()?))
}

/// All parts of a model that is split.
fn parts(files: &[Remote], first: &Remote) -> Vec<Remote> {
    let Some((name, 1, of)) = split(&first.path) else { return vec![first.clone()] };
    let same = |file: &&Remote| split(&file.path).is_some_and(|(own, _, all)| own == name && all == of);
    let mut parts: Vec<Remote> = files.iter().filter(same).cloned().collect();
    parts.sort_by(|one, two| one.path.cmp(&two.path));
    parts
}

/// What a model is called by its file: `Qwen3-4B-Q4_K_M`.
pub(super) fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = split(file).map(|(name, _, _)| name);
    let stem = stem.or_else(|| file.rsplit_once('.').map(|(stem, _)| stem)).unwrap_or(file);
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    stem.chars().map(plain).collect::<String>().trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<Remote> {
        let file = |name: &&str| Remote {
            path: (*name).to_owned(),
            bytes: Some(1),
            sha256: None,
            blob: "0".repeat(40),
        };
        names.iter().map(file).collect()
    }

    fn chosen(names: &[&str], wanted: Option<&str>) -> Option<(Vec<String>, Option<String>)> {
        let choice = choose(&files(names), wanted, None).ok()?;
        let path = |file: &Remote| file.path.clone();
        Some((choice.model.iter().map(path).collect(), choice.mmproj.as_ref().map(path)))
    }

    #[test]
    fn the_one_gguf_is_taken_and_of_several_the_usual_one() {
        let one = chosen(&["README.md", "a.gguf", "mmproj-a-f16.gguf"], None);
        assert_eq!(one, Some((vec!["a.gguf".to_owned()], Some("mmproj-a-f16.gguf".to_owned()))));
        let several = ["a-Q8_0.gguf", "a-Q4_K_M.gguf", "a-Q4_K_S.gguf"];
        assert_eq!(chosen(&several, None), Some((vec!["a-Q4_K_M.gguf".to_owned()], None)));
        assert_eq!(chosen(&several, Some("q8_0")), Some((vec!["a-Q8_0.gguf".to_owned()], None)));
        assert_eq!(chosen(&["a-Q8_0.gguf", "a-Q5_0.gguf"], None), None);
        assert_eq!(chosen(&several, Some("Q4_K")), None, "part of a word is no word");
    }

    #[test]
    fn a_model_in_parts_is_one_model() {
        let names = ["a-00002-of-00002.gguf", "a-00001-of-00002.gguf"];
        let (model, _) = chosen(&names, None).unwrap();
        assert_eq!(model, ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]);
        assert_eq!(name_of(&model[0]), "a");
    }

    #[test]
    fn names_from_outside_stay_inside() {
        for path in ["../x.gguf", "/x.gguf", "a/../x", "a\\b", "c:x", "", "a//b", ".git/x", "a\u{1b}"] {
            assert!(!is_path(path), "{path:?}");
        }
        assert!(is_path("a/b-Q4_K_M.gguf"));
        let listing: Listing = serde_json::from_str(
            r#"{"sha":"../../x","siblings":[{"rfilename":"a.gguf","lfs":{"sha256":"../../evil"}}]}"#,
        )
        .unwrap();
        assert_eq!((listing.commit(), listing.files()), (None, Vec::new()));
    }
}
