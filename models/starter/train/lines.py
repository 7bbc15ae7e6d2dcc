"""Draws text without a screen around it: a single line, or words scattered over a picture."""

from canvas import Artist, Canvas, Drawing

READING_QUESTIONS = ["Read the text.", "What does the text say?"]


def line(artist: Artist, width: int, height: int, characters: int) -> Drawing:
    """Draws one line of at most `characters`, cut to what fits, somewhere in the picture."""
    rng = artist.rng
    theme = artist.theme()
    canvas = Canvas(width, height, theme.back)
    face = artist.face(0.75, 11, 22 if height >= 40 else 15)
    text = artist.writer.line(characters, noise=0.45)
    while face.width(text) > width - 4:
        text = text[: max(1, int(len(text) * (width - 4) / face.width(text)))].strip() or "x"
        if face.width(text) > width - 4:
            text = text[:-1].strip() or "x"
    anywhere = rng.random() < 0.5
    x = rng.randint(2, max(2, int(width - 2 - face.width(text)))) if anywhere else rng.randint(2, 8)
    if x + face.width(text) > width - 1:
        x = 2
    y = rng.randint(min(0, height - face.height), max(0, height - face.height))
    colour = rng.choice([theme.ink] * 3 + theme.accents)
    canvas.text(x, y, text, face, colour)
    return Drawing(canvas, [(rng.choice(READING_QUESTIONS), text)])


def scattered(artist: Artist, width: int, height: int) -> Drawing:
    """Fills the picture with pieces of text in changing fonts, without a question: for the
    vision part, which is to know a character wherever it stands."""
    rng = artist.rng
    theme = artist.theme()
    canvas = Canvas(width, height, theme.back)
    y = rng.randint(0, 8)
    while y + (face := artist.face(0.6)).height <= height:
        if rng.random() < 0.2:
            stripe = tuple(max(0, min(255, value + rng.randint(-25, 25))) for value in theme.back)
            canvas.draw.rectangle((0, y, width, y + face.height), fill=stripe)
        x = rng.randint(0, 60)
        while x + face.width(text := artist.writer.line(14, noise=0.5)) <= width - 1:
            canvas.text(x, y, text, face, rng.choice([theme.ink] * 2 + theme.accents))
            x += int(face.width(text)) + rng.randint(6, 40)
        y += face.height + rng.randint(0, 8)
    return Drawing(canvas, [])
