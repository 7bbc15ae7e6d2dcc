//! Made-up texts of what screens are full of: printable ASCII, single spaces, none at the ends.

use super::rng::Rng;

/// Plain words, from two to twelve letters.
const WORDS: &str = "able access account across action active adapter add address after agent alarm album alert \
    alias align allow amount analysis anchor animal answer apple archive area argument array arrow article asset \
    attach audio author auto average backup badge balance band bank base batch battery beach before begin below \
    bench beta bill binary bird block blue board body book border bottle bottom box branch bread break bridge \
    broken browser bucket buffer build bundle button cable cache calendar call camera canvas capture carbon card \
    cargo case cast catalog cell center chain change channel chapter charge chart check child choice circle city \
    class clean clear client clock close cloud cluster coast code coffee cold color column command comment commit \
    common compile config connect console contact content context control convert copy core corner count country \
    course cover crash create credit cross current cursor custom cycle daily damage dark data database date debug \
    decode default delay delete deliver demo deny deploy depth desert design desk detail detect device dialog \
    digit direct disk display dock docker document domain door double draft draw driver drop dump early earth east \
    echo edge edit editor effect email empty enable encode end energy engine enter entry equal error escape event \
    exact example except exit expand expect export extra factor fail false family farm fast fault feature feed \
    fetch field file filter final find fire first fix flag flash flat flight float floor flow flush folder font \
    force forest fork form format forward frame free fresh front full function future garden gate gateway general \
    glass global gold grand grant graph grass green grid group guard guest guide half hand handle hard hash head \
    header heap heart height help hidden high history hold home hook host hour house human icon ignore image import \
    index info inner input insert install island issue item jacket job join journal jump kernel key kind kitchen \
    label lake lamp large last late launch layer layout lead leaf learn left length letter level library light \
    limit line link list little load local lock log login long loop lower machine mail main manager manual map \
    margin mark market mask master match matrix media member memory menu merge message metal method metric middle \
    minute mirror missing mode model module money monitor month morning mount mouse move music name native near \
    network never next night node noise normal north note notice null number object ocean offer office offset old \
    open option orange order origin other output outer owner pack package page paint panel paper parent park parse \
    part patch path pattern pause payment peer people phone photo picture pipe place plain plan plant plate player \
    plugin point policy pool port power prefix press price primary print private process profile program project \
    prompt protect proxy public pull pump push query queue quick quiet radio rain random range rate raw ready real \
    reason record red reduce region relay release remote remove render repair repeat replace reply report request \
    reset resize resolve response rest restart result retry return review right ring river road robot role roll \
    room root rotate round route router row rule runtime safe sale sample save scale scan scene schema school scope \
    score screen script scroll sea search season second secret section secure select send sensor serial server \
    service session set setup shadow shape share sheet shell ship short show side signal silver simple single site \
    size sketch sleep slice slot small smart snow socket soft solar sort sound source south space speed split spring \
    square stable stack staff stage stamp standard star start state static station status steel step stone stop \
    storage store storm story stream street string strong style submit sugar summer sun supply support switch symbol \
    sync system table tag tail target task team temp tenant term test text theme thread ticket time title token tool \
    top total touch tower town trace track trade traffic train transfer tree trial trip true trust tube tunnel turn \
    type under union unit update upload upper user usage valid valley value vector vendor version video view village \
    virtual visit voice volume wait walk wall warm watch water wave weather web week weight west wheel white wide \
    width wild wind window wing winter wire wood word work worker world write yellow young zero zone";

/// What goes wrong. `{i}` becomes an identifier, `{p}` a path, `{n}` a number, `{w}` a word.
const ERRORS: [&str; 60] = [
    "{i}: command not found",
    "No such file or directory: {p}",
    "Permission denied: {p}",
    "cannot open {p}",
    "Connection refused ({n})",
    "Connection to {n} timed out",
    "Failed to load {i}",
    "{i}Error: invalid {w} '{w}'",
    "Segmentation fault (core dumped)",
    "Out of memory",
    "Disk full: {n} left",
    "Module '{i}' not found",
    "undefined reference to '{i}'",
    "expected {n} got {n}",
    "Unable to {w} {w}",
    "Invalid {w}: {i}",
    "{w} failed with code {n}",
    "index {n} out of range",
    "assertion failed: {i}",
    "Access to {p} denied",
    "Host {n} unreachable",
    "Timeout after {n} s",
    "Could not {w} the {w}",
    "The file {p} is corrupt",
    "unexpected token '{w}' at line {n}",
    "error: cannot find value '{i}'",
    "The {w} {w} has expired",
    "Address already in use: {n}",
    "Too many open files",
    "No space left on device",
    "Broken pipe",
    "Certificate for {i} is not trusted",
    "Login failed for user {w}",
    "The server returned status {n}",
    "Cannot connect to the {w} {w}",
    "{i} is not recognized",
    "The {w} could not be saved",
    "An error occurred while reading {p}",
    "Missing argument: {i}",
    "unknown option '--{i}'",
    "Name or service not known: {i}",
    "fatal: not a git repository",
    "The disk {w} is not readable",
    "Wrong password for {w}",
    "Cannot delete {p}",
    "Failed to start {i}.service",
    "The {w} queue is full",
    "Checksum mismatch in {p}",
    "database is locked",
    "syntax error near '{w}'",
    "{w}: division by zero",
    "The {w} version {n} is not supported",
    "License for {w} not found",
    "Printer {w} is offline",
    "Read-only file system: {p}",
    "The {w} is already running",
    "Kernel panic: {w}",
    "no route to host {n}",
    "Unsupported format: {p}",
    "The request was rejected by {i}",
];

