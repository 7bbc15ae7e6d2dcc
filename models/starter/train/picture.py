"""A picture as percept drew it: its pixels, and where each character stands.

Where characters stand is the supervision of the vision part. Nothing is drawn here.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

# Side of a patch of the vision part, in pixels, and the characters that one can hold.
PATCH = 10
SLOTS = 2
# Characters are numbered from the space: 0 is none, 1 to 94 are "!" to "~".
FIRST_CHARACTER = 32


@dataclass(frozen=True)
class Glyph:
    """A character that was drawn, and the pixel in the middle of it."""

    x: float
    y: float
    character: str


@dataclass(frozen=True)
class Picture:
    """Pixels and glyphs."""

    pixels: np.ndarray
    """uint8 [height, width, 3], top row first"""
    glyphs: list[Glyph]
    """In the order in which they were drawn; no spaces."""

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    def rescaled(self, factor: float) -> "Picture":
        """Scales what was drawn inside the same frame, as llama.cpp does to pictures whose
        sides are no multiple of 20 pixels."""
        width, height = int(self.width * factor), int(self.height * factor)
        scaled = Image.fromarray(self.pixels).resize((width, height), Image.Resampling.BICUBIC)
        frame = Image.new("RGB", (self.width, self.height), tuple(map(int, self.pixels[0, 0])))
        frame.paste(scaled, (0, 0))
        across, down = width / self.width, height / self.height
        glyphs = [Glyph(glyph.x * across, glyph.y * down, glyph.character) for glyph in self.glyphs]
        return Picture(np.asarray(frame), glyphs)

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
