"""The kinds of pictures: how large each is, and what is drawn on it.

A kind has one size and one length of token sequence, so that a batch of it is one shape and
each kind is compiled once.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from canvas import Artist, Drawing, Fonts
from charts import chart
from dialogs import dialog
from lines import line, scattered
from terminals import terminal
from texts import Corpus, Writer


@dataclass(frozen=True)
class Kind:
    """A kind of pictures; sides are pixels, multiples of 20."""

    name: str
    width: int
    height: int
    tokens: int
    """Length of the token sequence: picture, question and answer. 0: nothing is asked, and
    only the vision part learns from it."""
    characters: int
    """The most characters that are drawn, where the kind bounds them."""
    sketch: Callable[["Kind", Artist], Drawing]
    reads_first: float = 0.0
    """Share of pictures of which the first question is asked: to read all of the text."""

    def draw(self, artist: Artist) -> Drawing:
        return self.sketch(self, artist)


def _crop(kind: Kind, artist: Artist) -> Drawing:
    if artist.rng.random() < 0.7:
        return terminal(artist, kind.width, kind.height, kind.characters, full=True)
    return scattered(artist, kind.width, kind.height)


def _line(kind: Kind, artist: Artist) -> Drawing:
    return line(artist, kind.width, kind.height, kind.characters)


def _terminal(kind: Kind, artist: Artist) -> Drawing:
    return terminal(artist, kind.width, kind.height, kind.characters)


def _screen(kind: Kind, artist: Artist) -> Drawing:
    share = artist.rng.random()
    if share < 0.4:
        return _terminal(kind, artist)
    return (dialog if share < 0.78 else chart)(artist, kind.width, kind.height)


def _large_screen(kind: Kind, artist: Artist) -> Drawing:
    if artist.rng.random() < 0.7:
        return _terminal(kind, artist)
    return (dialog if artist.rng.random() < 0.6 else chart)(artist, kind.width, kind.height)


KINDS = {
    kind.name: kind
    for kind in [
        Kind("crop", 160, 60, 0, 10_000, _crop),
        Kind("line-short", 160, 20, 40, 12, _line),
        Kind("line-medium", 200, 40, 64, 22, _line),
        Kind("line-long", 320, 40, 96, 38, _line),
        Kind("lines", 320, 100, 240, 130, _terminal, reads_first=0.4),
        Kind("screen-small", 320, 140, 192, 60, _screen),
        Kind("screen-medium", 400, 200, 448, 200, _screen),
        Kind("screen-large", 640, 480, 1600, 700, _large_screen, reads_first=0.4),
    ]
}


class Studio:
    """The corpus and the fonts, read once, from which artists are made."""

    def __init__(self, corpus: Corpus, fonts: Fonts):
        self.corpus = corpus
        self.fonts = fonts

    def artist(self, seed: int) -> Artist:
        rng = random.Random(seed)
        return Artist(rng, Writer(rng, self.corpus), self.fonts)
