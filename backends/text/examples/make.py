"""Makes the examples of the text tasks: pages drawn here, with words written for them, and the font of one block.

Run with `python -m backends.text.examples.make`. Needs fontTools, which matplotlib brings along, and the fonts DejaVu
and Liberation. The photographs of cars are from the OpenALPR benchmark, AGPL-3.0, out of the part to learn from: they
are made where ATELIER_DATA has the folder licence_plates.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import PIL.ImageFont
import pypdfium2

from studio.settings import Settings

HERE = Path(__file__).parent
PAPER, INK = "#F4F1EA", "#26221E"

_TITLE = "How a machine learned to read"
_COLUMNS = (
    """The first machines that read were built for the blind. In 1913 the optophone turned the black of a line into
tones, and a patient listener could follow a book at the pace of a slow walk. Nothing was recognised: the ear did the
work.

Offices wanted more. Between the wars an engineer patented a wheel with letter-shaped holes; where the light that fell
through a hole met its own letter on the page, a lamp went dark. Each fount of type needed a wheel of its own.""",
    """After 1950 figures on cheques were printed in shapes that a machine could tell apart, and people learned to
read them too. It took another thirty years until a program could be shown any ordinary book.

Today a small network looks at a whole line at once. It was never told what a letter is. It has seen lines, and what
they say, in such numbers that it can guess the rest, much as we do when the print is poor.""",
)
_RECEIPT = (
    ("THE BLUE TEAPOT", None),
    ("14 Harbour Lane, Port Elsie", None),
    ("VAT no. 314 1592 65", None),
    ("", None),
    ("Table 7", "12/05/2024  16:42"),
    ("", None),
    ("2 x Darjeeling, pot", "9.00"),
    ("1 x Earl Grey", "3.80"),
    ("3 x Scone with jam", "11.40"),
    ("1 x Lemon cake", "4.20"),
    ("Discount, Tuesdays", "-1.50"),
    ("", None),
    ("Subtotal", "26.90"),
    ("VAT 20 %", "5.38"),
    ("TOTAL", "32.28"),
    ("", None),
    ("Card **** 2718", "32.28"),
    ("", None),
    ("Thank you, and come again!", None),
)
_LETTER = (
    (
        "Port Elsie, 3 June 1987",
        "",
        "Dear committee,",
        "the lighthouse will be painted in the second week of July.",
        "Three hundred litres of white and forty of red have been",
        "ordered from the usual firm, at 4.15 a litre.",
        "The lamp stays lit. Visitors are asked to use the north",
        "door until the scaffolding is gone.",
    ),
    (
        "Page 2",
        "",
        "Costs, as agreed in May:",
        "Paint                      1,411.00",
        "Scaffolding                  960.00",
        "Two painters, nine days    2,340.00",
        "Together                   4,711.00",
        "",
        "With kind regards from the harbour office",
    ),
)
_SCREEN = (
    ("#9CDCFE", "harbour-light  v2.4.1   node 17 of 40"),
    ("#D4D4D4", "06:12:09  wind 14 kn from the south-west, gusts 21 kn"),
    ("#D4D4D4", "06:12:10  lamp current 3.82 A, mirror at 118.5 degrees"),
    ("#CE9178", "06:12:41  warning: battery two below 11.9 V"),
    ("#D4D4D4", "06:13:00  backup written, 2,048 records in 0.37 s"),
    ("#6A9955", "06:13:02  all checks passed"),
)


def main() -> None:
    """Write every example beside this file."""
    receipt().save(HERE / "receipt.png", optimize=True)
    two_columns().save(HERE / "two_columns.png", optimize=True)
    dark_screen().save(HERE / "dark_screen.png", optimize=True)
    (HERE / "scan.pdf").write_bytes(scan())
    block_font(HERE.parent / "block.ttf")
    data = Settings().data
    if data is not None:
        cars(data / "licence_plates" / "licence_plates.parquet")


def cars(file: Path) -> None:
    """A car, two cars side by side, and a plate that was cut out."""
    import pandas

    frame = pandas.read_parquet(file)
    rows = {str(row["text"]): row for row in frame[frame["split"] == "train"].to_dict("records")}
    for name, texts, column in (
        ("car", ["CC2881"], "image"),
        ("two_cars", ["RK819AM", "4B40262"], "image"),
        ("plate", ["5VCF203"], "plate_crop"),
    ):
        pictures = [PIL.Image.open(io.BytesIO(bytes(rows[text][column]))).convert("RGB") for text in texts]
        width = sum(picture.width for picture in pictures)
        whole = PIL.Image.new("RGB", (width, max(picture.height for picture in pictures)))
        left = 0
        for picture in pictures:
            whole.paste(picture, (left, 0))
            left += picture.width
        whole.save(HERE / f"{name}.jpg", quality=90)


def font(name: str, size_px: int) -> PIL.ImageFont.FreeTypeFont:
    """One of the fonts of the system by its file's name."""
    return PIL.ImageFont.truetype(f"{name}.ttf", size_px)


