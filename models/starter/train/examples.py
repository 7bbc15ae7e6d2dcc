"""Makes training examples of drawings: pixels, tokens, and the targets of every loss.

Nothing here knows the network; NumPy arrays come out, one shape for each kind.
"""

from typing import NamedTuple

import numpy as np

from canvas import FIRST_CHARACTER, PATCH, SLOTS, Artist, Canvas
from kinds import Kind
from tokenizer import END_OF_TEXT, IMAGE_END, TURN_END, decode, encode

# Patches along the side of a merged one: an image token stands for 20 x 20 pixels.
MERGE = 2
TOKEN_SIDE = PATCH * MERGE
# Share of pictures that are rescaled, and by how much at most.
RESCALED = 0.15
RESCALING = 0.07
# Pixels between the middle of the last character and the edge that a rescaling must keep.
MARGIN = 12
# A place in the sequence that an image token or a row break takes.
IMAGE = -1

BEFORE_IMAGE = encode("<|im_start|>user\n", control=True)
AFTER_QUESTION = encode("<|im_end|>\n<|im_start|>assistant\n", control=True)


class Batch(NamedTuple):
    """Examples of one kind; B of them, T tokens each."""

    images: np.ndarray
    """uint8 [B, height, width, 3]"""
    labels: np.ndarray
    """uint8 [B, patches, SLOTS]: `Canvas.labels`"""
    tokens: np.ndarray
    """int32 [B, T]; where an image token stands, the first character inside its square
    (a space if there is none), and 0 at a row break: the target of the readout loss"""
    image_index: np.ndarray
    """int32 [B, T]: which of the image's embeddings stands here; -1 where it is a token"""
    answer: np.ndarray
    """float32 [B, T]: 1 where the next token belongs to the answer"""
    pointer: np.ndarray
    """int32 [B, T]: the place in the sequence of the image token that holds the next
    character of the answer; -1 where there is none"""


def batch(kind: Kind, size: int, artist: Artist) -> Batch:
    """Draws a batch of a kind."""
    examples = []
    while len(examples) < size:
        if example := _example(kind, artist):
            examples.append(example)
    return Batch(*map(np.stack, zip(*examples, strict=True)))


def _example(kind: Kind, artist: Artist) -> Batch | None:
    """Returns one example, without the axis of the batch, or nothing if it is too long."""
    rng = artist.rng
    drawing = kind.draw(artist)
    canvas = drawing.canvas
    if rng.random() < RESCALED and (not kind.tokens or _can_grow(canvas)):
        canvas.rescale(rng.uniform(1 - RESCALING, 1 + RESCALING))
    if not kind.tokens:
        nothing = np.zeros(0, np.int32)
        return Batch(np.asarray(canvas.image), canvas.labels(), nothing, nothing, nothing, nothing)
    question, answer = rng.choice(drawing.questions)
    if kind.reads_first and rng.random() < kind.reads_first:
        question, answer = drawing.questions[0]
    laid = _lay_out(question, answer, _image_tokens(canvas), kind.tokens)
    if laid is None:
        return None
    tokens, image_index, weights = laid
    pointer = _pointers(canvas, answer, tokens, image_index, weights)
    labels = canvas.labels()
    on_image = image_index >= 0
    tokens[on_image] = _readout(canvas, labels)[image_index[on_image]]
    return Batch(np.asarray(canvas.image), labels, tokens, image_index, weights, pointer)


def _can_grow(canvas: Canvas) -> bool:
    right = max((glyph.x for glyph in canvas.glyphs), default=0) + MARGIN
    bottom = max((glyph.y for glyph in canvas.glyphs), default=0) + MARGIN
    return right * (1 + RESCALING) < canvas.width and bottom * (1 + RESCALING) < canvas.height


def _image_tokens(canvas: Canvas) -> int:
    """Returns how many places a picture takes: its tokens, and a break between two rows."""
    rows, columns = canvas.height // TOKEN_SIDE, canvas.width // TOKEN_SIDE
    return rows * columns + rows - 1


def _lay_out(question: str, answer: str, image: int, length: int) -> tuple[np.ndarray, ...] | None:
    """Returns the sequence that percept gives the model, and the answer: tokens, image
    indices and answer weights as in `Batch`; nothing if it is longer than `length`."""
    prompt = BEFORE_IMAGE + [IMAGE] * image + [IMAGE_END] + encode(question) + AFTER_QUESTION
    sequence = np.array(prompt + encode(answer) + [TURN_END], np.int32)
    if len(sequence) > length:
        return None
    tokens = np.full(length, END_OF_TEXT, np.int32)
    tokens[: len(sequence)] = sequence
    image_index = np.full(length, -1, np.int32)
    image_index[tokens == IMAGE] = np.arange(image)
    weights = np.zeros(length, np.float32)
    weights[len(prompt) - 1 : len(sequence) - 1] = 1
    return tokens, image_index, weights


def _pointers(
    canvas: Canvas, answer: str, tokens: np.ndarray, image_index: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Returns `Batch.pointer` for an answer that was drawn as such; else all -1.

    Answers that name or count what is seen are nowhere in the picture, so nothing is
    pointed at.
    """
    pointer = np.full(len(tokens), -1, np.int32)
    spelled = "".join(answer.split())
    glyph = "".join(glyph.character for glyph in canvas.glyphs).find(spelled) if spelled else -1
    if glyph < 0:
        return pointer
    rows, columns = canvas.height // TOKEN_SIDE, canvas.width // TOKEN_SIDE
    first = int(np.argmax(image_index >= 0))
    for place in np.flatnonzero(weights):
        target = int(tokens[place + 1])
        if target == TURN_END:
            break
        text = decode([target])
        letters = len("".join(text.split()))
        # A word token that begins with a space reads nothing at its own place yet.
        if letters and not text[0].isspace() and glyph < len(canvas.glyphs):
            row, column = int(canvas.glyphs[glyph].y // TOKEN_SIDE), int(canvas.glyphs[glyph].x // TOKEN_SIDE)
            if 0 <= row < rows and 0 <= column < columns:
                pointer[place] = first + row * (columns + 1) + column
        glyph += letters
    return pointer


def merged(labels: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Regroups labels of patches [..., patches, SLOTS] by image token: [..., tokens, 8], the
    upper two patches first."""
    batch = labels.shape[:-2]
    grid = labels.reshape(*batch, rows, MERGE, columns, MERGE * SLOTS)
    return grid.swapaxes(-3, -2).reshape(*batch, rows * columns, MERGE * MERGE * SLOTS)


def _readout(canvas: Canvas, labels: np.ndarray) -> np.ndarray:
    """Returns the token of the first character in each image token, 0 for a row break.

    int32 [rows * (columns + 1)]
    """
    rows, columns = canvas.height // TOKEN_SIDE, canvas.width // TOKEN_SIDE
    slots = merged(labels, rows, columns)
    first = np.take_along_axis(slots, (slots > 0).argmax(-1)[:, None], -1)[:, 0]
    characters = first.astype(np.int32).reshape(rows, columns) + FIRST_CHARACTER
    return np.pad(characters, ((0, 0), (0, 1))).reshape(-1)
