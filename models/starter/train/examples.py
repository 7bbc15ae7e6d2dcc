"""Makes training examples of what percept drew: pixels, tokens, and the targets of every loss.

Nothing here knows the network; NumPy arrays come out, always the same shapes for a `Shape`.
"""

import json
import re
from typing import NamedTuple

import numpy as np

from kinds import Shape, Source
from picture import FIRST_CHARACTER, PATCH, SLOTS, Picture
from stream import Example, StreamError
from tokenizer import AFTER_VECTOR, BEFORE_VECTOR, END_OF_TEXT, IMAGE_END, TURN_END, decode, encode

# Patches along the side of a merged one: an image token stands for 20 x 20 pixels.
MERGE = 2
TOKEN_SIDE = PATCH * MERGE
# Share of pictures that are rescaled, and by how much at most.
RESCALED = 0.15
RESCALING = 0.07
# Pixels between the middle of the last character and the edge that a rescaling must keep.
MARGIN = 12
# So many examples in a row that don't fit mean that the shape is too short for them.
MOST_LEFT_OUT = 200
# A place in the sequence that an image token or a row break takes.
IMAGE = -1

BEFORE_USER = encode("<|im_start|>user\n", control=True)
AFTER_QUESTION = encode("<|im_end|>\n<|im_start|>assistant\n", control=True)


class Batch(NamedTuple):
    """Examples of one shape; B of them, T tokens each. Without pictures, height, width and
    patches are 0."""

    images: np.ndarray
    """uint8 [B, height, width, 3]"""
    labels: np.ndarray
    """uint8 [B, patches, SLOTS]: `Picture.labels`"""
    tokens: np.ndarray
    """int32 [B, T]; where an image token stands, the first character inside its square
    (a space if there is none), and 0 at a row break: the target of the readout loss"""
    image_index: np.ndarray
    """int32 [B, T]: which of the image's embeddings stands here; -1 where it is a token"""
    answer: np.ndarray
    """float32 [B, T]: 1 where the next token belongs to the answer; of a text that is matched, at
    its end, where its vector is read"""
    pointer: np.ndarray
    """int32 [B, T]: where the next token of the answer stands, the place in the sequence of the
    image token that holds its character, or of the question's token that is copied; -1 where
    there is none"""


def batch(shape: Shape, size: int, source: Source) -> Batch:
    """Reads a batch of a shape."""
    examples = [_fitting(shape, source) for _ in range(size)]
    return Batch(*map(np.stack, zip(*examples, strict=True)))


def _fitting(shape: Shape, source: Source) -> Batch:
    """Reads one example, without the axis of the batch, and leaves out those too long.

    What is left out is replaced by one of the same kind, so the shares stay.
    """
    kind, example = source.read(shape)
    for _ in range(MOST_LEFT_OUT):
        if made := _example(shape, example, source):
            return made
        example = source.read_kind(shape, kind)
    longer = f"longer than the {shape.tokens} tokens of {shape.name}"
    raise StreamError(f"{MOST_LEFT_OUT} examples of {kind} in a row were {longer}")


def _example(shape: Shape, example: Example, source: Source) -> Batch | None:
    """Returns the arrays of an example, or nothing if it is too long."""
    picture = example.picture
    if shape.matched:
        laid = searched(example.question, shape.tokens)
        return laid and Batch(picture.pixels, picture.labels(), *laid)
    if shape.tokens and not example.answer:
        return None
    if picture is None:
        laid = lay_out(example.question, example.answer, 0, shape.tokens)
        if laid is None:
            return None
        pointer = copied(example.question, example.answer, laid[0], laid[2])
        return Batch(np.zeros((0, 0, 3), np.uint8), np.zeros((0, SLOTS), np.uint8), *laid, pointer)
    if source.rng.random() < RESCALED and (not shape.tokens or _can_grow(picture)):
        picture = picture.rescaled(source.rng.uniform(1 - RESCALING, 1 + RESCALING))
    labels = picture.labels()
    if not shape.tokens:
        nothing = np.zeros(0, np.int32)
        return Batch(picture.pixels, labels, nothing, nothing, nothing, nothing)
    laid = lay_out(example.question, example.answer, _image_tokens(picture), shape.tokens)
    if laid is None:
        return None
    tokens, image_index, weights = laid
    if _arguments(example.answer) is None:
        pointer = _pointers(picture, example.answer, tokens, image_index, weights)
    else:
        pointer = copied(example.question, example.answer, tokens, weights)
    on_image = image_index >= 0
    tokens[on_image] = _readout(picture, labels)[image_index[on_image]]
    return Batch(picture.pixels, labels, tokens, image_index, weights, pointer)


def _can_grow(picture: Picture) -> bool:
    right = max((glyph.x for glyph in picture.glyphs), default=0) + MARGIN
    bottom = max((glyph.y for glyph in picture.glyphs), default=0) + MARGIN
    return right * (1 + RESCALING) < picture.width and bottom * (1 + RESCALING) < picture.height


def _image_tokens(picture: Picture) -> int:
    """Returns how many places a picture takes: its tokens, and a break between two rows."""
    rows, columns = picture.height // TOKEN_SIDE, picture.width // TOKEN_SIDE
    return rows * columns + rows - 1