/// Command lines, filled as errors are.
const COMMANDS: [&str; 44] = [
    "ls -la",
    "cd {p}",
    "cat {p}",
    "grep {w} {p}",
    "git {w}",
    "git commit -m '{w} {w}'",
    "python3 {p}",
    "cargo {w}",
    "make {w}",
    "ssh {w}@{n}",
    "rm {p}",
    "cp {p} {p}",
    "pip install {w}",
    "docker run {w}",
    "ps aux",
    "df -h",
    "tail -n {n} {p}",
    "sudo {w} {w}",
    "echo {w} {w}",
    "chmod 644 {p}",
    "git status",
    "git log",
    "uname -a",
    "top",
    "free -m",
    "du -sh {p}",
    "ping {n}",
    "curl {i}",
    "tar xf {p}",
    "npm run {w}",
    "kubectl get {w}",
    "systemctl {w} {i}",
    "journalctl -u {i}",
    "find {p} -name {w}",
    "kill {n}",
    "mkdir {p}",
    "mv {p} {p}",
    "less {p}",
    "vim {p}",
    "uptime",
    "whoami",
    "hostname",
    "netstat -tlnp",
    "env",
];

/// Programs that have a name in a title.
const PROGRAMS: [&str; 14] = [
    "Terminal",
    "Editor",
    "Files",
    "Mail",
    "Backup",
    "Browser",
    "Installer",
    "Settings",
    "Monitor",
    "Player",
    "Viewer",
    "Console",
    "Studio",
    "Updater",
];

/// Lines of code of three languages, filled as errors are.
const CODE: [&str; 24] = [
    "let {w} = {i}({n});",
    "return {w};",
    "if {w} == {w} {",
    "}",
    "{i}.{w}({w}, {w})",
    "for {w} in {i}:",
    "{w} = {i}[{w}]",
    "import {w}",
    "// {w} the {w}",
    "# {w} {w} {w}",
    "print({w})",
    "var {w} {w}",
    "{w} := {i}({w})",
    "else {",
    "while {w} < {w} {",
    "self.{w} = {w}",
    "raise {i}Error",
    "use {w}::{i};",
    "const {i} = {n};",
    "assert {w} != {w}",
    "{w} += {w}",
    "try:",
    "match {w} {",
    "yield {i}",
];

const ROOTS: [&str; 9] = ["/", "~/", "./", "/home/", "/var/log/", "/usr/lib/", "/etc/", "/tmp/", "C:\\"];
const ENDINGS: [&str; 8] = [".log", ".py", ".txt", ".rs", ".json", ".conf", "", ".so"];
const LEVELS: [&str; 5] = ["INFO", "WARN", "DEBUG", "ERROR", "TRACE"];

/// A writer of texts by chance.
pub struct Words<'a> {
    rng: &'a mut Rng,
}

impl<'a> Words<'a> {
    /// One that takes its chance from there.
    pub fn new(rng: &'a mut Rng) -> Self {
        Self { rng }
    }

    /// A plain word of two to twelve letters.
    pub fn word(&mut self) -> String {
        thread_local! {
            static ALL: Vec<&'static str> = WORDS.split_ascii_whitespace().collect();
        }
        ALL.with(|all| (*self.rng.pick(all)).to_owned())
    }

    /// One to three words as programs join them.
    pub fn identifier(&mut self) -> String {
        let joint = *self.rng.pick(&["_", "-", ".", ""]);
        let many = self.rng.range(1, 3);
        (0..many).map(|_| self.word()).collect::<Vec<_>>().join(joint)
    }

    /// A path of one to three names.
    pub fn path(&mut self) -> String {
        let (root, ending) = (*self.rng.pick(&ROOTS), *self.rng.pick(&ENDINGS));
        let many = self.rng.range(1, 3);
        let joint = if root.ends_with('\\') { "\\" } else { "/" };
        let names = (0..many).map(|_| self.word()).collect::<Vec<_>>().join(joint);
        format!("{root}{names}{ending}")
    }

    /// A count, a decimal, an address, a time, a date or a share.
    pub fn number(&mut self) -> String {
        let rng = &mut *self.rng;
        match rng.below(7) {
            0 => rng.range(0, 99_999).to_string(),
            1 => format!("{}.{:02}", rng.range(0, 999), rng.range(0, 99)),
            2 => format!("0x{:x}", rng.bits() >> *rng.pick(&[16, 32, 48])),
            3 => format!(
                "{}.{}.{}.{}",
                rng.range(1, 255),
                rng.range(0, 255),
                rng.range(0, 255),
                rng.range(1, 254)
            ),
            4 => format!("{:02}:{:02}:{:02}", rng.range(0, 23), rng.range(0, 59), rng.range(0, 59)),
            5 => format!("20{}-{:02}-{:02}", rng.range(10, 29), rng.range(1, 12), rng.range(1, 28)),
            _ => format!("{}%", rng.range(0, 100)),
        }
    }

