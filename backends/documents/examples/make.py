# ruff: noqa: E501
"""Writes kiln_manual.pdf: `python -m backends.documents.examples.make`. The other examples are texts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF

_PAGES = (
    (
        ("Before the first firing", (
            "The kiln FK 60 is made for earthenware, stoneware and porcelain. It holds 60 litres and reaches a temperature "
            "of at most 1,280 °C. It is connected to 400 volts and draws 16 amperes; have the connection made by an "
            "electrician.",
            "Put the kiln on a floor that does not burn, at least 50 centimetres away from every wall. Never leave paper, "
            "solvents or gas bottles in the same room.",
            "Fire the empty kiln once to 1,050 °C before you use it. The heating wires form a protective layer then, which "
            "makes them last about twice as long.",
        )),
        ("Loading", (
            "Pieces must be dry: a damp piece bursts. Leave two fingers' breadth between the pieces and the heating wires. "
            "Glazed pieces must not touch each other, or they melt together.",
            "Dust the shelves with kiln wash. Wipe glaze off the foot of each piece; 3 millimetres above the shelf have to "
            "stay free of it.",
        )),
    ),
    (
        ("Programmes", (
            "Programme 1 is the bisque firing: up to 960 °C in seven hours. Programme 2 fires earthenware glazes at "
            "1,060 °C. Programme 3 is for stoneware and porcelain and takes nine hours to reach 1,280 °C.",
            "Choose the programme with the left knob and press Start for three seconds. The display shows the temperature "
            "inside and the hours that are left.",
        )),
        ("Cooling and opening", (
            "The kiln takes about 12 hours to cool down. Do not open the lid above 80 °C: the glaze cracks, and the lid's "
            "bricks break. Between 200 °C and 80 °C the lid may be propped open by one centimetre.",
        )),
        ("When something goes wrong", (
            "E1: the thermocouple is broken or not plugged in. Switch off and call the service.",
            "E2: the kiln heats too slowly. Most often a heating wire is burnt through; it can be replaced when the kiln is "
            "cold and unplugged.",
            "E4: the power failed during the firing. The programme goes on by itself if it was not longer than ten minutes; "
            "after that it has to be started again.",
            "Service: Ofenbau Marten, telephone 0555 0142, on weekdays from 8 to 17.",
        )),
    ),
)  # fmt: skip


def make(path: Path) -> None:
    """Two pages with headings; the same bytes each time."""
    pdf = FPDF(format="A4")
    pdf.set_creation_date(datetime(2026, 3, 1, tzinfo=UTC))
    pdf.set_title("Kiln FK 60: manual")
    pdf.set_margin(25)
    for number, sections in enumerate(_PAGES):
        pdf.add_page()
        if number == 0:
            _line(pdf, "Kiln FK 60: manual", 22)
        for title, paragraphs in sections:
            _line(pdf, title, 15)
            for paragraph in paragraphs:
                pdf.set_font("Helvetica", size=11)
                pdf.multi_cell(0, 6, paragraph, new_x="LMARGIN", new_y="NEXT")
                pdf.ln(3)
    path.write_bytes(bytes(pdf.output()))


def _line(pdf: FPDF, text: str, size: int) -> None:
    pdf.ln(4)
    pdf.set_font("Helvetica", style="B", size=size)
    pdf.multi_cell(0, size * 0.6, text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)


if __name__ == "__main__":
    make(Path(__file__).parent / "kiln_manual.pdf")
