//! What is looked for, and the words that make it worth looking: a line with none of them is
//! not looked at again.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::tokens::{PAIR_WORDS, TOKEN_WORDS, TOKENS};
use super::{Hit, Options, card, check, digits, pair, person, web};

/// How something is found in a line.
enum Find {
    /// All of a match, or its first group, that passes the check.
    Pattern(Option<Regex>, fn(&str) -> bool),
    Hand(fn(&str, &mut Vec<Hit>)),
}

struct Rule {
    triggers: &'static [&'static str],
    find: Find,
}

fn any(_: &str) -> bool {
    true
}

fn unmasked(value: &str) -> bool {
    !check::is_masked(value) && !check::is_word(value)
}

fn random(value: &str) -> bool {
    check::is_random(value, 16)
}

/// What makes a line worth looking at, what is found in it, and what that has to pass.
type Pattern = (&'static [&'static str], &'static str, fn(&str) -> bool);

const PATTERNS: &[Pattern] = &[
    (TOKEN_WORDS, TOKENS, any),
    (&["akia", "asia", "abia", "acca"], r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)", any),
    (
        &["secret"],
        r"(?i:secret)[^\n]{0,40}?[^A-Za-z0-9/+]([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
        check::not_hex,
    ),
    (&["sk-"], r"(?-u:\b)sk-[A-Za-z0-9_-]{20,}", check::has_digit),
    (&["eyj"], r"eyJ[A-Za-z0-9_-]{5,}={0,2}(?:\.[A-Za-z0-9_-]*){2,4}", check::is_jwt),
    (&["bearer"], r"(?i:(?-u:\b)bearer)\s+([A-Za-z0-9_.~+/=-]{16,})", random),
    (&[":aa"], r"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}", any),
    (&["discord", "bot "], r"(?-u:\b)[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}", any),
    (
        &["hooks.slack.com", "/api/webhooks/", "webhook.office.com"],
        r#"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|/api/webhooks/[0-9]+/|webhook\.office\.com/webhookb2/)([^\s"'<>)\\]+)"#,
        unmasked,
    ),
    (
        &["sig=", "signature="],
        r#"(?i:[?&;](?:sig|x-amz-signature|x-goog-signature|signature)=|,\s?signature=)([A-Za-z0-9%+/=_-]{16,})"#,
        any,
    ),
    (
        &["heroku"],
        r#"(?i:heroku[a-z0-9_ .-]{0,24}(?:key|token)?\\?["']?\s{0,3}[=:]\s{0,3}\\?["']?)([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"#,
        any,
    ),
    (&["password="], r#"(?i:;\s{0,4}password\s{0,2}=\s{0,2})([^;"'\s][^;"'\n]{0,200})(?:;|"|')"#, unmasked),
    (&["pwd="], r#"(?i:;\s{0,4}pwd\s{0,2}=\s{0,2})([^;"'\s][^;"'\n]{0,200})(?:;|"|')"#, unmasked),
    (&["password "], r"(?i:(?-u:\b)login\s+\S{1,64}\s+password\s+)(\S+)", unmasked),
    (&["password is", "password was"], r"(?i:password (?:is|was):? )(\S{4,})", check::has_digit),
    (&["identified by", "password '"], r"(?i:identified by|password) '([^']+)'", unmasked),
    (&["jdbc:oracle"], r"jdbc:oracle:[a-z]{1,8}:[^/\s]{1,64}/([^@\s]+)@", unmasked),
    (
        &["mysql", "mariadb"],
        r"(?-u:\b)(?:mysql|mariadb)[a-z-]{0,12} (?:[^|;\n]{0,200} )?-p([^\s|;]+)",
        unmasked,
    ),
    (&["sshpass"], r"(?-u:\b)sshpass -p ?'?([^\s']+)", unmasked),
    (&["redis-cli"], r"(?-u:\b)redis-cli (?:[^|;\n]{0,200} )?-a ([^\s|;]+)", unmasked),
    (
        &["docker login", "podman login", "helm registry"],
        r"(?:docker|podman|registry) login (?:[^|;\n]{0,200} )?-p ([^\s|;]+)",
        unmasked,
    ),
    (
        &["curl "],
        r#"(?-u:\b)curl (?:[^|;\n]{0,400} )?(?:-u|--user)[ =]?["']?[^\s:"'/]{0,64}:([^\s"']+)"#,
        unmasked,
    ),
    (&[":5432:", ":*:"], r"(?m)^[^:\s]{1,128}:(?:5432|\*):[^:\s]{1,64}:[^:\s]{1,64}:(\S+)$", unmasked),
    (
        &["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$argon2", "$scrypt"],
        r#"\$(?:1|2[aby]|5|6|y|argon2id?|argon2d|scrypt)\$[A-Za-z0-9./+=,$-]{8,}"#,
        any,
    ),
    (&["-----end"], r"[A-Za-z0-9+/=\\]{16,}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", any),
];

type Hand = (&'static [&'static str], fn(&str, &mut Vec<Hit>));

const HANDS: &[Hand] = &[
    (PAIR_WORDS, pair::find),
    (&["authorization"], web::authorization),
    (&["cookie"], web::cookies),
    (&["@"], web::addresses),
    (&["@"], person::emails),
    // Found by [`super::keyblock`], before these.
    (&["-- begin ", "-----begin ", "private-lines: "], |_, _| ()),
];

fn rules() -> Vec<Rule> {
    let pattern = |(triggers, pattern, check): &Pattern| Rule {
        triggers,
        find: Find::Pattern(Regex::new(pattern).ok(), *check),
    };
    let hand = |(triggers, find): &Hand| Rule { triggers, find: Find::Hand(*find) };
    PATTERNS.iter().map(pattern).chain(HANDS.iter().map(hand)).collect()
}

struct Table {
    rules: Vec<Rule>,
    /// Finds the words of all rules.
    words: Option<AhoCorasick>,
    /// The rules that each word stands for, a bit for each.
    owners: Vec<u64>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rules = rules();
    let mut words: Vec<&str> = Vec::new();
    let mut owners: Vec<u64> = Vec::new();
    for (rule, word) in
        rules.iter().enumerate().flat_map(|(at, rule)| rule.triggers.iter().map(move |word| (at, *word)))
    {
        match words.iter().position(|known| *known == word) {
            Some(known) => owners[known] |= 1 << rule,
            None => {
                words.push(word);
                owners.push(1 << rule);
            }
        }
    }
    let kind = Some(aho_corasick::AhoCorasickKind::DFA);
    let words = AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(words).ok();
    Table { rules, words, owners }
});

