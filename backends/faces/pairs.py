"""Reads the pairs of a zip: a pairs.csv, or two folders `same` and `different`."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from studio.errors import InvalidInput, TooLarge
from studio.media.archive import Archive

PAIRS_FORMAT = (
    "a zip with a pairs.csv (columns first, second, same) and its pictures, or with two folders, "
    "same and different, of pictures named 01_a.jpg and 01_b.jpg"
)
_YES, _NO = ("1", "yes", "true", "same"), ("0", "no", "false", "different")
_PAIR_NAME = re.compile(r"(?P<key>.+)_(?P<side>[ab])\.\w+", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """Two files of the archive, and whether they show one person."""

    first: str
    second: str
    same: bool


def read_pairs(archive: Archive) -> tuple[list[Pair], list[str]]:
    """The pairs whose files are there, and in words those that are not.

    Raises:
        InvalidInput: the archive has neither form, or its pairs.csv is broken.
        TooLarge: more pairs than a table may have rows.
    """
    lists = sorted((n for n in archive.names if posixpath.basename(n).lower() == "pairs.csv"), key=len)
    pairs, skipped = _from_csv(archive, lists[0]) if lists else _from_folders(archive)
    if not pairs and not skipped:
        raise InvalidInput("The archive has no pairs.", field="pairs", expected=PAIRS_FORMAT, got=_some(archive))
    return pairs, skipped


def _from_csv(archive: Archive, name: str) -> tuple[list[Pair], list[str]]:
    """File names in the list are relative to its own folder."""
    folder = posixpath.dirname(name)
    known = set(archive.names)
    pairs, skipped = [], []
    for line, first, second, same in _rows(archive, name):
        paths = [posixpath.normpath(posixpath.join(folder, entry.replace("\\", "/"))) for entry in (first, second)]
        missing = [path for path in paths if path not in known]
        if missing:
            skipped.append(f"Line {line}: {missing[0][:80]} is not in the archive.")
        elif same.lower() not in _YES + _NO:
            skipped.append(f"Line {line}: same is {same[:20]!r}, expected 1 or 0.")
        else:
            pairs.append(Pair(paths[0], paths[1], same.lower() in _YES))
    return pairs, skipped


def _rows(archive: Archive, name: str) -> Iterator[tuple[int, str, str, str]]:
    """(line, first, second, same) of each row of the list."""
    try:
        text = archive.read(name).decode("utf-8-sig")
        dialect = ";" if ";" in text.partition("\n")[0] else ","
        reader = csv.DictReader(io.StringIO(text), delimiter=dialect, skipinitialspace=True)
        columns = {(column or "").strip().lower(): column for column in reader.fieldnames or ()}
        if not {"first", "second", "same"} <= columns.keys():
            raise InvalidInput(
                "pairs.csv lacks a column.",
                field="pairs",
                expected="columns first, second, same",
                got=", ".join(columns)[:80],
            )
        for count, row in enumerate(reader, start=1):
            if count > archive.limits.table_rows:
                raise TooLarge(
                    f"pairs.csv has more than {archive.limits.table_rows:,} rows.",
                    field="pairs",
                    expected=f"at most {archive.limits.table_rows:,} rows",
                    hint="The operator can raise ATELIER_MAX_TABLE_ROWS.",
                )
            first, second, same = ((row[columns[key]] or "").strip() for key in ("first", "second", "same"))
            yield reader.line_num, first, second, same
    except (UnicodeDecodeError, csv.Error) as fault:
        raise InvalidInput(
            "pairs.csv cannot be read.", field="pairs", expected="a CSV in UTF-8", got=str(fault)[:80]
        ) from fault


def _from_folders(archive: Archive) -> tuple[list[Pair], list[str]]:
    sides: dict[tuple[bool, str], dict[str, str]] = {}
    for name in archive.names:
        folder, base = posixpath.split(name)
        label = posixpath.basename(folder).lower()
        match = _PAIR_NAME.fullmatch(base)
        if match and label in ("same", "different"):
            sides.setdefault((label == "same", f"{folder}/{match['key']}"), {})[match["side"].lower()] = name
    pairs, skipped = [], []
    for (same, key), files in sorted(sides.items()):
        if files.keys() == {"a", "b"}:
            pairs.append(Pair(files["a"], files["b"], same))
        else:
            skipped.append(f"{key[:80]}: one of the two pictures, _a and _b, is missing.")
    return pairs, skipped


def _some(archive: Archive) -> str:
    return ", ".join(archive.names[:3])[:120]
