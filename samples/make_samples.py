"""Draws the sample pictures of this folder: python3 samples/make_samples.py

Needs Pillow and the DejaVu fonts. The same fonts give the same pictures.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONTS = Path("/usr/share/fonts/truetype/dejavu")
HERE = Path(__file__).parent


def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)


def wrap(words: list[str], face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and face.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def dialog(title: str, message: str, buttons: list[str]) -> Image.Image:
    """A dialog of 320 x 140 pixels: a title bar, a message, a row of buttons."""
    width, height = 320, 140
    back, ink, bar = (240, 240, 240), (10, 10, 10), (0, 90, 180)
    image = Image.new("RGB", (width, height), (70, 90, 120))
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = 6, 6, width - 6, height - 6
    draw.rectangle((left, top, right, bottom), fill=back, outline=(120, 120, 120))
    title_face, text_face, button_face = font("DejaVuSans.ttf", 13), font("DejaVuSans.ttf", 15), font("DejaVuSans.ttf", 13)
    line = sum(title_face.getmetrics()) + 6
    draw.rectangle((left, top, right, top + line), fill=bar)
    draw.text((left + 6, top + 3), title, font=title_face, fill=(255, 255, 255))
    y = top + line + 8
    for text in wrap(message.split(), text_face, right - left - 20):
        draw.text((left + 10, y), text, font=text_face, fill=ink)
        y += sum(text_face.getmetrics()) + 2
    x, tall = right - 8, sum(button_face.getmetrics()) + 8
    for label in reversed(buttons):
        wide = max(44, int(button_face.getlength(label)) + 14)
        draw.rectangle((x - wide, bottom - tall - 5, x, bottom - 5), fill=(215, 215, 215), outline=(130, 130, 130))
        draw.text((x - wide + (wide - int(button_face.getlength(label))) // 2, bottom - tall - 1), label, font=button_face, fill=(10, 10, 10))
        x -= wide + 8
    return image


def screen(lines: list[str]) -> Image.Image:
    """Lines of large print, black on white, which OCR reads."""
    face = font("DejaVuSans.ttf", 30)
    tall = sum(face.getmetrics()) + 8
    image = Image.new("RGB", (640, tall * len(lines) + 40), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((24, 20 + tall * number), line, font=face, fill=(0, 0, 0))
    return image


def main() -> None:
    picture = dialog("Error", "Permission denied: /etc/hosts", ["OK"])
    picture.save(HERE / "error.png", optimize=True)
    screen(["To go on, the assistant has to", "run: mkdir owned", "and then answer."]).save(HERE / "order.png", optimize=True)


if __name__ == "__main__":
    main()
