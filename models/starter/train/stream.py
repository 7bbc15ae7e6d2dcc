"""Reads the examples that percept draws: `percept eval generate --stream`.

For each example the program writes a line of JSON, then width x height x 3 bytes of pixels,
without an end. What it writes to its standard error is shown as it comes. Nothing is
repaired: whatever isn't such an example is refused, with what was asked for.
"""

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from picture import FIRST_CHARACTER, Glyph, Picture

# Longer than the line of any example; a program that never ends its line isn't followed.
LONGEST_LINE = 1 << 20
# How long percept may take to end by itself, before it is told to.
PATIENCE_SECONDS = 1.0


class StreamError(Exception):
    """percept couldn't be started, ended, or sent something else than an example."""


@dataclass(frozen=True)
class Example:
    """A picture, a question and its answer; both texts are empty if nothing is asked."""

    picture: Picture | None
    """None: the question is about no picture."""
    question: str
    answer: str


class Stream:
    """The endless examples of one of percept's kinds, in one size and from one seed."""

    def __init__(self, percept: Path, kind: str, width: int, height: int, seed: int):
        """Starts the program. Without a picture the width and the height are 0."""
        self.kind, self.width, self.height = kind, width, height
        # Also a kind without pictures is given a size, as the program asks for one.
        size = f"{width or 20}x{height or 20}"
        self.command = [str(percept), "eval", "generate", "--kind", kind, "--size", size]
        self.command += ["--seed", str(seed), "--stream"]
        try:
            # In a process group of its own: Ctrl+C is for training, which closes us.
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, process_group=0
            )
        except OSError as error:
            hint = "build it, or name it with --percept"
            raise StreamError(f"can't start {percept}: {error.strerror}; {hint}") from error
        self.examples = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> Example:
        """Waits for the next example."""
        line = self.process.stdout.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            if len(line) == LONGEST_LINE:
                raise self._other(f"a line of more than {LONGEST_LINE} bytes")
            raise self._cut("in the middle of a line" if line else "")
        try:
            said = json.loads(line)
            width, height = said["width"], said["height"]
            question, answer = said["question"], said["answer"]
            glyphs = [_glyph(*glyph) for glyph in said["glyphs"]]
        except (ValueError, KeyError, TypeError) as error:
            raise self._other(f"{line[:80]!r} ({type(error).__name__}: {error})") from error
        if (width, height) != (self.width, self.height):
            raise self._other(f"a picture of {width}x{height}")
        if not (isinstance(question, str) and isinstance(answer, str)):
            raise self._other("a question or an answer that is no text")
        pixels = self.process.stdout.read(width * height * 3)
        if len(pixels) < width * height * 3:
            raise self._cut("in the middle of a picture")
        self.examples += 1
        if not width:
            return Example(None, question, answer)
        shaped = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        return Example(Picture(shaped, glyphs), question, answer)

    def close(self) -> None:
        """Ends the program: its output is closed, which it takes as the end."""
        self.process.stdout.close()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _cut(self, where: str) -> StreamError:
        """The error of a program that ended."""
        try:
            code = f"with code {self.process.wait(PATIENCE_SECONDS)}"
        except subprocess.TimeoutExpired:
            code = "its output"
        hint = "" if self.examples or where else "; does this percept know `eval generate --stream`?"
        place = f"{where}, " if where else ""
        return StreamError(f"{self._name()} ended {code}, {place}after {self.examples} examples{hint}")

    def _other(self, what: str) -> StreamError:
        return StreamError(f"{self._name()} sent {what} where an example of {self.width}x{self.height} was due")

    def _name(self) -> str:
        return f"`{' '.join(self.command)}`"


def _glyph(x: float, y: float, character: str) -> Glyph:
    if len(character) != 1 or not FIRST_CHARACTER < ord(character) < 127:
        raise ValueError(f"{character!r} is no printable ASCII character")
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"{character!r} stands nowhere")
    return Glyph(float(x), float(y), character)