def lay_out(question: str, answer: str, image: int, length: int) -> tuple[np.ndarray, ...] | None:
    """Returns the sequence that percept gives the model, and the answer: tokens, image
    indices and answer weights as in `Batch`; nothing if it is longer than `length`.

    `image` is the number of places that the picture takes, 0 if there is none.
    """
    seen = [IMAGE] * image + [IMAGE_END] if image else []
    prompt = BEFORE_USER + seen + encode(question) + AFTER_QUESTION
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


def searched(text: str, length: int) -> tuple[np.ndarray, ...] | None:
    """Returns a text as percept gives it a model that finds vectors: the fields of `Batch` from
    `tokens` on; nothing if it is longer than `length`."""
    sequence = BEFORE_VECTOR + encode(text) + AFTER_VECTOR
    if len(sequence) > length:
        return None
    tokens = np.full(length, END_OF_TEXT, np.int32)
    tokens[: len(sequence)] = sequence
    nowhere = np.full(length, -1, np.int32)
    end = np.zeros(length, np.float32)
    end[len(sequence) - 1] = 1
    return tokens, nowhere, end, nowhere


def _pointers(
    picture: Picture, answer: str, tokens: np.ndarray, image_index: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Returns `Batch.pointer` for what the answer has that was drawn: all of it, or the parts
    of a caption or a list.

    Answers that name or count what is seen are nowhere in the picture, so nothing is
    pointed at.
    """
    pointer = np.full(len(tokens), -1, np.int32)
    drawn = "".join(glyph.character for glyph in picture.glyphs)
    said = _starts(encode(answer), int(np.argmax(weights)) + 1)
    columns = picture.width // TOKEN_SIDE
    first = int(np.argmax(image_index >= 0))
    searched = 0
    for start, part in drawn_parts(answer, drawn):
        spelled = "".join(part.split())
        if not spelled or (glyph := drawn.find(spelled, searched)) < 0:
            continue
        searched = glyph + len(spelled)
        for offset, letter in enumerate(part, start):
            if letter.isspace():
                continue
            # A word token that begins with a space reads nothing at its own place yet.
            if (place := said.get(offset)) is not None:
                row, column = int(picture.glyphs[glyph].y // TOKEN_SIDE), int(picture.glyphs[glyph].x // TOKEN_SIDE)
                if 0 <= row < picture.height // TOKEN_SIDE and 0 <= column < columns:
                    pointer[place - 1] = first + row * (columns + 1) + column
            glyph += 1
    return pointer


def drawn_parts(answer: str, drawn: str) -> list[tuple[int, str]]:
    """Returns what may have been drawn as it is said, each with where it starts: the answer, or
    its parts between quotation marks, commas, colons and full stops."""
    if "".join(answer.split()) in drawn:
        return [(0, answer)]
    return [(match.start(), match.group()) for match in re.finditer(r'(?<=")[^"]+(?=")|[^",:.]+', answer)]


def copied(question: str, answer: str, tokens: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns `Batch.pointer` for the call of a tool: each argument that the question names is
    copied from where it stands there."""
    pointer = np.full(len(tokens), -1, np.int32)
    first, ids = int(np.argmax(weights)) + 1, encode(question)
    asked = _starts(ids, first - len(AFTER_QUESTION) - len(ids))
    said = _starts(encode(answer), first)
    behind = max(0, answer.find('"arguments"'))
    for value in _arguments(answer) or []:
        found, named = answer.find(value, behind), question.find(value)
        if found < 0 or named < 0:
            continue
        behind = found + len(value)
        for offset in range(len(value)):
            source, place = asked.get(named + offset), said.get(found + offset)
            if source is not None and place is not None and tokens[source] == tokens[place]:
                pointer[place - 1] = source
    return pointer


def _starts(ids: list[int], first: int) -> dict[int, int]:
    """Returns which place each character's token takes, for those that a token begins with."""
    starts, offset = {}, 0
    for place, id in enumerate(ids, first):
        starts[offset] = place
        offset += len(decode([id]))
    return starts


def _arguments(answer: str) -> list[str] | None:
    """Returns the texts and the numbers among the arguments of a call, in their order; None for
    an answer that is no call."""
    call = answer.removeprefix("<tool_call>").removesuffix("</tool_call>")
    try:
        arguments = json.loads(call)["arguments"].values()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return [str(value) for value in arguments if isinstance(value, str | int) and not isinstance(value, bool)]


def merged(labels: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Regroups labels of patches [..., patches, SLOTS] by image token: [..., tokens, 8], the
    upper two patches first."""
    batch = labels.shape[:-2]
    grid = labels.reshape(*batch, rows, MERGE, columns, MERGE * SLOTS)
    return grid.swapaxes(-3, -2).reshape(*batch, rows * columns, MERGE * MERGE * SLOTS)


def _readout(picture: Picture, labels: np.ndarray) -> np.ndarray:
    """Returns the token of the first character in each image token, 0 for a row break.

    int32 [rows * (columns + 1)]
    """
    rows, columns = picture.height // TOKEN_SIDE, picture.width // TOKEN_SIDE
    slots = merged(labels, rows, columns)
    first = np.take_along_axis(slots, (slots > 0).argmax(-1)[:, None], -1)[:, 0]
    characters = first.astype(np.int32).reshape(rows, columns) + FIRST_CHARACTER
    return np.pad(characters, ((0, 0), (0, 1))).reshape(-1)
