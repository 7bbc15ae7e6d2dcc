"""What pictures are drawn with: fonts, colours, and a canvas that remembers each character.

Where each character stands is the supervision of the vision part, so all text must go
through `Canvas.text`. Nothing is rendered by a window system, and there is no anti-aliasing
but the font renderer's own.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from texts import Writer

# Side of a patch of the vision part, in pixels, and the characters that one can hold.
PATCH = 10
SLOTS = 2
# Characters are numbered from the space: 0 is none, 1 to 94 are "!" to "~".
FIRST_CHARACTER = 32

FONTS = Path("/usr/share/fonts/truetype")
# Package of Debian and Ubuntu for each folder of fonts.
PACKAGES = {
    "dejavu": "fonts-dejavu-core",
    "liberation": "fonts-liberation",
    "hack": "fonts-hack",
    "jetbrains-mono": "fonts-jetbrains-mono",
}
MONOSPACED = [
    "dejavu/DejaVuSansMono.ttf", "dejavu/DejaVuSansMono-Bold.ttf",
    "liberation/LiberationMono-Regular.ttf", "liberation/LiberationMono-Bold.ttf",
    "hack/Hack-Regular.ttf", "jetbrains-mono/JetBrainsMono-Regular.ttf",
    "jetbrains-mono/JetBrainsMono-Medium.ttf",
]  # fmt: skip
PROPORTIONAL = [
    "dejavu/DejaVuSans.ttf", "dejavu/DejaVuSans-Bold.ttf",
    "liberation/LiberationSans-Regular.ttf", "liberation/LiberationSans-Bold.ttf",
]  # fmt: skip

Colour = tuple[int, int, int]


class MissingFont(Exception):
    """A font is not installed."""


class Face:
    """A font at a size, with the widths of its characters. All lengths are pixels."""

    def __init__(self, file: Path, size: int):
        # The basic layout has no ligatures and no kerning: a width is the sum of advances.
        self.font = ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
        self.size = size
        self.advances = {chr(code): self.font.getlength(chr(code)) for code in range(32, 127)}
        self.ascent, descent = self.font.getmetrics()
        self.height = self.ascent + descent

    def width(self, text: str) -> float:
        return sum(self.advances[character] for character in text)

    def narrow(self) -> float:
        """A width to reckon with when it is asked how many characters fit: of proportional
        fonts, the usual one."""
        proportional = self.advances["i"] != self.advances["m"]
        return max(self.advances["m"] * (0.62 if proportional else 1), 1)

    def fit(self, text: str, width: float) -> str:
        """Cuts a text at the end until it is at most so wide."""
        while self.width(text) > width:
            text = text[:-1].strip()
        return text


class Fonts:
    """The fonts that are drawn with; each face is made once."""

    def __init__(self, folder: Path = FONTS):
        for name in MONOSPACED + PROPORTIONAL:
            if not (folder / name).exists():
                package = PACKAGES[name.split("/")[0]]
                raise MissingFont(f"no {name} in {folder}: install {package}, or name the folder of fonts")
        self.folder = folder
        self.faces: dict[tuple[str, int], Face] = {}

    def face(self, name: str, size: int) -> Face:
        if (name, size) not in self.faces:
            self.faces[name, size] = Face(self.folder / name, size)
        return self.faces[name, size]


@dataclass(frozen=True)
class Theme:
    """Colours of a screen."""

    back: Colour
    ink: Colour
    accents: list[Colour]
    dark: bool


@dataclass(frozen=True)
class Artist:
    """Who draws: a source of chance, a writer of texts and the fonts."""

    rng: random.Random
    writer: Writer
    fonts: Fonts

    def face(self, monospaced: float = 0.8, smallest: int = 11, largest: int = 22) -> Face:
        """Picks a font, monospaced with the given probability, and its size in pixels."""
        names = MONOSPACED if self.rng.random() < monospaced else PROPORTIONAL
        return self.fonts.face(self.rng.choice(names), self.rng.randint(smallest, largest))

    def colour(self, lowest: int, highest: int) -> Colour:
        return tuple(self.rng.randint(lowest, highest) for _ in range(3))

    def theme(self) -> Theme:
        """Picks colours: half the screens are dark; the contrast is always enough to read."""
        return self._dark() if self.rng.random() < 0.5 else self._light()

    def _dark(self) -> Theme:
        rng = self.rng
        known_backs = [(0, 0, 0), (30, 30, 30), (40, 42, 54), (0, 43, 54), (48, 10, 36)]
        known_inks = [(255, 255, 255), (204, 204, 204), (0, 255, 0), (248, 248, 242), (131, 148, 150)]
        back = self.colour(0, 48) if rng.random() < 0.7 else rng.choice(known_backs)
        ink = self.colour(150, 255) if rng.random() < 0.5 else rng.choice(known_inks)
        accents = [tuple(rng.choice([80, 140, 200, 255]) for _ in range(3)) for _ in range(3)]
        return Theme(back, ink, [colour if sum(colour) > 380 else ink for colour in accents], True)

    def _light(self) -> Theme:
        rng = self.rng
        base = rng.randint(205, 255)
        back = (255, 255, 255)
        if rng.random() < 0.6:
            back = tuple(min(255, max(200, base + rng.randint(-8, 8))) for _ in range(3))
        ink = self.colour(0, 90) if rng.random() < 0.5 else (0, 0, 0)
        accents = [tuple(rng.choice([0, 40, 100, 180]) for _ in range(3)) for _ in range(3)]
        return Theme(back, ink, [colour if sum(colour) < 380 else ink for colour in accents], False)


@dataclass(frozen=True)
class Glyph:
    """A character that was drawn, and the pixel in the middle of it."""

    x: float
    y: float
    character: str


class Canvas:
    """A picture in the making."""

    def __init__(self, width: int, height: int, back: Colour):
        self.width = width
        self.height = height
        self.image = Image.new("RGB", (width, height), back)
        self.draw = ImageDraw.Draw(self.image)
        self.glyphs: list[Glyph] = []
        """In reading order of what was drawn; no spaces."""

    def text(self, x: float, y: float, text: str, face: Face, colour: Colour) -> None:
        """Draws a text whose upper left corner is (x, y)."""
        self.draw.text((x, y), text, font=face.font, fill=colour)
        middle = y + face.ascent - 0.36 * face.size
        for character in text:
            advance = face.advances[character]
            if character != " ":
                self.glyphs.append(Glyph(x + advance / 2, middle, character))
            x += advance

    def rescale(self, factor: float) -> None:
        """Scales what was drawn inside the same canvas, as llama.cpp does to pictures whose
        sides are no multiple of 20 pixels."""
        width, height = int(self.width * factor), int(self.height * factor)
        scaled = self.image.resize((width, height), Image.Resampling.BICUBIC)
        self.image = Image.new("RGB", (self.width, self.height), self.image.getpixel((0, 0)))
        self.image.paste(scaled, (0, 0))
        across, down = width / self.width, height / self.height
        self.glyphs = [Glyph(glyph.x * across, glyph.y * down, glyph.character) for glyph in self.glyphs]

    def labels(self) -> np.ndarray:
        """Returns which character stands in the left and the right half of each patch.

        uint8 [patches, SLOTS], patches row by row, numbered from `FIRST_CHARACTER`; 0 is none.
        """
        rows, columns = self.height // PATCH, self.width // PATCH
        labels = np.zeros((rows, columns, SLOTS), np.uint8)
        for glyph in self.glyphs:
            row, column = int(glyph.y // PATCH), int(glyph.x // PATCH)
            if 0 <= row < rows and 0 <= column < columns:
                slot = int(glyph.x % PATCH // (PATCH // SLOTS))
                labels[row, column, slot] = ord(glyph.character) - FIRST_CHARACTER
        return labels.reshape(-1, SLOTS)


@dataclass
class Drawing:
    """A finished picture, and questions about it with their answers.

    A question that stands in the list more than once is asked more often.
    """

    canvas: Canvas
    questions: list[tuple[str, str]]