    /// What goes wrong, in words.
    pub fn error(&mut self) -> String {
        let template = *self.rng.pick(&ERRORS);
        self.filled(template)
    }

    /// A command line.
    pub fn command(&mut self) -> String {
        let template = *self.rng.pick(&COMMANDS);
        self.filled(template)
    }

    /// A line of code.
    pub fn code_line(&mut self) -> String {
        let template = *self.rng.pick(&CODE);
        self.filled(template)
    }

    /// A window's title.
    pub fn title(&mut self) -> String {
        let program = *self.rng.pick(&PROGRAMS);
        match self.rng.below(5) {
            0 => program.to_owned(),
            1 => format!("{} - {program}", self.path()),
            2 => format!("{program} - {}", self.word()),
            3 => capital(format!("{} {}", self.word(), self.word())),
            _ => format!("{}@{}: {}", self.word(), self.word(), self.path()),
        }
    }

    /// A line of a log.
    pub fn log_line(&mut self) -> String {
        let level = *self.rng.pick(&LEVELS);
        let (hour, minute, second) = (self.rng.range(0, 23), self.rng.range(0, 59), self.rng.range(0, 59));
        let (service, said) = (self.identifier(), self.sentence(24));
        format!("{hour:02}:{minute:02}:{second:02} {level} {service}: {said}")
    }

    /// Words up to a length, numbers and identifiers among them.
    pub fn sentence(&mut self, most: usize) -> String {
        let mut sentence = self.word();
        while self.rng.chance(0.8) {
            let next = match self.rng.below(5) {
                0 => self.identifier(),
                1 => self.number(),
                _ => self.word(),
            };
            if sentence.len() + 1 + next.len() > most {
                break;
            }
            sentence = format!("{sentence} {next}");
        }
        if self.rng.chance(0.3) { capital(sentence) } else { sentence }
    }

    /// A line of one to so many characters. `noise` is the share of lines of random characters:
    /// without them a model could guess words in place of reading them.
    pub fn line(&mut self, most: usize, noise: f32) -> String {
        let most = most.max(1);
        for _ in 0..20 {
            let line = match self.rng.unit() {
                share if share < noise => self.noise(most),
                _ => match self.rng.below(10) {
                    0 | 1 => self.error(),
                    2 => self.path(),
                    3 => self.number(),
                    4 => self.command(),
                    5 => self.identifier(),
                    _ => self.sentence(most),
                },
            };
            let line = line.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            if (1..=most).contains(&line.len()) {
                return line;
            }
        }
        "x".to_owned()
    }

    /// Random characters of one alphabet, at most forty, with a space here and there.
    fn noise(&mut self, most: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let printable: Vec<u8> = (b'!'..=b'~').collect();
        let alphabet: &[u8] = match self.rng.below(20) {
            0..6 => &printable,
            6..10 => &LETTERS[..26],
            10..13 => &LETTERS[52..],
            13..15 => b"0123456789abcdef",
            _ => LETTERS,
        };
        let length = self.rng.range(3.min(most as i32), most.min(40) as i32);
        let one = |rng: &mut Rng| if rng.chance(0.1) { ' ' } else { char::from(*rng.pick(alphabet)) };
        (0..length).map(|_| one(self.rng)).collect()
    }

    fn filled(&mut self, template: &str) -> String {
        let (mut filled, mut rest) = (String::new(), template);
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            let end = (at + 3).min(rest.len());
            let what = match &rest[at..end] {
                "{i}" => self.identifier(),
                "{p}" => self.path(),
                "{n}" => self.number(),
                "{w}" => self.word(),
                _ => {
                    filled.push('{');
                    rest = &rest[at + 1..];
                    continue;
                }
            };
            filled.push_str(&what);
            rest = &rest[end..];
        }
        filled + rest
    }
}

fn capital(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_printable_with_single_spaces_and_bounded() {
        let mut rng = Rng::new(9);
        let mut words = Words::new(&mut rng);
        for _ in 0..2000 {
            let texts = [
                words.word(),
                words.identifier(),
                words.path(),
                words.number(),
                words.error(),
                words.command(),
                words.code_line(),
                words.title(),
                words.log_line(),
                words.sentence(40),
                words.line(30, 0.5),
            ];
            for text in texts {
                assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
                assert_eq!(text, text.split_whitespace().collect::<Vec<_>>().join(" "));
                assert!((1..=120).contains(&text.len()), "{text:?}");
                assert!(!text.contains("{w}") && !text.contains("{i}"), "{text:?}");
            }
            assert!(words.line(30, 0.5).len() <= 30 && words.sentence(40).len() <= 40);
        }
    }
}
