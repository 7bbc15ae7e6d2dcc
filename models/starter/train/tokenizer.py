"""The starter's tokenizer: a token for each byte, and a few whole words.

Byte `b` has the token id `b`. After the bytes come the control tokens and the words that
questions are made of, so that a question costs a few tokens while a text that is read is
spelled byte by byte. The vocabulary is written in GPT-2's byte alphabet, as llama.cpp
expects it. There are no merges to learn, and none can be added.
"""

# Token types as GGUF numbers them (gguf.TokenType).
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5

CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "[IMG_END]", "[IMG]", "[IMG_BREAK]"]

WORD_TOKENS = [
    "user", "assistant", "system",
    "Read the text", "What does", "What is", "What", "How many", "Which", "Describe",
    " the screenshot", " the text", " the title", " the dialog", " the error", " the",
    " say", " text", " line", " lines", " buttons", " are there", " month", " had",
    " highest", " lowest", " revenue", " of", " does", " is", " title", " error", " message",
    " command", " last", " first", " button", " window", " terminal", " chart", " dialog",
    " screenshot", "Read", " all", " on", " in", " and", " with", " shows", " that", " was",
    " to", " can", " you", " see",
]  # fmt: skip

# llama.cpp refuses a GPT-2 vocabulary without merges: two zero bytes, which no text has.
DUMMY_MERGE = ("Ā", "Ā")


def byte_alphabet() -> list[str]:
    """Returns GPT-2's printable character for each of the 256 bytes."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    substitutes = iter(range(256, 512))
    return [chr(byte if byte in printable else next(substitutes)) for byte in range(256)]


def _vocabulary() -> tuple[list[str], list[int]]:
    """Returns all tokens and their types; 320 of each."""
    tokens = [*byte_alphabet(), "".join(DUMMY_MERGE)]
    types = [NORMAL] * len(tokens)
    tokens += CONTROL_TOKENS + WORD_TOKENS
    types += [CONTROL] * len(CONTROL_TOKENS) + [USER_DEFINED] * len(WORD_TOKENS)
    # A multiple of 32, the block that llama.cpp quantizes in.
    while len(tokens) % 32:
        tokens.append(f"<|unused{len(tokens)}|>")
        types.append(UNUSED)
    return tokens, types


TOKENS, TYPES = _vocabulary()
VOCABULARY = len(TOKENS)
_FIRST_SPECIAL = 257
_IDS = {token: id for id, token in enumerate(TOKENS) if id >= _FIRST_SPECIAL}
END_OF_TEXT = _IDS["<|endoftext|>"]
TURN_START = _IDS["<|im_start|>"]
TURN_END = _IDS["<|im_end|>"]
IMAGE_END = _IDS["[IMG_END]"]
# What stands before and behind a text or a picture whose vector is wanted, so that the language
# model knows from the first token that it is asked for one; the vector is read at the last.
BEFORE_VECTOR = [_IDS["[IMG]"]]
AFTER_VECTOR = [_IDS["[IMG]"], _IDS["[IMG_BREAK]"], END_OF_TEXT]


def encode(text: str, control: bool = False) -> list[int]:
    """Returns the token ids of a text.

    Whole tokens are found as llama.cpp finds them: the longest first, everywhere in the
    text, then the next. Control tokens are looked for only with `control`, for the parts of
    the prompt that are written here; in a text they are letters.
    """
    whole = WORD_TOKENS + CONTROL_TOKENS if control else WORD_TOKENS
    pieces: list[str | int] = [text]
    for token in sorted(whole, key=lambda token: -len(token)):
        pieces = [part for piece in pieces for part in _split(piece, token)]
    ids: list[int] = []
    for piece in pieces:
        ids += [piece] if isinstance(piece, int) else piece.encode()
    return ids


def _split(piece: str | int, token: str) -> list[str | int]:
    """Cuts a piece of text at each occurrence of a token, which becomes its id."""
    if isinstance(piece, int) or token not in piece:
        return [piece]
    parts: list[str | int] = []
    for text in piece.split(token):
        parts += [text, _IDS[token]] if text else [_IDS[token]]
    return parts[:-1]


def decode(ids: list[int]) -> str:
    """Returns the text of token ids; control tokens are nothing."""
    pieces = []
    for id in ids:
        if id < 256:
            pieces.append(bytes([id]))
        elif TYPES[id] == USER_DEFINED:
            pieces.append(TOKENS[id].encode())
    return b"".join(pieces).decode("utf-8", "replace")
