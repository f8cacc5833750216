"""Every format, what is wrong with files, and the limits."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import docx
import pptx
import pytest
from fpdf import FPDF
from PIL import Image as PilImage

from backends.documents.parsers import parsed as parsed_module
from backends.documents.parsers import pdf as pdf_module
from backends.documents.parsers.parsed import Page, Parsed, Reading
from backends.documents.parsers.pdf import page_picture
from backends.documents.parsers.read import read_document
from studio.errors import InvalidInput, TooLarge
from studio.media.base import Limits
from studio.media.image import Image
from tests.backends.documents.conftest import EXAMPLES

READING = Reading()


def read(data: bytes | str, name: str, reading: Reading = READING) -> Parsed:
    return read_document(data.encode() if isinstance(data, str) else data, name, reading)


def paths(page: Page) -> dict[str, tuple[str, ...]]:
    """The first words under each heading path's start."""
    return {page.text[h.start : h.start + 12].split("\n")[0]: h.path for h in page.headings}


def pdf(*pages: list[tuple[int, str]], password: str = "") -> bytes:
    document = FPDF(format="A4")
    if password:
        document.set_encryption(owner_password=password, user_password=password)
    for lines in pages:
        document.add_page()
        for size, text in lines:
            document.set_font("Helvetica", size=size)
            document.multi_cell(0, size * 0.6, text, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output())


# texts


def test_markdown_keeps_headings_lists_tables_and_words_of_links() -> None:
    source = (
        "---\ntitle: x\n---\n# Top\n\nSee [the site](http://a.example) and ![a cat](http://b.example/c.png).\n\n"
        "## Sub\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode here\n```\n\n# Other\n\nEnd *of* it.\n"
    )
    [page] = read(source, "a.md").pages
    assert page.number is None
    assert page.text == (
        "Top\n\nSee the site and a cat.\n\nSub\n- one\n- two\n\na | b\n\n1 | 2\n\ncode here\n\nOther\n\nEnd of it."
    )
    assert [h.path for h in page.headings] == [("Top",), ("Top", "Sub"), ("Other",)]
    assert [page.text[h.start :].split("\n")[0] for h in page.headings] == ["Top", "Sub", "Other"]


def test_html_shows_what_a_reader_sees() -> None:
    source = (
        "<!doctype html><html><head><title>t</title><style>p{}</style></head><body><nav>menu</nav><h1>Top</h1>"
        "<p>One<br>two &amp; <b>three</b><script>alert(1)</script></p><h2>Sub</h2><ul><li>a</li><li>b</li></ul>"
        "<table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table>"
        "<img src='http://a.example/p.png' alt='a picture'><div hidden>not this</div><!-- nor this --></body></html>"
    )
    [page] = read(source, "a.html").pages
    assert page.text == "Top\n\nOne\ntwo & three\n\nSub\n- a\n- b\n\nx | y\n\n1 | 2\n\na picture"
    assert [h.path for h in page.headings] == [("Top",), ("Top", "Sub")]


def test_html_in_the_encoding_that_it_declares() -> None:
    source = '<html><head><meta charset="iso-8859-2"></head><body><p>Łódź</p></body></html>'
    assert read(source.encode("iso-8859-2"), "a.html").pages[0].text == "Łódź"


def test_html_nested_deeper_than_pythons_stack() -> None:
    assert read("<html><body>" + "<div>" * 3_000 + "deep" + "</div>" * 3_000, "a.html").pages[0].text == "deep"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_in_any_encoding(encoding: str) -> None:
    text = "Die Öfen in Köln glühen heiß, während draußen der Schnee fällt. Das Café schließt früh."
    assert read(text.encode(encoding), "a.txt").pages[0].text == text


def test_a_csv_row_repeats_the_columns_names() -> None:
    [page] = read("Item;Price;Note\nTeapot;24,90;\nCup;8,00;with a handle\n", "a.csv").pages
    assert page.text == "Item: Teapot; Price: 24,90\n\nItem: Cup; Price: 8,00; Note: with a handle"
    assert read("a,b\n", "a.csv").pages[0].text == "a; b"


