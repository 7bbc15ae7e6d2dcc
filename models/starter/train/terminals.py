"""Draws terminals: lines of commands, log records, errors and other text from the top down."""

from canvas import Artist, Canvas, Colour, Drawing, Face, Theme
from lines import READING_QUESTIONS

RED = [(255, 80, 80), (200, 0, 0)]


def terminal(artist: Artist, width: int, height: int, characters: int, full: bool = False) -> Drawing:
    """Draws a terminal of at most `characters`, line ends counted.

    A `full` one has small text down to the bottom.
    """
    rng = artist.rng
    theme = artist.theme()
    canvas = Canvas(width, height, theme.back)
    face = artist.face(0.93, 11, 16 if full else 22)
    x, y = rng.randint(2, 10), rng.randint(1, 8)
    line_height = face.height + rng.choice([0, 0, 0, 1, 2, 3])
    title = None
    if height >= 100 and rng.random() < 0.3:
        title, bar = _title_bar(artist, theme, canvas)
        y += bar
    room = int((height - y) // line_height)
    count = room if full else rng.randint(1, room)
    source = _Lines(artist, theme, most=int((width - x - 2) // face.narrow()), noise=0.35 if full else 0.3)
    lines: list[str] = []
    for _ in range(count):
        text, colour = source.next(face, width - x - 1)
        if sum(len(line) + 1 for line in lines) + len(text) + 1 > characters:
            break
        canvas.text(x, y, text, face, colour)
        lines.append(text)
        y += line_height
        if rng.random() < 0.05:
            y += line_height
        if y + face.height > height:
            break
    if not lines:
        lines = ["ok"]
        canvas.text(x, y, "ok", face, theme.ink)
    return Drawing(canvas, _questions(artist, lines, source.error, title))


def _title_bar(artist: Artist, theme: Theme, canvas: Canvas) -> tuple[str, int]:
    """Draws a title bar; returns the title and the bar's height in pixels."""
    rng, writer = artist.rng, artist.writer
    face = artist.face(0.4, 11, 14)
    height = face.height + 6
    plain = (60, 60, 66) if theme.dark else (220, 220, 220)
    back = tuple((value * 3 + 128) // 4 for value in theme.back) if rng.random() < 0.5 else plain
    canvas.draw.rectangle((0, 0, canvas.width, height), fill=back)
    shell = f"{writer.word()}@{writer.word()}: {writer.path()}"
    title = rng.choice(["Terminal", "bash", shell, writer.line(20, noise=0)])
    title = title[: int((canvas.width - 10) / max(1, face.width(title) / len(title)))].strip()
    if face.width(title) > canvas.width - 6:
        title = "Terminal"
    x = rng.choice([6, int((canvas.width - face.width(title)) / 2)])
    canvas.text(x, 3, title, face, (235, 235, 235) if sum(back) < 380 else (20, 20, 20))
    return title, height


class _Lines:
    """The lines of one terminal, at most `most` characters wide: a session of commands, a
    log, or anything; at most one error among them."""

    def __init__(self, artist: Artist, theme: Theme, most: int, noise: float):
        self.artist, self.theme, self.most, self.noise = artist, theme, most, noise
        self.error: str | None = None
        rng, writer = artist.rng, artist.writer
        host = f"{writer.word()}@{writer.word()}:~$ "
        self.prompt = rng.choice(["$ ", "user@host:~$ ", "> ", "# ", host, ""])
        if len(self.prompt) > most // 2:
            self.prompt = "$ "
        self.style = rng.random()

    def next(self, face: Face, width: float) -> tuple[str, Colour]:
        """Returns the next line, cut to a width in pixels, and its colour."""
        rng, writer, theme = self.artist.rng, self.artist.writer, self.theme
        share = rng.random()
        is_error = False
        if self.style < 0.35 and share < 0.3 and self.prompt:
            command = writer.command()[: self.most - len(self.prompt)].strip()
            text, colour = (self.prompt + command).rstrip(), theme.accents[0]
        elif self.style < 0.7 and share < 0.25 and self.error is None:
            error = writer.error()
            text = rng.choice(["error: ", "Error: ", "ERROR: ", "ERROR "]) + error
            colour = rng.choice(RED) if rng.random() < 0.7 else theme.ink
            is_error = True
        elif 0.5 < self.style < 0.7:
            number, level = writer.number(), rng.choice(["INFO", "WARN", "DEBUG"])
            text = f"{number} {level} {writer.line(max(4, self.most - 20), noise=0.05)}"
            colour = theme.ink
        else:
            text = writer.line(self.most, self.noise)
            colour = theme.ink if rng.random() < 0.8 else theme.accents[1]
        text = face.fit(text[: self.most].strip(), width)
        if is_error:
            self.error = text
        return text or "ok", colour


def _questions(
    artist: Artist, lines: list[str], error: str | None, title: str | None
) -> list[tuple[str, str]]:
    questions = [(artist.rng.choice(READING_QUESTIONS), "\n".join(lines))]
    if len(lines) > 1:
        questions.append(("What is the last line?", lines[-1]))
        questions.append(("What is the first line?", lines[0]))
        questions.append(("How many lines of text are there?", str(len(lines))))
    if error and error in lines:
        questions += [("What does the error say?", error)] * 3
    if title:
        questions.append(("What is the title of the window?", title))
    return questions
