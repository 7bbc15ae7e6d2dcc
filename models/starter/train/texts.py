"""Texts to draw: words and lines of a corpus, and what screens are full of.

The corpus is collected from files that every machine has (Python's own library and the
licence texts of installed packages), so nothing is downloaded and nothing is shipped; it
differs a little from machine to machine. Only printable ASCII comes out: the vision part
has no class for anything else.
"""

import glob
import os
import random
import re
import string
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 900
MOST_LINES = 200_000
MOST_WORDS = 20_000
MOST_LICENCES = 60
# Among this many of the most frequent words, the plain ones are drawn most often.
FREQUENT = 6_000

ERRORS = [
    "{i}: command not found", "No such file or directory: {p}", "Permission denied: {p}",
    "cannot open {p}", "Connection refused ({n})", "Connection to {n} timed out",
    "Failed to load {i}", "{i}Error: invalid {w} '{w}'", "Segmentation fault (core dumped)",
    "Out of memory", "Disk full: {n} left", "Module '{i}' not found",
    "undefined reference to '{i}'", "expected {n} got {n}", "Unable to {w} {w}",
    "Invalid {w}: {i}", "{w} failed with code {n}", "index {n} out of range",
    "assertion failed: {i}", "Access to {p} denied", "Host {n} unreachable",
    "Timeout after {n} s", "Could not {w} the {w}", "The file {p} is corrupt",
    "unexpected token '{w}' at line {n}",
]  # fmt: skip
COMMANDS = [
    "ls -la", "cd {p}", "cat {p}", "grep {w} {p}", "git {w}", "git commit -m '{w} {w}'",
    "python3 {p}", "cargo {w}", "make {w}", "ssh {w}@{n}", "rm {p}", "cp {p} {p}",
    "pip install {w}", "docker run {w}", "ps aux", "df -h", "tail -n {n} {p}", "sudo {w} {w}",
    "echo {w} {w}", "chmod 644 {p}",
]  # fmt: skip
ROOTS = ["/", "~/", "./", "/home/", "/var/log/", "/usr/lib/", "/etc/", "/tmp/", "C:\\"]
ENDINGS = [".log", ".py", ".txt", ".rs", ".json", ".conf", "", ".so"]
PRINTABLE = "".join(map(chr, range(33, 127)))


@dataclass(frozen=True)
class Corpus:
    """What lines and words are taken from."""

    lines: list[str]
    """Lines of 4 to 160 printable characters, in random order."""
    words: list[str]
    """The most frequent words of 2 to 14 characters, the most frequent first."""
    plain_words: list[str]
    """Frequent words of lower-case letters only."""


def collect(more: str = "") -> Corpus:
    """Reads the corpus; `more` is a glob of further text files (`**` reaches into folders).

    The choice among the files is random, but the same each time.
    """
    rng = random.Random(0)
    library = Path(os.__file__).parent
    files = sorted([*library.glob("*.py"), *library.glob("*/*.py")])
    files += sorted(Path("/usr/share/doc").glob("*/copyright"))[:MOST_LICENCES]
    files += sorted(map(Path, glob.glob(more, recursive=True)))
    rng.shuffle(files)
    lines: dict[str, None] = {}
    counts: Counter[str] = Counter()
    for file in files[:MOST_FILES]:
        if not file.is_file():
            continue
        text = file.read_text(errors="ignore")
        spaced = (" ".join(line.split()) for line in text.split("\n"))
        lines.update((line, None) for line in spaced if 4 <= len(line) <= 160 and _drawable(line))
        tokens = re.sub(r"[^\w.-]", " ", text).split()
        counts.update(word for word in tokens if 2 <= len(word) <= 14 and _drawable(word))
    shuffled = list(lines)
    rng.shuffle(shuffled)
    words = [word for word, _ in counts.most_common(MOST_WORDS)]
    plain = [word for word in words[:FREQUENT] if word.isalpha() and word.islower()]
    return Corpus(shuffled[:MOST_LINES], words, plain)


def _drawable(text: str) -> bool:
    return text.isascii() and text.isprintable()