# office formats


def test_word_file() -> None:
    document = docx.Document()
    document.add_heading("Report", 0)
    document.add_heading("Findings", 1)
    document.add_paragraph("The bridge is safe.")
    table = document.add_table(2, 2)
    for row, cells in zip(table.rows, (("span", "load"), ("40 m", "60 t")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    data = io.BytesIO()
    document.save(data)
    [page] = read(data.getvalue(), "a.docx").pages
    assert page.text == "Report\n\nFindings\n\nThe bridge is safe.\n\nspan | load\n\n40 m | 60 t"
    assert [h.path for h in page.headings] == [("Report",), ("Report", "Findings")]


def test_slides_are_pages() -> None:
    presentation = pptx.Presentation()
    for title, text in (("Plan", "Dig the tunnel."), ("Cost", "Nine million.")):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    presentation.slides[1].notes_slide.notes_text_frame.text = "Say it slowly."
    data = io.BytesIO()
    presentation.save(data)
    first, second = read(data.getvalue(), "a.pptx").pages
    assert (first.number, first.text) == (1, "Plan\nDig the tunnel.")
    assert (second.number, second.text) == (2, "Cost\nNine million.\n\nSay it slowly.")
    assert second.headings[0].path == ("Cost",)


def epub(chapters: list[str], encryption: str = "") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        )
        if encryption:
            book.writestr("META-INF/encryption.xml", encryption)
        items = "".join(
            f'<item id="c{n}" href="ch%20{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(chapters))
        )
        order = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
        book.writestr(
            "OEBPS/book.opf",
            f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{order}</spine></package>',
        )
        for n, chapter in enumerate(chapters):
            book.writestr(f"OEBPS/ch {n}.xhtml", f"<html><body>{chapter}</body></html>")
    return data.getvalue()


def test_epub_in_the_order_of_its_spine() -> None:
    book = read(epub(["<h1>Two</h1><p>The end.</p>", "<h1>One</h1><p>It began.</p>"]), "a.epub")
    assert [(page.number, page.text) for page in book.pages] == [(1, "One\n\nIt began."), (2, "Two\n\nThe end.")]


def test_a_protected_epub_is_refused() -> None:
    with pytest.raises(InvalidInput, match="protected against copying"):
        read(epub(["x"], "<e>http://www.w3.org/2001/04/xmlenc#aes256-cbc</e>"), "a.epub")


# PDF


def test_pdf_headings_go_on_over_pages() -> None:
    first = [(20, "Manual"), (11, "Read this first. " * 4)]
    second = [(11, "More of it. " * 6), (15, "Care"), (11, "Dust it. " * 9)]
    parsed = read(pdf(first, second), "a.pdf")
    assert [page.number for page in parsed.pages] == [1, 2]
    assert [h.path for h in parsed.pages[0].headings] == [("Manual",)]
    assert [h.path for h in parsed.pages[1].headings] == [("Manual",), ("Manual", "Care")]
    assert parsed.pages[1].text[parsed.pages[1].headings[1].start :].startswith("Care")


def test_a_span_of_a_pdf_is_marked_where_it_stands() -> None:
    data = pdf([(11, "First line of the page.")] + [(11, f"Line {n} has the number {n}.") for n in range(2, 8)])
    text = read(data, "a.pdf").pages[0].text
    start = text.index("number 5")
    image, boxes = page_picture(data, 0, start, start + 8)
    width, height = image.resolution_wh
    [(left, top, right, bottom)] = boxes
    assert 0 < left < right < width
    assert 0 < top < bottom < height
    inside = image.rgb[int(top) : int(bottom), int(left) : int(right)]
    assert inside.min() < 100, "there is ink in the box"
    _, [other] = page_picture(data, 0, text.index("number 6"), text.index("number 6") + 8)
    assert other[1] > top
    assert abs(other[0] - left) < 3


def test_a_word_broken_at_a_lines_end_is_one_word() -> None:
    characters = "the light\x02\r\nhouse\r\nstands"
    joined = pdf_module._joined(characters, [10.0] * len(characters))
    assert joined.text == "the lighthouse\nstands"
    assert len(joined.index) == len(joined.text)


def scanned() -> bytes:
    document = FPDF(format="A4")
    document.add_page()
    document.image(PilImage.new("RGB", (200, 100), "grey"), w=100)
    document.add_page()
    document.set_font("Helvetica", size=11)
    document.cell(text="Typed page.")
    return bytes(document.output())


def test_a_scanned_page_is_read_by_the_task_for_it() -> None:
    seen: list[Image] = []

    def recognise(image: Image) -> str:
        seen.append(image)
        return "Words in a picture."

    parsed = read(scanned(), "a.pdf", replace(READING, recognise=recognise))
    assert [page.text for page in parsed.pages] == ["Words in a picture.", "Typed page."]
    assert max(seen[0].resolution_wh) > 2_000
    assert parsed.notes == ["Page 1 is only a picture; the text was read from it and may have errors."]


def test_a_scanned_page_without_that_task_is_named() -> None:
    parsed = read(scanned(), "a.pdf")
    assert [page.text for page in parsed.pages] == ["", "Typed page."]
    assert parsed.notes == ["Page 1 is only a picture, and no text was read in it."]


# bad files and limits


def test_an_encrypted_pdf() -> None:
    with pytest.raises(InvalidInput, match="locked with a password"):
        read(pdf([(11, "secret")], password="x"), "a.pdf")


def test_a_pdf_of_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    document = FPDF()
    for _ in range(5_000):
        document.add_page()
    with pytest.raises(TooLarge, match="more than 2,000 pages") as caught:
        read(bytes(document.output()), "a.pdf")
    assert caught.value.got == "5,000 pages"


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.txt", "empty"),
        (b"%PDF-1.7\nnothing of it", "a.pdf", "damaged"),
        (b"plain words", "a.pdf", "ends in .pdf, but it is no PDF"),
        (b"plain words", "a.docx", "ends in .docx, but it is no Word file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "a.doc", "old Office versions"),
        (bytes(range(256)) * 40, "a.txt", "not text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(200)) * 20, "a.txt", "not text"),
        (b"   \n\n  ", "a.md", "no text"),
        (b"PK\x03\x04broken", "a.docx", "not a zip archive"),
    ],
)
def test_bad_files_are_named(data: bytes, name: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(data, name)


def test_a_zip_that_is_no_document() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(InvalidInput, match="an archive, but no document"):
        read(data.getvalue(), "a.docx")


def test_a_zip_bomb_as_a_word_file() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 50_000_000)
    with pytest.raises(TooLarge, match="more than 200 times its size"):
        read(data.getvalue(), "a.docx")


def test_a_damaged_word_file() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("word/document.xml", "<not closed")
    with pytest.raises(InvalidInput, match="Word file is damaged"):
        read(data.getvalue(), "a.docx")


def test_a_csv_of_a_million_rows() -> None:
    with pytest.raises(TooLarge, match="more than 200,000 rows"):
        read(b"a,b\n" + b"1,2\n" * 1_000_000, "a.csv")
    with pytest.raises(TooLarge, match="more than 20 rows"):
        read(b"a,b\n" + b"1,2\n" * 30, "a.csv", Reading(Limits(table_rows=20)))


def test_too_many_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooLarge, match="10,000,000 characters"):
        read("word " * 2_100_000, "a.txt")
    assert parsed_module.MAX_CHARACTERS == 10_000_000


def test_a_wrong_ending_is_told() -> None:
    parsed = read(pdf([(11, "Really a PDF.")]), "a.txt")
    assert parsed.kind == "pdf"
    assert parsed.notes == ["The file's name ends in .txt, but it is a PDF."]


def test_the_examples_are_read() -> None:
    manual = read((EXAMPLES / "kiln_manual.pdf").read_bytes(), "kiln_manual.pdf")
    assert [h.path[-1] for page in manual.pages for h in page.headings if h.start] == [
        "Before the first firing", "Loading", "Cooling and opening", "When something goes wrong",
    ]  # fmt: skip
    assert "1,280 °C" in manual.pages[0].text
