"""Draws bar charts of a revenue by month."""

from canvas import Artist, Canvas, Drawing

MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
TITLES = ["Revenue", "Revenue by month", "Monthly revenue"]


def chart(artist: Artist, width: int, height: int) -> Drawing:
    """Draws a chart of three to six months in a row, named by three letters each."""
    rng = artist.rng
    theme = artist.theme()
    canvas = Canvas(width, height, theme.back)
    face = artist.face(0.3, 11, 15)
    count = rng.randint(3, 6)
    first = rng.randint(0, 12 - count)
    months = MONTHS[first : first + count]
    year, unit = rng.randint(10, 29), rng.choice(["USD", "EUR", "k$"])
    title = rng.choice([*TITLES, f"Revenue 20{year}", f"Revenue ({unit})"])
    canvas.text(int((width - face.width(title)) / 2), 3, title, face, theme.ink)
    values = _values(artist, count)
    top, bottom = face.height + 24, height - face.height - 6
    colour = artist.colour(40, 220)
    column = (width - 20) / count
    with_values = rng.random() < 0.5
    for place, (month, value) in enumerate(zip(months, values, strict=True)):
        left = 10 + place * column
        bar_left = left + column * 0.15
        bar = (bottom - top) * value / max(values)
        fill = colour if rng.random() < 0.8 else artist.colour(40, 220)
        canvas.draw.rectangle((bar_left, bottom - bar, bar_left + column * 0.7, bottom), fill=fill)
        name = month[:3]
        canvas.text(int(left + (column - face.width(name)) / 2), bottom + 3, name, face, theme.ink)
        if with_values:
            number = str(value)
            x = int(left + (column - face.width(number)) / 2)
            canvas.text(x, int(bottom - bar - face.height), number, face, theme.ink)
    highest = months[values.index(max(values))]
    lowest = months[values.index(min(values))]
    names = ", ".join(month[:3] for month in months)
    description = f'A bar chart with the title "{title}" that shows {names}. The highest month is {highest}.'
    return Drawing(
        canvas,
        [
            ("Which month had the highest revenue?", highest),
            ("Which month had the highest revenue?", highest),
            ("Which month had the lowest revenue?", lowest),
            ("What is the title of the chart?", title),
            ("How many months are there?", str(count)),
            ("Describe the screenshot.", description),
        ],
    )


def _values(artist: Artist, count: int) -> list[int]:
    """Picks a value for each bar; the highest and the lowest can be told by eye."""
    while True:
        values = artist.rng.sample(range(5, 100), count)
        ordered = sorted(values)
        if ordered[-1] - ordered[-2] >= 5 and ordered[1] - ordered[0] >= 4:
            return values