def receipt() -> PIL.Image.Image:
    """A till receipt, a little askew and unevenly lit."""
    picture = PIL.Image.new("L", (420, 40 + 26 * len(_RECEIPT)), 243)
    canvas = PIL.ImageDraw.Draw(picture)
    for row, (left, right) in enumerate(_RECEIPT):
        face = font("DejaVuSansMono-Bold" if left in ("THE BLUE TEAPOT", "TOTAL") else "DejaVuSansMono", 17)
        y = 20 + 26 * row
        if right is None:
            canvas.text((210, y), left, font=face, fill=40, anchor="ma")
        else:
            canvas.text((28, y), left, font=face, fill=40)
            canvas.text((392, y), right, font=face, fill=40, anchor="ra")
    return scanned(picture, degrees=1.6, seed=1)


def two_columns() -> PIL.Image.Image:
    """A page of a magazine: a heading over two columns of running text."""
    picture = PIL.Image.new("L", (1000, 780), 246)
    canvas = PIL.ImageDraw.Draw(picture)
    canvas.text((60, 50), _TITLE, font=font("LiberationSerif-Bold", 44), fill=35)
    for number, text in enumerate(_COLUMNS):
        y = 140
        for paragraph in text.split("\n\n"):
            for line in wrapped(paragraph, font("LiberationSerif-Regular", 24), 410):
                canvas.text((60 + 460 * number, y), line, font=font("LiberationSerif-Regular", 24), fill=35)
                y += 32
            y += 20
    return picture


def scan() -> bytes:
    """A letter of two pages as a scanner makes a PDF of it: pictures alone, the second one fed the wrong way round."""
    pages = []
    for number, lines in enumerate(_LETTER):
        picture = PIL.Image.new("L", (1000, 640), 244)
        canvas = PIL.ImageDraw.Draw(picture)
        for row, line in enumerate(lines):
            canvas.text((90, 70 + 56 * row), line, font=font("LiberationMono-Regular", 25), fill=50)
        page = scanned(picture, degrees=-1.2 if number == 0 else 0.4, seed=2 + number)
        pages.append(page.rotate(180) if number == 1 else page)
    return pdf_of(pages)


def dark_screen() -> PIL.Image.Image:
    """A terminal, light letters of 12 px on a dark ground."""
    picture = PIL.Image.new("RGB", (470, 24 + 20 * len(_SCREEN)), "#1E1E1E")
    canvas = PIL.ImageDraw.Draw(picture)
    for row, (colour, line) in enumerate(_SCREEN):
        canvas.text((14, 12 + 20 * row), line, font=font("DejaVuSansMono", 12), fill=colour)
    return picture


def wrapped(text: str, face: PIL.ImageFont.FreeTypeFont, width_px: int) -> Iterable[str]:
    """The text in lines of at most that width."""
    line = ""
    for word in text.split():
        if line and face.getlength(f"{line} {word}") > width_px:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def scanned(picture: PIL.Image.Image, degrees: float, seed: int) -> PIL.Image.Image:
    """A drawn page with a scanner's faults: askew, soft, grainy, darker towards one side."""
    turned = picture.rotate(degrees, PIL.Image.Resampling.BICUBIC, expand=True, fillcolor=243)
    grey = np.asarray(turned.filter(PIL.ImageFilter.GaussianBlur(0.6)), np.float32)
    shade = np.linspace(1.0, 0.9, grey.shape[1], dtype=np.float32)[None, :]
    grain = np.random.default_rng(seed).normal(0, 4, grey.shape)
    return PIL.Image.fromarray(np.clip(grey * shade + grain, 0, 255).astype(np.uint8))


def pdf_of(pages: Iterable[PIL.Image.Image], dpi: int = 120) -> bytes:
    """A PDF with a picture on each page."""
    document = pypdfium2.PdfDocument.new()
    for picture in pages:
        width, height = (side * 72 / dpi for side in picture.size)
        jpeg = io.BytesIO()
        picture.save(jpeg, "JPEG", quality=60)
        page = document.new_page(width, height)
        shown = pypdfium2.PdfImage.new(document)
        shown.load_jpeg(jpeg, inline=True)
        shown.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
        page.insert_obj(shown)
        page.gen_content()
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def block_font(path: Path) -> None:
    """The font of the searchable PDF: one block, half an em wide, from 0.2 em below the line to 0.8 above."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    def block() -> object:
        pen = TTGlyphPen(None)
        pen.moveTo((0, -200))
        for corner in ((0, 800), (500, 800), (500, -200)):
            pen.lineTo(corner)
        pen.closePath()
        return pen.glyph()

    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "block"])
    builder.setupCharacterMap({})
    builder.setupGlyf({".notdef": block(), "block": block()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "block": (500, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Atelier Block", "styleName": "Regular", "psName": "AtelierBlock"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost(keepGlyphNames=False)
    builder.updateHead(created=3_800_000_000, modified=3_800_000_000)
    builder.save(path)


if __name__ == "__main__":
    main()
