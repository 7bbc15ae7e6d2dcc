//! Plain requests, each with the one call of a tool that answers it.

use serde_json::{Map, Value, json};

use super::rng::Rng;
use super::words::Words;

/// Command lines that change nothing.
const COMMANDS: [&str; 22] = [
    "df -h",
    "uname -a",
    "uptime",
    "free -m",
    "ps aux",
    "whoami",
    "hostname",
    "date",
    "ls -la",
    "git status",
    "git log --oneline",
    "cat /etc/os-release",
    "ip addr",
    "env",
    "id",
    "lscpu",
    "lsblk",
    "du -sh .",
    "git diff",
    "cargo --version",
    "python3 --version",
    "nproc",
];

const RUN: [&str; 7] = [
    "run {}",
    "Run {}",
    "please run {}",
    "Run `{}` for me.",
    "execute {}",
    "Can you run {}?",
    "show me the output of {}",
];
const FIND: [&str; 7] = [
    "find the notes about {}",
    "Find my notes about {}.",
    "find documents about {}",
    "What do my notes say about {}?",
    "look up {} in my documents",
    "search my notes for {}",
    "Is there something about {} in my documents?",
];
const LIST: [&str; 6] = [
    "what is in the folder {}?",
    "list the folder {}",
    "List the files in {}.",
    "which files are in {}?",
    "show me what {} holds, it is a folder",
    "What files are there in {}?",
];
const READ: [&str; 6] = [
    "read the file {}",
    "Read {}.",
    "show me the file {}",
    "open the file {} and show it",
    "what does the file {} say?",
    "print the file {}",
];
const SEARCH: [&str; 4] = [
    "search for {} in the files here",
    "Which files here contain {}?",
    "grep the files here for {}",
    "Find the lines with {} in the files here.",
];

/// A request, the tool, and its arguments.
pub fn tool_call(rng: &mut Rng) -> (String, String, Map<String, Value>) {
    let of = |tool: &str, argument: &str, value: String, said: &str, forms: &[&str], rng: &mut Rng| {
        let request = rng.pick(forms).replace("{}", said);
        let mut arguments = Map::new();
        arguments.insert(argument.to_owned(), json!(value));
        (request, tool.to_owned(), arguments)
    };
    match rng.below(5) {
        0 => {
            let command =
                if rng.chance(0.6) { (*rng.pick(&COMMANDS)).to_owned() } else { Words::new(rng).command() };
            of("shell", "command", command.clone(), &command, &RUN, rng)
        }
        1 => {
            let topic = topic(rng);
            of("find_documents", "query", topic.clone(), &topic, &FIND, rng)
        }
        2 => {
            let path = folder(rng);
            of("list_dir", "path", path.clone(), &path, &LIST, rng)
        }
        3 => {
            let path = Words::new(rng).path();
            of("read_file", "path", path.clone(), &path, &READ, rng)
        }
        _ => {
            let word = Words::new(rng).identifier();
            let word = word.replace('.', "_");
            of("search_files", "pattern", word.clone(), &word, &SEARCH, rng)
        }
    }
}

fn topic(rng: &mut Rng) -> String {
    let many = rng.range(1, 3);
    (0..many).map(|_| Words::new(rng).word()).collect::<Vec<_>>().join(" ")
}

fn folder(rng: &mut Rng) -> String {
    let root = *rng.pick(&["/", "/etc/", "/var/log/", "~/", "src/", "/home/", "./"]);
    format!("{root}{}", Words::new(rng).word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_what_the_call_is_given() {
        let mut rng = Rng::new(3);
        let mut tools = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let (request, tool, arguments) = tool_call(&mut rng);
            assert!(arguments.values().all(|value| request.contains(value.as_str().unwrap())), "{request}");
            tools.insert(tool);
        }
        assert_eq!(
            tools.into_iter().collect::<Vec<_>>(),
            ["find_documents", "list_dir", "read_file", "search_files", "shell"]
        );
    }
}