/// Where in a text something may be, looked up as far as it is needed and not twice.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    word: Option<usize>,
    digits: Option<usize>,
}

impl Ahead {
    /// The first place from `at` on; `None`: there is no more.
    pub(super) fn next(&mut self, text: &str, at: usize, options: Options) -> Option<usize> {
        if options.ips || options.users {
            return (at < text.len()).then_some(at);
        }
        if self.word.is_none_or(|word| word < at) {
            self.word = Some(word_from(text, at));
        }
        if self.digits.is_none_or(|digits| digits < at) {
            self.digits = Some(digits::next(text.as_bytes(), at).unwrap_or(usize::MAX));
        }
        self.word.min(self.digits).filter(|next| *next < text.len())
    }
}

fn word_from(text: &str, at: usize) -> usize {
    let Some(words) = TABLE.words.as_ref() else { return at };
    let input = aho_corasick::Input::new(text).span(at..text.len());
    words.find(input).map_or(usize::MAX, |found| found.start())
}

/// What is to be replaced in a line, in order and without overlaps.
pub(super) fn hits(line: &str, options: Options) -> Vec<Hit> {
    let mut secrets = Vec::new();
    let mut others = Vec::new();
    let triggered = TABLE.words.as_ref().map_or(u64::MAX, |words| {
        words.find_overlapping_iter(line).fold(0, |all, found| all | TABLE.owners[found.pattern().as_usize()])
    });
    for (at, rule) in TABLE.rules.iter().enumerate() {
        if triggered & (1 << at) != 0 {
            rule.find(line, &mut secrets);
        }
    }
    if digits::next(line.as_bytes(), 0).is_some() {
        card::find(line, &mut others);
    }
    if options.ips {
        person::ips(line, &mut others);
    }
    if options.users {
        person::users(line, &mut others);
    }
    let (mut secrets, persons): (Vec<Hit>, Vec<Hit>) =
        secrets.into_iter().partition(|hit| hit.kind == super::Kind::Secret);
    others.extend(persons);
    let worth = |hit: &Hit| !hit.at.is_empty() && !check::is_placeholder(&line[hit.at.clone()]);
    secrets.retain(worth);
    others.retain(worth);
    settle(secrets, others)
}

/// Secrets that overlap become one; the rest gives way to them and to what stands before.
fn settle(mut secrets: Vec<Hit>, mut others: Vec<Hit>) -> Vec<Hit> {
    secrets.sort_by_key(|hit| (hit.at.start, hit.at.end));
    let mut hits: Vec<Hit> = Vec::with_capacity(secrets.len() + others.len());
    for hit in secrets {
        match hits.last_mut() {
            Some(last) if hit.at.start < last.at.end => last.at.end = last.at.end.max(hit.at.end),
            _ => hits.push(hit),
        }
    }
    others.sort_by_key(|hit| (hit.at.start, hit.at.end));
    let secrets = hits.clone();
    let (mut next, mut end) = (0, 0);
    for hit in others {
        while secrets.get(next).is_some_and(|secret| secret.at.end <= hit.at.start) {
            next += 1;
        }
        let free = secrets.get(next).is_none_or(|secret| secret.at.start >= hit.at.end);
        if free && hit.at.start >= end {
            end = hit.at.end;
            hits.push(hit);
        }
    }
    hits.sort_by_key(|hit| hit.at.start);
    hits
}

impl Rule {
    fn find(&self, line: &str, hits: &mut Vec<Hit>) {
        match &self.find {
            Find::Hand(find) => find(line, hits),
            Find::Pattern(None, _) => {}
            Find::Pattern(Some(pattern), check) => {
                let found =
                    pattern.captures_iter(line).filter_map(|found| found.get(1).or_else(|| found.get(0)));
                hits.extend(
                    found.filter(|value| check(value.as_str())).map(|value| Hit::secret(value.range())),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_every_word_is_in_lower_case() {
        assert!(TABLE.words.is_some());
        assert!(TABLE.rules.len() <= 64, "a bit for each");
        for rule in &TABLE.rules {
            assert!(!matches!(rule.find, Find::Pattern(None, _)), "{:?}", rule.triggers);
            assert!(
                rule.triggers.iter().all(|word| *word == word.to_ascii_lowercase()),
                "{:?}",
                rule.triggers
            );
        }
    }
}