class Writer:
    """Makes up texts at random."""

    def __init__(self, rng: random.Random, corpus: Corpus):
        self.rng = rng
        self.corpus = corpus

    def word(self) -> str:
        plain = self.rng.random() < 0.7
        return self.rng.choice(self.corpus.plain_words if plain else self.corpus.words)

    def identifier(self) -> str:
        joint = self.rng.choice(["_", "-", ".", ""])
        return joint.join(self.word() for _ in range(self.rng.randint(1, 3)))

    def path(self) -> str:
        root = self.rng.choice(ROOTS)
        names = "/".join(self.word() for _ in range(self.rng.randint(1, 3)))
        return root + names + self.rng.choice(ENDINGS)

    def number(self) -> str:
        """A count, a decimal, an address, a time, a date or a percentage."""
        rng = self.rng
        match rng.randint(0, 6):
            case 0:
                return str(rng.randint(0, 99_999))
            case 1:
                return f"{rng.random() * 1000:.2f}"
            case 2:
                return f"0x{rng.getrandbits(rng.choice([16, 32, 48])):x}"
            case 3:
                return ".".join(str(rng.randint(0, 255)) for _ in range(4))
            case 4:
                return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
            case 5:
                return f"20{rng.randint(10, 29)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
            case _:
                return f"{rng.randint(0, 100)}%"

    def error(self) -> str:
        return self._filled(self.rng.choice(ERRORS))

    def command(self) -> str:
        return self._filled(self.rng.choice(COMMANDS))

    def _filled(self, template: str) -> str:
        fill = {"{i}": self.identifier, "{p}": self.path, "{n}": self.number, "{w}": self.word}
        return re.sub(r"\{[ipnw]\}", lambda place: fill[place.group()](), template)

    def line(self, most: int, noise: float = 0.35) -> str:
        """Returns a line of 1 to `most` characters, single spaces inside, none around.

        `noise` is the share of random characters: without them the language part would guess
        words instead of reading them.
        """
        for _ in range(20):
            line = " ".join(self._line(most, noise).split())
            if 1 <= len(line) <= most:
                return line
        return line[:most].strip() or "x"

    def _line(self, most: int, noise: float) -> str:
        share = self.rng.random()
        if share < noise:
            return self._noise(most)
        if share < noise + 0.25:
            return self._excerpt(most)
        if share < noise + 0.35:
            return self.error()
        if share < noise + 0.42:
            return self.path()
        if share < noise + 0.49:
            return self.number()
        if share < noise + 0.55:
            return self.command()
        return self._sentence(most)

    def _noise(self, most: int) -> str:
        """Random characters of one alphabet, at most 40, with a space here and there."""
        rng = self.rng
        share = rng.random()
        length = min(rng.randint(min(3, most), most), 40)
        if share < 0.3:
            alphabet = PRINTABLE
        elif share < 0.5:
            alphabet = string.ascii_lowercase
        elif share < 0.65:
            alphabet = string.digits
        elif share < 0.75:
            alphabet = "0123456789abcdef"
        else:
            alphabet = string.ascii_letters + string.digits
        noise = [rng.choice(alphabet) for _ in range(length)]
        for place in range(1, length - 1):
            if rng.random() < 0.1:
                noise[place] = " "
        return "".join(noise)

    def _excerpt(self, most: int) -> str:
        """Words of a line of the corpus, from a random one on; nothing if the first is too long."""
        words = self.rng.choice(self.corpus.lines).split(" ")
        excerpt = ""
        for word in words[self.rng.randrange(len(words)) :]:
            if len(excerpt) + len(word) + 1 > most:
                break
            excerpt = f"{excerpt} {word}" if excerpt else word
        return excerpt

    def _sentence(self, most: int) -> str:
        sentence = self.word()
        while self.rng.random() < 0.8:
            word = self.rng.choice([self.word, self.word, self.word, self.identifier, self.number])()
            if len(sentence) + 1 + len(word) > most:
                break
            sentence += " " + word
        return sentence.capitalize() if self.rng.random() < 0.2 else sentence
