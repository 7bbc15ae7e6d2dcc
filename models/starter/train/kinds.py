"""The shapes that training compiles: how large each is, and what percept draws on it.

A shape has one size and one length of token sequence, so that a batch of it is compiled
once. What is drawn, percept calls a kind; a shape may take several in fixed shares.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from stream import Example, Stream

# Seeds that training draws from. All below are for evaluation and never trained on:
# `percept eval` measures on them, and train.py its progress on HELD_OUT_SEED.
TRAINING_SEEDS = range(1_000_000, 1 << 32)
HELD_OUT_SEED = 999_999


@dataclass(frozen=True)
class Shape:
    """A shape of batches; sides are pixels, multiples of 20, or 0 where there is no picture."""

    name: str
    width: int
    height: int
    tokens: int
    """Length of the token sequence: picture, question and answer; a longer example is left
    out. 0: nothing is asked, and only the vision part learns from it."""
    drawn: dict[str, float]
    """How often each of percept's kinds is drawn, in proportion."""
    aside: bool = False
    """What is asked isn't about the picture, if there is one: the language model alone learns."""
    matched: bool = False
    """Pictures and texts are told to lie near each other as vectors, and nothing is answered.
    `tokens` is the length of the text alone."""


QUESTIONS = {"dialog": 0.32, "terminal": 0.27, "chart": 0.16, "absent": 0.14, "table": 0.11}
SCREENS = {**QUESTIONS, "caption": 0.12}

# A picture takes (width / 20 + 1) x height / 20 - 1 tokens; 10 more stand around the question
# and the answer. Captions of the small screens have a shape of their own, since they are longer
# than all other answers and would lengthen every sequence.
SHAPES = {
    shape.name: shape
    for shape in [
        Shape("crop", 160, 60, 0, {"crops": 1}),
        Shape("line-short", 160, 20, 44, {"lines": 1}),
        Shape("line-medium", 200, 40, 64, {"lines": 1}),
        Shape("line-long", 320, 40, 88, {"lines": 1}),
        Shape("lines", 320, 100, 144, {"terminal": 1}),
        Shape("screen-small", 320, 140, 184, QUESTIONS),
        Shape("caption-small", 320, 140, 240, {"caption": 1}),
        Shape("screen-medium", 400, 200, 344, SCREENS),
        Shape("screen-large", 640, 400, 784, SCREENS),
        Shape("tool", 0, 0, 200, {"tool": 1}, aside=True),
        Shape("tool-aside", 320, 140, 310, {"tool-aside": 1}, aside=True),
        Shape("match", 320, 140, 90, {"match": 1}, matched=True),
    ]
}


@dataclass
class Source:
    """Where the examples of all shapes come from: streams, each started when first needed."""

    percept: Path
    rng: random.Random
    seeds: Sequence[int] = TRAINING_SEEDS
    """The seeds of the streams are picked among these."""
    streams: dict[tuple[str, str], Stream] = field(default_factory=dict)
    """By the name of the shape and percept's kind."""

    def read(self, shape: Shape) -> tuple[str, Example]:
        """Returns one of percept's kinds, in the shares of the shape."""
        [kind] = self.rng.choices(list(shape.drawn), list(shape.drawn.values()))
        return kind, self.read_kind(shape, kind)

    def read_kind(self, shape: Shape, kind: str) -> Example:
        if (shape.name, kind) not in self.streams:
            seed = self.rng.choice(self.seeds)
            self.streams[shape.name, kind] = Stream(self.percept, kind, shape.width, shape.height, seed)
        return self.streams[shape.name, kind].read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for stream in self.streams.values():
            stream.close()
        self.streams.clear()
