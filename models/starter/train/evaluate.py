"""Asks percept itself about held-out pictures, and scores what it answers.

    python evaluate.py --percept ../../../target/release/percept
    python evaluate.py --percept ../../../target/release/percept --pair runs/first

The pictures come from a fixed seed that training does not use, and go the whole way: file,
percept's scaling, llama.cpp, greedy tokens. percept runs with folders of its own, which are
deleted afterwards. Their texts are made as the training's were: new pictures, not a new
kind of text.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import texts
from canvas import FONTS, Fonts, MissingFont
from gguf_pair import LANGUAGE_FILE, VISION_FILE
from kinds import KINDS, Kind, Studio
from lines import READING_QUESTIONS

SEED = 11
USUAL_KINDS = ["line-long", "lines", "screen-small"]
# An answer that repeats itself is cut after so many tokens beyond what the picture holds.
SPARE_TOKENS = 170
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Case:
    """A held-out picture, a question about it, and the right answer."""

    picture: Path
    question: str
    answer: str


class Score:
    """Answers against what was right."""

    def __init__(self) -> None:
        self.cases = self.exact = self.edits = self.characters = 0

    def add(self, given: str, right: str) -> None:
        self.cases += 1
        self.exact += given == right
        self.edits += edit_distance(given, right)
        self.characters += len(right)

    def __str__(self) -> str:
        rate = self.edits / max(1, self.characters)
        return f"{self.exact:4} of {self.cases:4} exact, character error rate {rate:.2f}"


def edit_distance(one: str, other: str) -> int:
    """Returns the fewest insertions, deletions and replacements (Levenshtein)."""
    row = list(range(len(other) + 1))
    for count, character in enumerate(one, 1):
        above, row = row, [count]
        for place, right in enumerate(other):
            row.append(min(row[-1] + 1, above[place + 1] + 1, above[place] + (character != right)))
    return row[-1]


def draw(kind: Kind, count: int, studio: Studio, seed: int, folder: Path) -> list[Case]:
    """Draws held-out pictures of a kind into a folder.

    Of `lines` it is only asked to read them, as the kind is there for that.
    """
    artist = studio.artist(seed)
    cases = []
    while len(cases) < count:
        drawing = kind.draw(artist)
        if kind.name == "lines":
            question, answer = next(pair for pair in drawing.questions if pair[0] in READING_QUESTIONS)
        else:
            question, answer = artist.rng.choice(drawing.questions)
        picture = folder / f"{kind.name}-{len(cases):03}.png"
        drawing.canvas.image.save(picture)
        cases.append(Case(picture, question, answer))
    return cases


class Percept:
    """The command line of percept, with folders of its own."""

    def __init__(self, program: Path, home: Path, pair: Path | None):
        self.program = program.resolve()
        self.model = "evaluated" if pair else "starter"
        self.home = home
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PERCEPT_")}
        folders = {f"PERCEPT_{name.upper()}_DIR": str(home / name) for name in ("config", "data", "cache")}
        # So small a network is slowed by a second thread, which waits at every matrix.
        self.environment = inherited | folders | {"PERCEPT_MODEL_THREADS": "1"}
        if pair:
            self._add(pair.resolve())

    def _add(self, pair: Path) -> None:
        """Enters a pair of files into the catalogue, to be asked as the starter is."""
        entry = self.home / "config" / "models" / "evaluated.toml"
        entry.parent.mkdir(parents=True)
        entry.write_text(
            'name = "evaluated"\ncontext = 4096\nsystem_prompt = false\nturns = "last_picture"\n'
            f"[files]\nmodel = {json.dumps(str(pair / LANGUAGE_FILE))}\n"
            f"mmproj = {json.dumps(str(pair / VISION_FILE))}\n"
        )

    def ask(self, case: Case, most_tokens: int) -> str:
        command = [self.program, "ask", "--json", "--model", self.model, "--temperature", "0"]
        command += ["--max-tokens", str(most_tokens), "--attach", case.picture, case.question]
        done = subprocess.run(
            command,
            env=self.environment,
            # Not in a folder whose .percept.toml would change the answers.
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
        if done.returncode:
            raise SystemExit(f"percept ended with {done.returncode} on {case.picture}:\n{done.stderr}")
        return json.loads(done.stdout)["answer"]


def evaluate(kind: Kind, cases: list[Case], ask: Callable[[Case, int], str], show: int) -> None:
    """Asks all cases of a kind and prints the scores, by question too where there are many."""
    total = Score()
    by_question: dict[str, Score] = defaultdict(Score)
    for index, case in enumerate(cases):
        given, right = ask(case, kind.characters + SPARE_TOKENS).strip(), case.answer.strip()
        total.add(given, right)
        by_question[case.question].add(given, right)
        if index < show:
            print(f"  {case.picture.name} {case.question}\n    right: {right!r}\n    given: {given!r}")
    print(f"{kind.name:14} {kind.width}x{kind.height}  {total}", flush=True)
    if len(by_question) > len(READING_QUESTIONS):
        for question, score in sorted(by_question.items()):
            print(f"    {score}  {question}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Scores percept on held-out pictures.")
    parser.add_argument("--percept", type=Path, required=True, help="the program")
    parser.add_argument("--pair", type=Path, help="folder of a GGUF pair (default: percept's own)")
    askable = [name for name, kind in KINDS.items() if kind.tokens]
    usual = "default: " + " ".join(USUAL_KINDS)
    parser.add_argument("--kinds", nargs="+", choices=askable, default=USUAL_KINDS, help=usual)
    parser.add_argument("--count", type=int, default=100, help="pictures of each kind (default: 100)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the pictures (default: {SEED})")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N answers a kind")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the pictures there")
    parser.add_argument("--fonts", type=Path, default=FONTS, help=f"folder of fonts (default: {FONTS})")
    parser.add_argument("--corpus", default="", metavar="GLOB", help="as given to train.py")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    try:
        studio = Studio(texts.collect(arguments.corpus), Fonts(arguments.fonts))
    except MissingFont as error:
        raise SystemExit(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="percept-evaluate-") as temporary:
        percept = Percept(arguments.percept, Path(temporary), arguments.pair)
        pictures = arguments.keep or Path(temporary) / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        for name in arguments.kinds:
            cases = draw(KINDS[name], arguments.count, studio, arguments.seed, pictures.resolve())
            evaluate(KINDS[name], cases, percept.ask, arguments.show)


if __name__ == "__main__":
    main()
