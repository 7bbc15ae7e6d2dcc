"""Draws dialogs: a title bar, perhaps an icon, a message, a row of buttons."""

from dataclasses import dataclass

from canvas import Artist, Canvas, Colour, Drawing, Face

BUTTONS = [
    "OK", "Cancel", "Retry", "Abort", "Close", "Yes", "No", "Ignore", "Help", "Save", "Details",
    "Continue", "Quit",
]  # fmt: skip
TITLES = ["Error", "Warning", "Fatal error", "Save file", "Update", "Confirm", "Information"]
BARS = [(0, 90, 180), (60, 60, 60), (200, 200, 200), (120, 20, 20), (80, 80, 160)]
ICONS = [(200, 0, 0), (230, 160, 0), (0, 90, 200)]
ICON_SIDE = 24


@dataclass(frozen=True)
class Panel:
    """The dialog's rectangle, in pixels of the picture, and its colours."""

    left: int
    top: int
    right: int
    bottom: int
    back: Colour
    ink: Colour
    dark: bool


def dialog(artist: Artist, width: int, height: int) -> Drawing:
    """Draws a dialog in front of a plain background."""
    rng = artist.rng
    canvas = Canvas(width, height, artist.colour(0, 255))
    panel = _panel(artist, canvas)
    title_face, face = artist.face(0.3, 12, 15), artist.face(0.4, 12, 17)
    title, top = _title_bar(artist, canvas, panel, title_face)
    writer = artist.writer
    message = writer.error() if rng.random() < 0.7 else writer.line(60, noise=0.05)
    left = panel.left + rng.choice([10, 16])
    if rng.random() < 0.5:
        icon = (left, top + 4, left + ICON_SIDE, top + 4 + ICON_SIDE)
        canvas.draw.ellipse(icon, fill=rng.choice(ICONS))
        left += ICON_SIDE + 8
    button_face = artist.face(0.2, 12, 15)
    button_height = button_face.height + 8
    room = max(1, int((panel.bottom - button_height - 8 - top) // (face.height + 2)))
    lines = _wrap(message, face, panel.right - left - 6)[:room]
    y = top + rng.randint(0, 4)
    for line in lines:
        canvas.text(left, y, line, face, panel.ink)
        y += face.height + 2
    buttons = _buttons(artist, canvas, panel, button_face, button_height)
    return Drawing(canvas, _questions(title, lines, buttons))


def _panel(artist: Artist, canvas: Canvas) -> Panel:
    rng = artist.rng
    dark = rng.random() < 0.4
    back = (rng.randint(30, 60) if dark else rng.randint(225, 255),) * 3
    ink = (230, 230, 230) if dark else (10, 10, 10)
    left, top = rng.randint(2, 14), rng.randint(2, 10)
    right, bottom = canvas.width - rng.randint(2, 14), canvas.height - rng.randint(2, 10)
    canvas.draw.rectangle((left, top, right, bottom), fill=back, outline=(120, 120, 120))
    return Panel(left, top, right, bottom, back, ink, dark)


def _title_bar(artist: Artist, canvas: Canvas, panel: Panel, face: Face) -> tuple[str, int]:
    """Draws the title bar; returns the title, cut to fit, and the y where the body begins."""
    rng, writer = artist.rng, artist.writer
    back = rng.choice(BARS)
    bottom = panel.top + face.height + 6
    canvas.draw.rectangle((panel.left, panel.top, panel.right, bottom), fill=back)
    error = f"{writer.word().capitalize()} Error"
    words = f"{writer.word().capitalize()} {writer.word()}"
    title = rng.choice([*TITLES, error, words, writer.line(18, noise=0.1)])
    title = face.fit(title, panel.right - panel.left - 12)
    ink = (20, 20, 20) if sum(back) > 380 else (255, 255, 255)
    canvas.text(panel.left + 6, panel.top + 3, title, face, ink)
    return title, bottom + 6


def _wrap(text: str, face: Face, width: float) -> list[str]:
    """Breaks a text into lines of a width in pixels; the end of a word that is wider is lost."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if face.width(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = face.fit(word, width)
    return [*lines, line] if line else lines


def _buttons(artist: Artist, canvas: Canvas, panel: Panel, face: Face, height: int) -> list[str]:
    """Draws one to three buttons at the lower right; returns those that fit, from the left."""
    names = artist.rng.sample(BUTTONS, artist.rng.randint(1, 3))
    back = tuple(min(255, value + 25) for value in panel.back) if panel.dark else (215, 215, 215)
    right, top, bottom = panel.right - 8, panel.bottom - height - 5, panel.bottom - 5
    drawn: list[str] = []
    for name in reversed(names):
        width = max(44, int(face.width(name)) + 14)
        if right - width < panel.left + 2:
            break
        canvas.draw.rectangle((right - width, top, right, bottom), fill=back, outline=(130, 130, 130))
        canvas.text(int(right - width + (width - face.width(name)) / 2), top + 4, name, face, panel.ink)
        drawn.insert(0, name)
        right -= width + 8
    return drawn


def _questions(title: str, lines: list[str], buttons: list[str]) -> list[tuple[str, str]]:
    message, names = " ".join(lines), ", ".join(buttons)
    description = f'A dialog with the title "{title}" that says: {message} Buttons: {names}.'
    return [
        ("What is the title of the dialog?", title),
        ("What does the error say?", message),
        ("What does the dialog say?", message),
        ("How many buttons are there?", str(len(buttons))),
        ("What buttons are there?", names),
        ("Read the text.", "\n".join([title, *lines, " ".join(buttons)])),
        ("Describe the screenshot.", description),
    ]
