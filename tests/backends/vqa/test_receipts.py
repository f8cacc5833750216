"""Fields of receipts from literal rows."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from backends.vqa.amounts import price, total
from backends.vqa.dates import date, parsed_date
from backends.vqa.headings import address, company
from backends.vqa.lines import Line, Row, lines_of, rows_of


def rows(*texts: str) -> list[Row]:
    """Rows below each other; a tab parts two pieces."""
    made = []
    for number, text in enumerate(texts):
        pieces = text.split("\t")
        lines = [
            Line(piece, 0.9, (200.0 * n, 30.0 * number, 200.0 * n + 150, 30.0 * number + 20))
            for n, piece in enumerate(pieces)
        ]
        made.append(Row(tuple(lines)))
    return made


def value(found: Any) -> Any:
    return found.value if found else None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("SUBTOTAL\t26.90", "VAT 20 %\t5.38", "TOTAL\t32.28", "Card\t32.28"), "32.28"),
        (("Total\t31.00", "Cash\t101.00", "Change\t70.00"), "31.00"),
        (
            ("Total RM Incl. of GST\t40.99", "Rounding Adj\t0.01", "Total RM\t41.00", "CASH\t51.00", "CHANGE\t10.00"),
            "41.00",
        ),
        (("TOTAL INCL. GST RM 8.11", "ROUNDING ADJUSTMENT -RM 0.01", "TOTAL ROUNDED RM 8.10"), "8.10"),
        (("Total (Excluding GST): 106.00", "GST Payable: 6.36", "Total (Inclusive of GST): 112.36"), "112.36"),
        (("ITEM 2 Total with GST 6.83", "TOTAL SAVING: 0.00\tTOTAL 6.85", "Cash 20.00"), "6.85"),
        (("GRAND TOTAL", "1,234.50"), "1234.50"),
        (("TOTAL\t$6.90", "GST Summary Amount Tax", "SR @ 6%\t0.51\t0.39", "TOTAL 0.51 0.39"), "6.90"),
        (("Total Qty:\t18", "Nett Total:\t9,50"), "9.50"),
        (("hello", "12:30.55"), None),
        ((), None),
    ],
)
def test_total(texts: tuple[str, ...], expected: str | None) -> None:
    assert value(total(rows(*texts))) == expected


def test_the_total_says_why() -> None:
    found = total(rows("Tea 3.00", "Total 3.00", "Cash 5.00", "Change 2.00"))
    assert found is not None
    assert "beside “Total”" in found.because
    assert "the cash less the change" in found.because
    assert found.boxes == ((0, 30, 150, 50),)


def test_prices() -> None:
    receipt = rows("2 x Darjeeling, pot\t9.00", "Scone with jam", "3 x 3.80\t11.40", "Lemon cake\t4.20")
    assert value(price(receipt, "lemon cakes")) == "4.20"
    assert value(price(receipt, "scone")) == "11.40"
    assert price(receipt, "coffee") is None
    assert price(receipt, "") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DATE: 09/01/2019 8:01", (2019, 1, 9)),
        ("14-03-18 21:49", (2018, 3, 14)),
        ("27 Mar 2018 18:46", (2018, 3, 27)),
        ("Mar 27, 2018", (2018, 3, 27)),
        ("2018-03-27", (2018, 3, 27)),
        ("20180304", (2018, 3, 4)),
        ("12/22/2017", (2017, 12, 22)),
        ("05.JUN.2017", (2017, 6, 5)),
    ],
)
def test_dates(text: str, expected: tuple[int, int, int]) -> None:
    assert parsed_date(text) == datetime.date(*expected)
    assert date(rows("Shop", text)) is not None


@pytest.mark.parametrize("text", ["31/02/2019", "99/99/99", "03-3362 4395", "1.50", "12:30:15", "20251399"])
def test_no_dates(text: str) -> None:
    assert parsed_date(text) is None
    assert date(rows(text)) is None


def test_the_labelled_date_counts() -> None:
    found = date(rows("Printed 01/01/2020", "Invoice date: 02/03/2019", "Due 05/05/2021"))
    assert value(found) == "02/03/2019"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("tan chay yee", "ABC TRADING SDN BHD", "NO.2, JALAN HARMONI 3/2"), "ABC TRADING SDN BHD"),
        (("99 SPEED MART S/B (519537-X)", "LOT P.T. 2811, JALAN ANGSA"), "99 SPEED MART S/B"),
        (("HOME MASTER HARDWARE &", "ELECTRICAL", "NO.113G, JALAN SETIA"), "HOME MASTER HARDWARE & ELECTRICAL"),
        (("POPULAR BOOK", "CO. (M) SDN BHD", "Jalan Stesen 1"), "POPULAR BOOK CO. (M) SDN BHD"),
        (("A03127", "PAID 11 MAR 2018", "CAFE MIRADOR", "8 Mill Street"), "CAFE MIRADOR"),
        (("TAX INVOICE", "12345"), None),
        ((), None),
    ],
)
def test_company(texts: tuple[str, ...], expected: str | None) -> None:
    assert value(company(rows(*texts))) == expected


def test_address() -> None:
    receipt = rows("THE SHOP LTD", "14 Harbour Lane,", "Port Elsie 50200", "TEL: 03-1234567", "Jalan Ende")
    assert value(address(receipt)) == "14 Harbour Lane, Port Elsie 50200"
    assert address(rows("THE SHOP LTD", "hello")) is None


def test_rows_are_what_stands_side_by_side() -> None:
    def record(text: str, left: int, top: int, right: int) -> dict[str, Any]:
        return {"text": text, "score": 1, "x1": left, "y1": top, "x2": right, "y2": top} | {
            "x3": right,
            "y3": top + 20,
            "x4": left,
            "y4": top + 20,
        }

    lines = lines_of([record("Total", 0, 0, 50), record("3.00", 200, 5, 250), record("Cash", 0, 12, 50)])
    assert [row.text for row in rows_of(lines)] == ["Total 3.00", "Cash"]
