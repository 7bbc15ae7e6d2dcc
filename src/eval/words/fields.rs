//! What the fields of the templates are filled with.

use super::Words;

const FOLDERS: [&str; 12] = [
    "/etc",
    "/var/log",
    "/var/lib",
    "/usr/share",
    "/opt",
    "/home",
    "/srv",
    "/tmp",
    "/mnt",
    "/data",
    "/usr/local",
    "/run",
];

const EXTENSIONS: [&str; 16] = [
    "txt", "log", "json", "toml", "yaml", "conf", "csv", "md", "rs", "py", "ts", "db", "png", "xml", "ini",
    "sh",
];

const USERS: [&str; 16] = [
    "root", "admin", "alice", "bruno", "carla", "deploy", "emil", "fatima", "guest", "hana", "ivan",
    "jenkins", "kenji", "maria", "postgres", "www-data",
];

const DOMAINS: [&str; 6] = ["example.org", "example.com", "example.net", "internal", "local", "lan"];

const PORTS: [u32; 12] = [22, 80, 443, 3000, 3306, 5432, 6379, 8000, 8080, 8443, 9090, 27017];

const STATUSES: [u32; 10] = [400, 401, 403, 404, 409, 422, 429, 500, 502, 503];

impl Words<'_> {
    /// What stands for a field; `None`: there is none of that name.
    pub(super) fn field(&mut self, name: &str) -> Option<String> {
        self.name(name).or_else(|| self.place(name)).or_else(|| self.amount(name))
    }

    fn name(&mut self, field: &str) -> Option<String> {
        Some(match field {
            "word" => self.word().to_owned(),
            "Word" => capital(self.word()),
            "snake" => self.joined("_"),
            "kebab" => self.joined("-"),
            "SCREAMING" => self.joined("_").to_uppercase(),
            "Pascal" => self.several().into_iter().map(capital).collect(),
            "camel" => {
                let words = self.several();
                (0..)
                    .zip(words)
                    .map(|(at, word)| if at == 0 { word.to_owned() } else { capital(word) })
                    .collect()
            }
            "letter" => char::from(b'a' + self.rng.below(8) as u8).to_string(),
            "letterU" => char::from(b'C' + self.rng.below(8) as u8).to_string(),
            "user" => (*self.rng.pick(&USERS)).to_owned(),
            "version" => {
                let [major, minor, patch] = [12, 30, 20].map(|below| self.rng.below(below));
                format!("{major}.{minor}.{patch}")
            }
            _ => return None,
        })
    }

    fn place(&mut self, field: &str) -> Option<String> {
        Some(match field {
            "ext" => (*self.rng.pick(&EXTENSIONS)).to_owned(),
            "file" => format!("{}.{}", self.short(), self.rng.pick(&EXTENSIONS)),
            "relative" => format!("{}/{}", self.word(), self.field("file")?),
            "path" => {
                let top = *self.rng.pick(&FOLDERS);
                let inner = (0..self.rng.range(1..=2)).map(|_| self.word()).collect::<Vec<_>>().join("/");
                match self.rng.chance(0.7) {
                    true => format!("{top}/{inner}/{}", self.field("file")?),
                    false => format!("{top}/{inner}"),
                }
            }
            "windows" => {
                let (disk, user) = (self.field("letterU")?, self.field("user")?);
                format!("{disk}:\\Users\\{user}\\{}\\{}", capital(self.word()), self.field("file")?)
            }
            "host" => format!("{}-{}.{}", self.word(), self.rng.range(1..=20), self.rng.pick(&DOMAINS)),
            "url" => format!("https://{}/{}/{}", self.field("host")?, self.word(), self.rng.below(1000)),
            "ip" => {
                let [a, b, c] = [223, 255, 255].map(|most| self.rng.range(1..=most));
                format!("{a}.{b}.{c}.{}", self.rng.range(1..=254))
            }
            "port" => self.rng.pick(&PORTS).to_string(),
            _ => return None,
        })
    }

    fn amount(&mut self, field: &str) -> Option<String> {
        Some(match field {
            "digit" => self.rng.range(1..=9).to_string(),
            "small" => self.rng.range(2..=99).to_string(),
            "n3" => self.rng.range(100..=999).to_string(),
            "n" => self.rng.range(10..=9999).to_string(),
            "big" => self.rng.range(10_000..=9_999_999).to_string(),
            "decimal" => format!("{}.{:02}", self.rng.below(1000), self.rng.below(100)),
            "percent" => format!("{}%", self.rng.range(1..=100)),
            "size" => {
                let unit = *self.rng.pick(&["KiB", "MiB", "GiB"]);
                format!("{}.{} {unit}", self.rng.range(1..=999), self.rng.below(10))
            }
            "hex" => format!("{:x}", self.rng.bits() >> 16),
            "hex8" => format!("{:08x}", self.rng.bits() >> 32),
            "0xhex8" => format!("0x{:08x}", self.rng.bits() >> 32),
            "status" => self.rng.pick(&STATUSES).to_string(),
            "ok" => self.rng.pick(&[200, 200, 200, 201, 204, 304]).to_string(),
            "mode" => (*self.rng.pick(&["644", "600", "755", "700", "+x", "u+w"])).to_owned(),
            "time" => {
                let [hour, minute, second] = [24, 60, 60].map(|below| self.rng.below(below));
                format!("{hour:02}:{minute:02}:{second:02}")
            }
            "date" => {
                let year = self.rng.range(2015..=2035);
                format!("{year}-{:02}-{:02}", self.rng.range(1..=12), self.rng.range(1..=28))
            }
            _ => return None,
        })
    }

    /// A word or two, for names that stand inside others.
    fn short(&mut self) -> String {
        match self.rng.chance(0.3) {
            true => format!("{}{}{}", self.word(), self.rng.pick(&["_", "-"]), self.word()),
            false => self.word().to_owned(),
        }
    }

    fn several(&mut self) -> Vec<&'static str> {
        (0..self.rng.range(1..=3)).map(|_| self.word()).collect()
    }

    fn joined(&mut self, by: &str) -> String {
        self.several().join(by)
    }
}

/// A word with a capital first.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
