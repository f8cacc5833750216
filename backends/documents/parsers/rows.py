"""CSV and TSV: each row becomes a line of its own that repeats the columns' names."""

from __future__ import annotations

import csv
import io

from backends.documents.parsers.parsed import Parsed, Reading, Writer
from backends.documents.parsers.plain import decode
from studio.errors import InvalidInput, TooLarge

_DELIMITERS = ",;\t|"
_FIELD_CHARACTERS = 1_000_000


def read_rows(data: bytes, reading: Reading) -> Parsed:
    """The table as one page, a row as `column: value; column: value`.

    Raises:
        TooLarge: more rows than a table may have; found before they are all read.
        InvalidInput: it is not a table.
    """
    limit = reading.limits.table_rows
    lines = data.count(b"\n")
    if lines > 4 * limit:  # even with line breaks inside its fields
        raise _too_long(limit)
    text = decode(data)
    csv.field_size_limit(_FIELD_CHARACTERS)
    writer, header = Writer(), list[str]()
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), _dialect(text))):
            if number > limit:
                raise _too_long(limit)
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not header:
                header = cells
            else:
                writer.block(_line(header, cells))
            if number % 1_000 == 0:
                reading.check()
    except csv.Error as fault:
        raise InvalidInput("The table cannot be read.", expected="CSV with a header", got=str(fault)) from fault
    page = writer.page()
    if not page.text and header:
        writer.block("; ".join(header))
        page = writer.page()
    return Parsed("csv", [page])


def _line(header: list[str], cells: list[str]) -> str:
    names = [*header, *[""] * (len(cells) - len(header))]
    told = [f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=False) if cell]
    return "; ".join(told).replace("\n", " ")


def _dialect(text: str) -> type[csv.Dialect]:
    """The separator of the first lines; the most frequent candidate of the first where they do not agree."""
    sample = text[:8192]
    try:
        return csv.Sniffer().sniff(sample, _DELIMITERS)
    except csv.Error:
        first = sample.split("\n", 1)[0]

        class Guessed(csv.excel):
            delimiter = max(_DELIMITERS, key=first.count)

        return Guessed


def _too_long(limit: int) -> TooLarge:
    return TooLarge(
        f"The table has more than {limit:,} rows.",
        expected=f"at most {limit:,} rows",
        hint="Split it, or the operator can raise ATELIER_MAX_TABLE_ROWS.",
    )
